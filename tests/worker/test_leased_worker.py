"""A worker with a lease by itself: when it renews, looks for entries, maintains, waits and stops."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

import klavier
from klavier.errors import LeaseLostError, OutboxError, PluginError
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox import SqliteOutbox
from klavier.outbox.entry import LeaseHolder
from klavier.version import VERSION
from klavier.worker.leased_worker import LEASE_SECONDS, LeasedWorker, RelayConfig
from klavier.worker.report import LimitUse, TypeCount, WorkerReport, read_report, write_report
from tests.support.simulation import PlainVendor, fill
from tests.support.virtual_time import run_virtually


class FakeLease:
    """A lease that is lost when `held` says so."""

    coming = "no"
    token = 1

    def __init__(self, outbox: "FakeOutbox") -> None:
        self.outbox = outbox
        self.previous = LeaseHolder("", 0.0, outbox.previous_report)

    def renew(self, report: bytes = b"") -> bool:
        self.outbox.note("renew")
        self.outbox.reports.append(report)
        if self.outbox.renew_error is not None:
            raise self.outbox.renew_error
        return self.outbox.held

    def release(self) -> None:
        self.outbox.note("release")

    def take_interrupted(self) -> int:
        return 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.outbox.stored, name)


class FakeOutbox:
    """An outbox that notes when it is asked for what."""

    def __init__(self) -> None:
        self.stored = SqliteOutbox()
        self.calls: list[tuple[str, float]] = []
        self.reports: list[bytes] = []
        self.previous_report = b""
        self.held = True
        self.free = True
        self.renew_error: Exception | None = None

    def note(self, name: str) -> None:
        self.calls.append((name, asyncio.get_running_loop().time()))

    def acquire(self, holder: str, seconds: float) -> FakeLease | None:
        assert holder
        assert seconds == LEASE_SECONDS
        self.note("acquire")
        return FakeLease(self) if self.free else None

    def maintain(self) -> None:
        self.note("maintain")
        raise OutboxError("not now")

    def last_seq(self) -> int:
        self.note("last_seq")
        return self.stored.last_seq()

    def has_waiting(self, up_to: int) -> bool:
        return self.stored.has_waiting(up_to)

    def times(self, name: str) -> list[float]:
        return [at for found, at in self.calls if found == name]


async def send(_: Request) -> Response:
    return Response(202)


def worker_of(outbox: FakeOutbox) -> LeasedWorker:
    return LeasedWorker(RelayConfig(PlainVendor(), klavier.Plugins(), outbox))  # type: ignore[arg-type]  # as far as used


@contextlib.asynccontextmanager
async def running(worker: LeasedWorker) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(worker.run(send))
    yield task
    worker.stop()
    await asyncio.wait_for(task, 60)


def test_it_renews_soon_and_then_five_times_in_a_lease_and_looks_for_entries_twice_a_second() -> None:
    async def main() -> None:
        outbox = FakeOutbox()
        async with running(worker_of(outbox)):
            await asyncio.sleep(7.1)
            assert outbox.times("renew") == [0.5, 3.5, 6.5]
            assert outbox.times("last_seq")[:4] == [0.0, 0.5, 1.0, 1.5]
            report = read_report(outbox.reports[0])
            assert report is not None
            assert report.vendor == "plain"
            await asyncio.sleep(7200.0)
            assert outbox.times("maintain") == [0.0, 3600.0, 7200.0]
            assert outbox.times("release") == []
        assert len(outbox.times("release")) == 1
        assert outbox.times("acquire") == [0.0]

    run_virtually(main())


@pytest.mark.parametrize("error", [None, OutboxError("the disk is broken")])
def test_a_lease_that_is_not_renewed_ends_the_delivery_and_is_asked_for_again(error: OutboxError | None) -> None:
    async def main() -> None:
        outbox = FakeOutbox()
        worker = worker_of(outbox)
        async with running(worker):
            await asyncio.sleep(1.0)
            assert worker.report() is not None
            outbox.held, outbox.renew_error, outbox.free = error is not None, error, False
            await asyncio.sleep(2.6)
            assert outbox.times("release") == [3.5]
            assert worker.report() is None
            await asyncio.sleep(2.0)
            assert outbox.times("acquire") == [0.0, 3.5, 4.5, 5.5]
            outbox.held, outbox.renew_error, outbox.free = True, None, True
            worker.notify()
            await asyncio.sleep(0.01)
            assert worker.report() is not None

    run_virtually(main())


def test_entries_that_it_is_notified_of_are_found_at_once() -> None:
    async def main() -> None:
        outbox = FakeOutbox()
        worker = worker_of(outbox)
        async with running(worker):
            await asyncio.sleep(0.6)
            fill(outbox.stored, [{"type": "track", "userId": "u1", "event": "E"}])
            worker.notify()
            await asyncio.sleep(0.3)
            assert worker.reporter.kinds == {"delivered": 1}
            assert outbox.times("last_seq")[-1] < 0.6

    run_virtually(main())


def test_entries_of_another_process_are_found_within_a_moment() -> None:
    async def main() -> None:
        outbox = FakeOutbox()
        worker = worker_of(outbox)
        async with running(worker):
            await asyncio.sleep(5.1)
            fill(outbox.stored, [{"type": "track", "userId": "u", "event": "E"}])
            await asyncio.sleep(1.0)
            assert worker.reporter.kinds == {"delivered": 1}

    run_virtually(main())


def test_a_worker_that_drains_ends_where_nothing_waits_though_another_one_delivers() -> None:
    async def main() -> None:
        outbox = FakeOutbox()
        outbox.free = False
        await asyncio.wait_for(worker_of(outbox).run(send, until_empty=True), 1)
        fill(outbox.stored, [{"type": "track", "userId": "u", "event": "E"}])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(worker_of(outbox).run(send, until_empty=True), 5)

    run_virtually(main())


def test_a_worker_that_drains_goes_on_after_a_renewal_that_failed() -> None:
    async def main() -> None:
        outbox = FakeOutbox()
        fill(outbox.stored, [{"type": "track", "userId": "u", "event": f"E{n}"} for n in range(5)])
        outbox.held = False

        async def answer(_: Request) -> Response:
            await asyncio.sleep(1.0)
            outbox.held = True
            return Response(202)

        worker = worker_of(outbox)
        await asyncio.wait_for(worker.run(answer, until_empty=True), 60)
        assert worker.reporter.kinds == {"delivered": 5}
        assert len(outbox.times("acquire")) == 2

    run_virtually(main())


def test_what_the_worker_before_had_sent_counts() -> None:
    async def main() -> None:
        outbox = FakeOutbox()
        outbox.previous_report = write_report(WorkerReport(limits=(LimitUse("create_event", 0.5),)))
        worker = worker_of(outbox)
        async with running(worker):
            await asyncio.sleep(1.0)
            assert worker.rate_limiter.usage() == {"create_event": pytest.approx(0.5, abs=0.01)}

    run_virtually(main())


def test_a_lease_that_was_lost_while_settling_is_asked_for_again() -> None:
    async def main() -> None:
        outbox = FakeOutbox()
        fill(outbox.stored, [{"type": "track", "userId": "u", "event": "E"}])
        worker = worker_of(outbox)
        settle = outbox.stored.settle
        failures = [LeaseLostError("another worker delivers")]

        def fail_once(*arguments: Any, **options: Any) -> None:
            if failures:
                raise failures.pop()
            settle(*arguments, **options)

        outbox.stored.settle = fail_once  # type: ignore[method-assign]  # a lease that is lost once
        async with running(worker):
            await asyncio.sleep(1.0)
            assert len(outbox.times("acquire")) == 2
            assert worker.reporter.kinds == {"delivered": 1}

    run_virtually(main())


def test_its_report_shows_what_is_in_flight_what_ended_and_what_is_held_back() -> None:
    async def main() -> None:
        outbox = FakeOutbox()
        replies = {"/api/profile-import": Response(201, {"data": {"id": "P"}})}

        async def answer(request: Request) -> Response:
            await asyncio.sleep(10.0)
            return replies.get(request.path, Response(202))

        worker = worker_of(outbox)
        worker.reporter.parts = {"gateway": lambda: {"accepted": 5}}
        assert worker.report() is None
        events = [
            {"type": kind, "userId": f"u{n}", "event": "E"} for n, kind in enumerate(["track"] * 3 + ["identify"])
        ]
        fill(outbox.stored, events)
        task = asyncio.create_task(worker.run(answer))
        await asyncio.sleep(1.0)
        report = worker.report()
        assert report is not None
        assert (report.events_in_flight, report.requests_in_flight, report.outcomes) == (4, 4, {})
        assert (report.host, report.pid, report.version) == (socket.gethostname(), os.getpid(), VERSION)
        assert 0 <= time.time() - report.started < 240
        assert report.parts == {"gateway": {"accepted": 5}}
        assert [use.endpoint for use in report.limits] == ["create_event", "create_or_update_profile"]
        assert (report.paused, report.circuits) == (None, ())
        await asyncio.sleep(10.0)
        report = worker.report()
        assert report is not None
        assert (report.events_in_flight, report.requests_in_flight, report.outcomes) == (0, 0, {"delivered": 4})
        assert report.last_minute == (TypeCount("identify", "delivered", 1), TypeCount("track", "delivered", 3))
        assert sum(minute.outcomes["delivered"] for minute in report.minutes) == 4
        assert not worker.is_observing(10)
        replies.update({path: Response(401) for path in ("/api/events", "/api/profile-import")})
        fill(outbox.stored, events, first=4)
        worker.notify()
        await asyncio.sleep(10.5)
        report = worker.report()
        assert report is not None
        assert report.paused is not None
        assert report.paused.reason == "Klaviyo does not accept the private key (401)"
        assert 0 <= report.paused.seconds <= 1  # by the clock of the machine
        assert worker.paused == pytest.approx(report.paused.seconds, abs=1)
        assert [circuit.endpoint for circuit in report.circuits] == ["create_event", "create_or_update_profile"]
        worker.stop()
        await asyncio.wait_for(task, 60)
        assert worker.report() is None

    run_virtually(main())


def test_its_report_is_fetched_in_its_own_loop() -> None:
    async def main() -> None:
        worker = worker_of(FakeOutbox())
        assert await worker.fetch_report() is None
        async with running(worker):
            await asyncio.sleep(1.0)
            report = await worker.fetch_report()
            assert report is not None
            assert report.vendor == "plain"

    run_virtually(main())


def test_an_observer_that_raises_stops_no_delivery_and_dead_letters_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def observe(*_: object) -> None:
        raise PluginError("my plugin raised")

    async def answer(_: Request) -> Response:
        return Response(400, {"errors": [{"source": {"pointer": "/data/attributes/x"}}]})

    async def main() -> None:
        outbox = FakeOutbox()
        fill(outbox.stored, [{"type": "track", "userId": f"u{n}", "event": "E"} for n in range(3)])
        config = RelayConfig(PlainVendor(), klavier.Plugins(), outbox, observe=observe)  # type: ignore[arg-type]  # as above
        worker = LeasedWorker(config)
        await asyncio.wait_for(worker.run(answer, until_empty=True), 60)
        assert worker.reporter.kinds == {"failed": 3}

    run_virtually(main())
    messages = [(record.name, record.getMessage()) for record in caplog.records]
    assert messages.count(("klavier.relay", "an observer of outcomes failed: my plugin raised")) == 3
    dead = "an event became a dead letter (failed, status 400): `klavier dead list` shows why"
    assert messages.count(("klavier.worker", dead)) == 1
