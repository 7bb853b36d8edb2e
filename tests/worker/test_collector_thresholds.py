"""Python's garbage collector is relaxed while a worker runs, and as before afterwards."""

import gc
from collections.abc import Iterator

import pytest

from klavier.garbage import WORKER
from klavier.outbox import SqliteOutbox
from tests.support.simulation import Simulation, fill
from tests.support.virtual_time import run_virtually


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(
    ("before", "during"),
    [
        ((700, 10, 10), WORKER),
        ((2000, 10, 0), WORKER),
        ((90_000, 5, 6), (90_000, 5, 6)),
        ((0, 5, 6), (0, 5, 6)),
    ],
)
def test_thresholds_are_those_of_the_worker_unless_the_program_collects_more_rarely(
    before: tuple[int, int, int], during: tuple[int, int, int]
) -> None:
    seen: set[tuple[int, int, int]] = set()

    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, ({"type": "track", "userId": f"u{n}", "event": "Event"} for n in range(10)))
        simulation = Simulation(outbox)
        simulation.klaviyo.fault = lambda _: seen.add(gc.get_threshold())
        await simulation.drain()

    gc.set_threshold(*before)
    run_virtually(main())
    assert seen == {during}
    assert gc.get_threshold() == before
