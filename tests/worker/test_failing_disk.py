"""An outbox that cannot be written for a while: nothing goes on before an outcome is on the disk, and none is lost."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import pytest

import klavier
from klavier.errors import OutboxError
from klavier.outbox import Settlement, SqliteOutbox
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import Simulation, fill
from tests.support.virtual_time import run_virtually

OPTIONS = [
    pytest.param(WorkerOptions(), id="single"),
    pytest.param(WorkerOptions(combine=True, window=10_000, run=100), id="bulk"),
    pytest.param(WorkerOptions(combine=True, window=10_000, run=100, batch=70), id="bulk, together"),
]


class FailingOutbox(SqliteOutbox):
    """Its disk fails for the first `failures` attempts to settle."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = (), *, token: int | None = None) -> None:
        if self.failures:
            self.failures -= 1
            raise OutboxError("outbox klavier.db: disk I/O error; nothing was changed")
        super().settle(settlements, done, token=token)


def track(user: object) -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": "Event"}


@pytest.mark.parametrize("own_loop", [True, False])
@pytest.mark.parametrize("options", OPTIONS)
def test_a_disk_that_fails_while_settling_loses_and_doubles_nothing(
    options: WorkerOptions, caplog: pytest.LogCaptureFixture, *, own_loop: bool
) -> None:
    async def main() -> None:
        outbox = FailingOutbox(failures=3)
        count = fill(outbox, (track(n % 10) for n in range(100)))
        simulation = Simulation(outbox, options=options, own_loop=own_loop)
        klaviyo = simulation.klaviyo
        sent: list[bytes] = []

        def fault(request: klavier.Request) -> klavier.Response | None:
            if outbox.failures:  # no outcome is on the disk yet
                assert simulation.ended == []
            sent.append(request.body)
            return klavier.Response(400) if b'"n":42}' in request.body else None

        klaviyo.fault = fault
        took = await simulation.drain()
        assert simulation.outcomes == {"delivered": count - 1, "failed": 1}
        assert [letter.message_id for letter in outbox.dead_letters()] == ["m42"]
        assert outbox.status().waiting == 0
        assert all(numbers == sorted(numbers) for numbers in klaviyo.received.values())
        assert sum(map(len, klaviyo.received.values())) == count - 1
        if not options.combine:
            assert len(sent) == count
        assert 3.0 <= took < 30.0

    with caplog.at_level(logging.ERROR, logger="klavier"):
        run_virtually(main())
    assert sum("disk I/O error" in record.getMessage() for record in caplog.records) == 1  # the others are counted


def test_the_next_event_of_a_profile_is_not_sent_before_the_one_before_it_is_settled() -> None:
    async def main() -> None:
        outbox = FailingOutbox(failures=5)
        fill(outbox, [track("ada"), track("ada")])
        simulation = Simulation(outbox, options=WorkerOptions())
        moments: list[float] = []

        def note(_: klavier.Request) -> float:
            moments.append(simulation.clock())
            return 0.0

        simulation.klaviyo.delay = note
        await simulation.drain()
        first, second = moments
        assert first == 0.0
        assert second >= 5.0
        assert simulation.outcomes == {"delivered": 2}

    run_virtually(main())


@pytest.mark.parametrize("own_loop", [True, False])
@pytest.mark.parametrize("options", OPTIONS)
def test_a_broken_disk_stops_the_sending_and_not_the_stopping(
    options: WorkerOptions, caplog: pytest.LogCaptureFixture, *, own_loop: bool
) -> None:
    async def main() -> None:
        outbox = FailingOutbox(failures=10**9)
        count = fill(outbox, (track(n) for n in range(2000)))
        simulation = Simulation(outbox, options=options, own_loop=own_loop)
        sent: list[float] = []

        def note(_: klavier.Request) -> float:
            sent.append(simulation.clock())
            return 0.0

        simulation.klaviyo.delay = note
        running = simulation.start()
        await asyncio.sleep(2.0)
        assert "disk I/O error" in caplog.text
        before = len(sent)
        await asyncio.sleep(600.0)
        assert len(sent) == before <= max(options.connections, options.window)
        stopped = simulation.clock()
        simulation.stop()
        with pytest.raises(OutboxError, match="disk I/O error"):
            await running
        assert simulation.clock() - stopped < 10.0
        assert outbox.status().waiting == count

    run_virtually(main())
