"""When bodies are sent, and how seldom a worker wakes: an idle or waiting one uses no processor time."""

import asyncio
from typing import Any

import pytest

import klavier
from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.outbox import SqliteOutbox
from klavier.retry import RetryPolicy
from klavier.worker.circuit_breaker import LONGEST_PROBE
from klavier.worker.factory import FEWEST_CALLS
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import PlainVendor, ScriptedVendor, Simulation, fill, import_request, numbers_in
from tests.support.virtual_time import VirtualLoop, run_virtually

LINGER = FEWEST_CALLS.linger
DAY = 86_400.0


def track(user: object) -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": "Event"}


def wakeups() -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.wakeups


def moments_of(simulation: Simulation, slow: str = "") -> list[tuple[float, int]]:
    """Collect when each call is sent and how many events are in it; one with the text `slow` takes long."""
    moments: list[tuple[float, int]] = []

    def note(request: klavier.Request) -> float:
        moments.append((round(simulation.clock(), 3), len(numbers_in(request.json))))
        return 60.0 if slow and slow.encode() in request.body else 0.0

    simulation.klaviyo.delay = note
    return moments


def test_a_body_that_is_not_full_waits_while_a_full_one_and_an_idle_worker_do_not() -> None:
    async def main() -> None:
        simulation = Simulation(SqliteOutbox(), options=FEWEST_CALLS)
        moments = moments_of(simulation, slow="slow")
        running = simulation.start()
        await asyncio.sleep(5.0)
        simulation.accept([track("slow")])  # nothing is in flight: sent at once
        await asyncio.sleep(5.0)
        simulation.accept((track(n) for n in range(10)), first=100)  # waits to be filled
        await asyncio.sleep(LINGER / 2)
        simulation.accept((track(n) for n in range(100, 110)), first=200)  # is sent with those before it
        await asyncio.sleep(10.0 - LINGER / 2)
        simulation.accept((track(n) for n in range(1000)), first=1000)  # fills a body
        await asyncio.sleep(60.0)
        simulation.accept((track(n) for n in range(10)), first=3000)  # nothing is in flight any more
        await asyncio.sleep(10.0)
        simulation.stop()
        await running
        assert moments == [(5.0, 1), (10.0 + LINGER, 20), (20.0, 1000), (80.0, 10)]

    run_virtually(main())


def test_full_bodies_are_sent_as_soon_as_the_limits_allow() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n) for n in range(12_000)))
        simulation = Simulation(outbox, options=FEWEST_CALLS)
        moments = moments_of(simulation)
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert [size for _, size in moments] == [1000] * 12
        assert all(at == 0.0 for at, _ in moments[:10])
        assert all(at == pytest.approx(1.25, abs=0.1) for at, _ in moments[10:])

    run_virtually(main())


def test_an_idle_worker_does_not_wake() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (track(n) for n in range(10)))
        simulation = Simulation(outbox)
        running = simulation.start()
        await asyncio.sleep(10.0)
        assert simulation.outcomes == {"delivered": 10}
        before = wakeups()
        await asyncio.sleep(DAY)
        assert wakeups() - before == 1  # this test
        simulation.stop()
        await running

    run_virtually(main())


@pytest.mark.parametrize("options", [WorkerOptions(), FEWEST_CALLS], ids=["single", "bulk"])
def test_a_worker_that_waits_for_a_retry_wakes_for_it_and_for_nothing_else(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (track(n) for n in range(2)))
        simulation = Simulation(
            outbox, options=options, policy=RetryPolicy(tries=3, first=DAY, longest=DAY, give_up=9 * DAY)
        )
        simulation.klaviyo.fault = lambda _: klavier.Response(500)
        await simulation.drain()
        assert simulation.outcomes == {"failed": 2}
        assert wakeups() <= 24  # six tries and their replies

    run_virtually(main())


def test_a_worker_that_waits_for_klaviyo_wakes_seldom() -> None:
    """An account that is refused for a day is probed so seldom that it costs no processor time to speak of."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n) for n in range(100)))
        simulation = Simulation(outbox)
        klaviyo = simulation.klaviyo
        klaviyo.fault = lambda _: klavier.Response(401) if klaviyo.clock() < DAY else None
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        # A probe, its reply and its settlement; and what was in flight at first.
        assert wakeups() <= 3 * DAY / LONGEST_PROBE + 2 * count

    run_virtually(main())


def two_a_body(event: Event) -> SendOne:
    """All events are about two profiles: no body can hold more than two of them."""
    number = event.payload["n"]
    return SendOne(import_request(f"u{number % 2}", number))


@pytest.mark.parametrize(
    ("options", "vendor", "count", "calls"),
    [
        (WorkerOptions(), PlainVendor(), 6000, 6000),
        (FEWEST_CALLS, ScriptedVendor(two_a_body), 400, 400),
    ],
    ids=["single", "bulk"],
)
def test_a_backlog_costs_few_wake_ups_a_call(
    options: WorkerOptions, vendor: klavier.Vendor, count: int, calls: int
) -> None:
    """More calls than a minute's quota: a worker that polls its limits would wake a thousand times a second."""

    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (track(n) for n in range(count)))
        simulation = Simulation(outbox, options=options, vendor=vendor)
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert simulation.klaviyo.calls.total() == calls  # of an import each has a poll
        assert simulation.klaviyo.throttled == []
        assert wakeups() <= 1.5 * calls + 20

    run_virtually(main())
