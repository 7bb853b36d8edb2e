"""Long work of a worker leaves other tasks of its event loop their turns."""

import asyncio
from collections.abc import Iterable, Sequence

import pytest

from klavier.events.model import Event
from klavier.outbox import Entry, SqliteOutbox
from klavier.outcome import Outcome, delivered
from klavier.retry import RetryPolicy
from klavier.vendor import Delivery
from klavier.worker import time_slice
from klavier.worker.in_flight import Finished, Result
from klavier.worker.settlement import Observer, Settler
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import PlainVendor, Simulation, fill

COUNT = 200


class Turns:
    """Counts how often other tasks of the loop had their turn."""

    def __init__(self) -> None:
        self.count = 0
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)

    def end(self) -> None:
        self._task.cancel()


@pytest.fixture(autouse=True)
def _slices_without_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slice, "SLICE_SECONDS", 0.0)


@pytest.mark.parametrize("batch", [1, 10])
def test_other_tasks_run_between_translations(batch: int) -> None:
    async def main() -> None:
        turns = Turns()
        translated: set[int] = set()

        class Vendor(PlainVendor):
            def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
                translated.add(turns.count)
                return super().deliveries(events)

        outbox = SqliteOutbox()
        fill(outbox, ({"type": "track", "userId": str(n), "event": "Event"} for n in range(COUNT)))
        options = WorkerOptions(combine=True, window=10_000, run=100, batch=batch)
        simulation = Simulation(outbox, options=options, vendor=Vendor(), limited=False, latency=0.0)
        await simulation.drain()
        turns.end()
        assert simulation.outcomes == {"delivered": COUNT}
        assert len(translated) == COUNT / batch

    asyncio.run(main())


def settler_of(outbox: SqliteOutbox, count: int, observe: Observer) -> Settler:
    """Return what settles so many entries as delivered."""
    outbox.append([(f"m{n}", f"k{n}", b"{}") for n in range(count)])
    settler = Settler(outbox, RetryPolicy(), observe, now=lambda: 1000.0, own_loop=False, connections=1)
    for entry in outbox.read(0, count):
        settler.add(Finished([entry], [Result(entry, delivered())]), is_urgent=True)
    return settler


def test_other_tasks_run_between_outcomes() -> None:
    reported: set[int] = set()

    async def main() -> None:
        turns = Turns()
        settler = settler_of(SqliteOutbox(), COUNT, lambda *_: reported.add(turns.count))
        await settler.settle()
        turns.end()

    asyncio.run(main())
    assert len(reported) == COUNT


def test_outcomes_that_are_written_down_are_reported_also_when_the_worker_is_cancelled() -> None:
    outbox = SqliteOutbox()
    reported: list[int] = []

    async def main() -> None:
        begun = asyncio.Event()

        def observe(_event: Event | None, entry: Entry, _outcome: Outcome) -> None:
            reported.append(entry.seq)
            begun.set()

        task = asyncio.create_task(settler_of(outbox, COUNT, observe).settle())
        await begun.wait()
        assert len(reported) < COUNT
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert outbox.status().waiting == 0
    assert len(reported) == COUNT
