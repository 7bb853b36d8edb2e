"""How much is in memory while profiles are busy: a bound, whatever the outbox holds."""

import asyncio
import gc
from typing import Any

import pytest

from klavier.outbox import Entry, SqliteOutbox
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import Simulation, fill
from tests.support.virtual_time import run_virtually

HUNG = 1000.0


def track(user: object) -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": "Event"}


def entries_in_memory() -> int:
    gc.collect()
    return sum(type(each) is Entry for each in gc.get_objects())


@pytest.mark.parametrize(("profiles", "each", "bound"), [(300, 200, 25_000), (4, 10_000, 5_000)])
def test_what_waits_behind_busy_profiles_is_not_all_in_memory(profiles: int, each: int, bound: int) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n % profiles) for n in range(profiles * each)))
        simulation = Simulation(outbox, options=WorkerOptions(connections=profiles, window=profiles), limited=False)
        simulation.klaviyo.delay = lambda _: HUNG
        running = simulation.start()
        before = entries_in_memory()
        await asyncio.sleep(10.0)
        assert entries_in_memory() - before <= bound
        assert outbox.status().waiting == count
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run_virtually(main())
