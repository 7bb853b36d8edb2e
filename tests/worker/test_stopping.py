"""A worker that is stopped finishes what is in flight: every call has its outcome, and what was not sent stays."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import klavier
from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.outbox import SqliteOutbox
from klavier.outbox.held_lease import HeldLease
from klavier.outcome import delivered
from klavier.vendor import Flow
from klavier.worker.leased_worker import LeasedWorker, RelayConfig
from klavier.worker.worker import WorkerOptions
from tests.support.little_vendor import LittleSettings, LittleVendor
from tests.support.simulation import ScriptedVendor, Simulation, event_request, fill, refused
from tests.support.virtual_time import run_virtually

BULK = WorkerOptions(combine=True, window=10_000, run=100, linger=0.5)
OPTIONS = [
    pytest.param(WorkerOptions(), id="single"),
    pytest.param(BULK, id="bulk"),
    pytest.param(WorkerOptions(combine=True, window=10_000, run=100, batch=70), id="bulk, together"),
]
CALLS = 3
SLOW = 10.0
LIMIT = 60.0


def track(user: object, name: str = "Event") -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": name}


def waiting(outbox: SqliteOutbox) -> set[str]:
    return {entry.message_id for entry in outbox.read(0, 10_000)}


def ended(simulation: Simulation) -> list[str]:
    return [str(event.message_id) for event, outcome in simulation.ended if event and outcome.kind == "delivered"]


@pytest.mark.parametrize("own_loop", [True, False])
@pytest.mark.parametrize("options", OPTIONS)
def test_stop_with_calls_in_flight_reports_every_outcome(options: WorkerOptions, *, own_loop: bool) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n % 120) for n in range(400)))
        simulation = Simulation(outbox, options=options, own_loop=own_loop)
        klaviyo = simulation.klaviyo
        klaviyo.delay = lambda _: SLOW
        running = simulation.start()
        await asyncio.sleep(1.0)
        assert simulation.ended == []
        simulation.stop()
        await asyncio.wait_for(running, LIMIT)
        arrived = {f"m{number}" for numbers in klaviyo.received.values() for number in numbers}
        assert arrived
        assert sorted(ended(simulation)) == sorted(arrived)
        assert waiting(outbox) == {f"m{number}" for number in range(count)} - arrived

    run_virtually(main())


def flow_of(event: Event) -> Callable[[], Flow]:
    if event.payload["event"] == "Event":
        return SendOne(event_request(str(event.user_id), 10 * event.payload["n"]), failure=refused)
    return partial(several_calls, event)


def several_calls(event: Event) -> Flow:
    for number in range(CALLS):
        reply = yield event_request(str(event.user_id), 10 * event.payload["n"] + number)
        if not reply.ok:
            return refused(reply)
    return delivered()


@pytest.mark.parametrize("options", OPTIONS)
def test_a_flow_of_several_calls_is_either_finished_or_kept(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n % 40, "Order" if n % 2 else "Event") for n in range(200)))
        is_plain = lambda event: event.payload["event"] == "Event"  # noqa: E731 -- short, and used once
        simulation = Simulation(outbox, options=options, vendor=ScriptedVendor(flow_of, is_plain))
        klaviyo = simulation.klaviyo
        klaviyo.delay = lambda _: SLOW
        running = simulation.start()
        await asyncio.sleep(1.5 * SLOW)
        simulation.stop()
        await asyncio.wait_for(running, 3 * LIMIT)
        arrived = {number for numbers in klaviyo.received.values() for number in numbers}
        finished = set(ended(simulation))
        for number in range(count):
            calls = range(10 * number, 10 * number + (CALLS if number % 2 else 1))
            assert (f"m{number}" in finished) == arrived.issuperset(calls)
        assert len(simulation.ended) == len(finished)
        assert waiting(outbox) == {f"m{number}" for number in range(count)} - finished

    run_virtually(main())


def test_a_call_that_fails_after_stop_is_kept_for_later() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (track(n) for n in range(10)))
        simulation = Simulation(outbox, options=WorkerOptions())
        klaviyo = simulation.klaviyo
        klaviyo.delay = lambda _: SLOW
        klaviyo.fault = lambda request: klavier.Response(503 if b'"n":3}' in request.body else 400)
        running = simulation.start()
        await asyncio.sleep(1.0)
        simulation.stop()
        await asyncio.wait_for(running, LIMIT)
        assert waiting(outbox) == {"m3"}
        (entry,) = outbox.read(0, 10)
        assert entry.tries == 1
        assert simulation.outcomes == {"failed": 9}
        assert len(outbox.dead_letters()) == 9

    run_virtually(main())


class StoppingOutbox(SqliteOutbox):
    """Calls `stop` while the worker asks for the lease, as a program does that ends just then."""

    stop: Callable[[], None]

    def acquire(self, holder: str, seconds: float) -> HeldLease | None:
        found = super().acquire(holder, seconds)
        self.stop()
        return found


def test_a_stop_while_the_lease_is_taken_is_a_stop() -> None:
    async def main() -> None:
        outbox = StoppingOutbox()
        config = RelayConfig(LittleVendor(LittleSettings()), klavier.Plugins(), outbox)
        worker = LeasedWorker(config)
        outbox.stop = worker.stop
        await asyncio.wait_for(worker.run(klavier.Sandbox().send_async), LIMIT)
        outbox.close()

    asyncio.run(main())
