"""An event that plugins transform is transformed once for each attempt, and observers see what was sent."""

import re
from collections import Counter
from functools import partial
from typing import Any

import pytest

import klavier
from klavier import Event
from klavier.flows.send_one import SendOne
from klavier.outbox import SqliteOutbox
from klavier.vendor import Flow
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import ScriptedVendor, Simulation, event_request, fill, refused
from tests.support.virtual_time import run_virtually

OPTIONS = [
    pytest.param(WorkerOptions(), id="single"),
    pytest.param(WorkerOptions(combine=True, window=10_000, run=100), id="bulk"),
    pytest.param(WorkerOptions(combine=True, window=10_000, run=100, batch=70), id="bulk, together"),
]


class Numbering:
    """Returns another event at each call: its name ends with a number that was not used before."""

    def __init__(self) -> None:
        self.times: Counter[str] = Counter()
        self._used = 0

    @klavier.hookimpl
    def klavier_transform_event(self, event: Event) -> Any:
        self.times[str(event.message_id)] += 1
        self._used += 1
        return klavier.parse_event({**event.payload, "event": f"Event {self._used}"})


def track(user: object) -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": "Event"}


def request_of(event: Event) -> klavier.Request:
    """The name of the event is its unique id."""
    return event_request(str(event.user_id), event.payload["n"], unique_id=event.payload["event"])


def generator(event: Event) -> Flow:
    return (yield from SendOne(request_of(event), failure=refused)())


def vendor() -> ScriptedVendor:
    """Every other flow is a `SendOne`, the others are generators."""
    return ScriptedVendor(
        lambda event: (
            SendOne(request_of(event), failure=refused) if event.payload["n"] % 2 else partial(generator, event)
        )
    )


def names_in(request: klavier.Request) -> list[str]:
    return re.findall(r'"unique_id":"(Event [0-9]+)"', request.body.decode())


def names_seen(simulation: Simulation) -> list[str]:
    assert all(event is not None for event, _ in simulation.ended)
    return [event.payload["event"] for event, _ in simulation.ended if event is not None]


def plugins_with(plugin: Numbering) -> klavier.Plugins:
    plugins = klavier.Plugins()
    plugins.register(plugin, "numbering")
    return plugins


@pytest.mark.parametrize("options", OPTIONS)
def test_a_transformation_runs_once_and_observers_see_what_was_sent(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox, plugin = SqliteOutbox(), Numbering()
        count = fill(outbox, (track(n % 30) for n in range(90)))
        simulation = Simulation(outbox, options=options, vendor=vendor(), plugins=plugins_with(plugin))
        sent: list[str] = []

        def fault(request: klavier.Request) -> klavier.Response | None:
            sent.extend(names_in(request))
            return None

        simulation.klaviyo.fault = fault
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert plugin.times == Counter({f"m{number}": 1 for number in range(count)})
        assert sorted(sent) == sorted(names_seen(simulation))

    run_virtually(main())


@pytest.mark.parametrize("options", OPTIONS)
def test_a_refused_event_is_observed_as_it_was_sent_too(options: WorkerOptions) -> None:
    """Every request with an event of a number that seven divides is refused, bodies until they are halved to it."""

    async def main() -> None:
        outbox, plugin = SqliteOutbox(), Numbering()
        count = fill(outbox, (track(n % 30) for n in range(90)))
        simulation = Simulation(outbox, options=options, vendor=vendor(), plugins=plugins_with(plugin))
        refusals: set[str] = set()

        def fault(request: klavier.Request) -> klavier.Response | None:
            if not any(number % 7 == 0 for number in map(int, re.findall(r'"n":([0-9]+)', request.body.decode()))):
                return None
            if request.path == "/api/events":
                refusals.update(names_in(request))
            return klavier.Response(400, {"errors": [{"detail": "bad"}]})

        simulation.klaviyo.fault = fault
        await simulation.drain()
        bad = len(range(0, count, 7))
        assert simulation.outcomes == {"delivered": count - bad, "failed": bad}
        assert plugin.times == Counter({f"m{number}": 1 for number in range(count)})
        failed = {event.payload["event"] for event, outcome in simulation.ended if event and outcome.kind == "failed"}
        assert failed == refusals

    run_virtually(main())


@pytest.mark.parametrize("options", OPTIONS)
def test_a_retried_event_is_observed_as_its_last_attempt_sent_it(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox, plugin = SqliteOutbox(), Numbering()
        count = fill(outbox, (track(n) for n in range(60)))
        simulation = Simulation(outbox, options=options, vendor=vendor(), plugins=plugins_with(plugin))
        accepted: list[str] = []
        met: list[int] = []

        def fault(request: klavier.Request) -> klavier.Response | None:
            met.append(1)
            if len(met) <= 5:
                return klavier.Response(503)
            accepted.extend(names_in(request))
            return None

        simulation.klaviyo.fault = fault
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert max(plugin.times.values()) > 1
        assert sorted(accepted) == sorted(names_seen(simulation))

    run_virtually(main())
