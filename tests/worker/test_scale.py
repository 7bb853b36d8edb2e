"""The times on the page about scale: minutes of a backlog go as fast as its table says, in virtual time."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from klavier.klaviyo.operations import BY_NAME
from klavier.outbox import SqliteOutbox
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import Simulation, fill
from tests.support.virtual_time import run_virtually

MINUTES = 3
CASES = [
    pytest.param(WorkerOptions(), "track", BY_NAME["create_event"].rate.steady, id="events, one a call"),
    pytest.param(WorkerOptions(), "identify", BY_NAME["create_or_update_profile"].rate.steady, id="profiles"),
]


def events(kind: str, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"type": kind, "userId": f"u{number % (count // 3)}", "event": "Event", "traits": {}}


@pytest.mark.parametrize(("options", "kind", "a_minute"), CASES)
def test_a_backlog_goes_at_the_rate_of_the_table(options: WorkerOptions, kind: str, a_minute: int) -> None:
    count = a_minute * MINUTES

    async def main() -> float:
        outbox = SqliteOutbox()
        fill(outbox, events(kind, count))
        simulation = Simulation(outbox, options=options, latency=0.05)
        began = asyncio.get_running_loop().time()
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        return asyncio.get_running_loop().time() - began

    seconds = run_virtually(main())
    assert 60 * (MINUTES - 1) <= seconds <= 1.05 * 60 * MINUTES + 10
