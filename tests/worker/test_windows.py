"""How many events a worker starts and translates at once."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox import SqliteOutbox
from klavier.vendor import Delivery
from klavier.worker.fair_queue import LARGE_BACKLOG
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import PlainVendor, Simulation, fill
from tests.support.virtual_time import run_virtually


class Counting(PlainVendor):
    """Notes how many events it translates together."""

    def __init__(self) -> None:
        self.together: list[int] = []

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        self.together.append(len(events))
        yield from super().deliveries(events)


def track(user: object, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": "Event", "properties": properties}


def started(count: int, profiles: int, options: WorkerOptions, **properties: Any) -> tuple[list[int], int]:
    """Return how many events a worker translates together, and how many are in flight, while no reply comes."""

    async def main() -> tuple[list[int], int]:
        outbox, vendor = SqliteOutbox(), Counting()
        fill(outbox, (track(n % profiles, **properties) for n in range(count)))
        simulation = Simulation(outbox, vendor=vendor, options=options, limited=False)
        simulation.klaviyo.delay = lambda _: 3.0
        running = simulation.start()
        await asyncio.sleep(1.0)
        found = list(vendor.together), simulation.worker.in_flight
        simulation.stop()
        await running
        assert simulation.worker.in_flight == 0
        return found

    return run_virtually(main())


@pytest.mark.parametrize("window", [1, 50, 2500])
def test_as_many_events_are_in_flight_as_the_window_holds(window: int) -> None:
    options = WorkerOptions(combine=True, window=window)
    assert started(3000, 3000, options) == ([1] * window, window)


def test_a_window_holds_so_many_bytes() -> None:
    _, in_flight = started(200, 200, WorkerOptions(window=10_000), filler="x" * 100_000)
    assert in_flight == 100


def test_the_vendor_translates_as_many_together_as_it_is_asked_to() -> None:
    together, in_flight = started(500, 500, WorkerOptions(window=250, batch=70))
    assert together[:4] == [70, 70, 70, 40]
    assert in_flight == 250


def test_a_profile_with_a_large_backlog_uses_a_window_that_is_full() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, [track(0) for _ in range(400)])
        fill(outbox, [track(n) for n in range(1, 101)], first=400)
        simulation = Simulation(outbox, options=WorkerOptions(window=20, run=10), limited=False)
        simulation.klaviyo.delay = lambda request: 0.0 if b'"external_id":"0"' in request.body else 30.0
        running = simulation.start()
        await asyncio.sleep(29.0)
        assert len(simulation.klaviyo.received["0"]) > 90  # where each of the others has sent one
        simulation.stop()
        await running

    run_virtually(main())


def test_what_may_have_ended_a_worker_is_translated_alone() -> None:
    async def main() -> None:
        outbox, vendor = SqliteOutbox(), Counting()
        fill(outbox, (track(n) for n in range(10)))
        with outbox._database.use() as connection:
            connection.execute("UPDATE events SET interrupted = 1 WHERE seq IN (4, 7)")
        simulation = Simulation(outbox, vendor=vendor, options=WorkerOptions(batch=100))
        await simulation.drain()
        assert sorted(vendor.together) == [1, 1, 8]
        assert simulation.outcomes == {"delivered": 10}

    run_virtually(main())


def test_events_wait_no_longer_than_their_linger_and_a_stopped_worker_ends_with_its_last_reply() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        outbox = SqliteOutbox()
        simulation = Simulation(outbox, options=WorkerOptions(combine=True, window=10_000, linger=2.0))
        moments: list[float] = []

        def fault(_: Request) -> Response | None:
            moments.append(loop.time())
            return None

        simulation.klaviyo.fault = fault
        simulation.klaviyo.delay = lambda _: 10.0
        running = simulation.start()
        simulation.accept([track("a")])
        await asyncio.sleep(1.0)  # the first one goes at once, since nothing is in flight
        simulation.accept([track("b")], first=1)
        await asyncio.sleep(0.5)
        simulation.accept([track("c")], first=2)
        await asyncio.sleep(3.0)
        simulation.stop()
        await running
        assert moments == [pytest.approx(10.05), pytest.approx(13.05)]
        assert loop.time() == pytest.approx(13.05, abs=0.2)
        assert simulation.outcomes == {"delivered": 3}

    run_virtually(main())


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_request_lingers_no_longer_after_the_clock_was_set(jump: float) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        offset = 0.0
        simulation = Simulation(
            SqliteOutbox(),
            options=WorkerOptions(combine=True, window=10_000, linger=2.0),
            now=lambda: loop.time() + offset,
        )
        simulation.klaviyo.delay = lambda _: 1000.0
        running = simulation.start()
        simulation.accept([track("a")])
        await asyncio.sleep(1.0)  # the first one is sent at once, and stays in flight
        simulation.accept([track("b")], first=1)
        await asyncio.sleep(0.5)
        offset = jump
        await asyncio.sleep(1.0)
        assert simulation.sender.in_flight == 1
        await asyncio.sleep(1.0)
        assert simulation.sender.in_flight == 2
        simulation.stop()
        await running

    run_virtually(main())


def test_a_profile_with_a_large_backlog_waits_for_no_full_window() -> None:
    """The window is full of events of others that are not answered."""

    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, [*(track("busy") for _ in range(2 * LARGE_BACKLOG)), *(track(f"u{n}") for n in range(20))])
        simulation = Simulation(outbox, options=WorkerOptions(window=8))
        simulation.klaviyo.delay = lambda request: 0.0 if b"busy" in request.body else 1000.0
        running = simulation.start()
        await asyncio.sleep(1.0)  # before the endpoint counts as slow
        assert simulation.worker.in_flight == 9
        assert len(simulation.klaviyo.received["busy"]) > 8
        simulation.stop()
        await running

    run_virtually(main())


def test_what_nobody_notified_of_is_delivered_before_the_worker_ends() -> None:
    """Another process has accepted it meanwhile."""

    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, [track("a")])
        simulation = Simulation(outbox)

        def accept_more(_: Request) -> None:
            if not simulation.klaviyo.unique:
                fill(outbox, [track("b")], first=1)

        simulation.klaviyo.fault = accept_more
        await simulation.drain()
        assert simulation.outcomes == {"delivered": 2}

    run_virtually(main())
