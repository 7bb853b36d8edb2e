"""The status of a running system: what the worker reports, how others read it, and what calls for attention."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from attrs import evolve

import klavier
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox import DeadCause, SqliteOutbox
from klavier.worker.activity import Activity
from klavier.worker.leased_worker import LeasedWorker, RelayConfig
from klavier.worker.report import (
    LimitUse,
    OpenCircuit,
    Pause,
    TypeCount,
    WorkerReport,
    read_report,
    write_report,
)
from klavier.worker.status import Holder, Limits, Status, find_problems, read_status
from tests.support.little_vendor import LittleSettings, LittleVendor
from tests.support.waiting import LONG


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[SqliteOutbox]:
    with closing(SqliteOutbox(tmp_path / "klavier.db")) as box:
        yield box


def append(outbox: SqliteOutbox, *names: str) -> None:
    for name in names:
        payload = {"type": "track", "event": name, "messageId": name, "userId": "u1"}
        outbox.append([(name, "user:u1", orjson.dumps(payload))])


async def observe(
    outbox: SqliteOutbox, send: Callable[[Request], Response], is_seen: Callable[[Status], bool]
) -> tuple[Status, WorkerReport]:
    """Deliver until another process sees the status as expected; returns that status, and the worker's own report."""

    async def answer(request: Request) -> Response:
        return send(request)

    worker = LeasedWorker(RelayConfig(LittleVendor(LittleSettings()), klavier.Plugins(), outbox))
    worker.reporter.parts["shadow"] = lambda: {"compared": 3}
    task = asyncio.create_task(worker.run(answer))
    try:
        async with asyncio.timeout(LONG):
            with closing(SqliteOutbox(outbox.path)) as other:
                while not is_seen(status := read_status(other)):  # noqa: ASYNC110 -- another process has no event to wait for
                    await asyncio.sleep(0.05)
                own = worker.report()
    finally:
        worker.stop()
        await task
    assert own is not None
    return status, own


def test_another_process_sees_what_the_worker_reports(outbox: SqliteOutbox) -> None:
    append(outbox, "one", "two")

    def is_seen(status: Status) -> bool:
        return status.worker is not None and status.worker.outcomes == {"delivered": 2}

    status, own = asyncio.run(observe(outbox, lambda _: Response(202), is_seen))
    assert status.holder is not None
    assert status.holder.is_alive
    assert status.worker is not None
    assert evolve(status.worker, last_minute=(), minutes=(), limits=()) == evolve(
        own, last_minute=(), minutes=(), limits=()
    )
    assert status.worker.vendor == "little"
    assert status.worker.last_minute == (TypeCount("track", "delivered", 2),)
    assert status.worker.delivered_last_minute == 2
    assert sum(minute.outcomes["delivered"] for minute in status.worker.minutes) == 2
    assert [limit.endpoint for limit in status.worker.limits] == ["create_event"]
    assert status.worker.parts == {"shadow": {"compared": 3}}
    assert status.waiting == status.dead == 0
    assert status.used_bytes > 0
    assert status.free_bytes is not None
    assert read_status(outbox).holder is None  # the worker has ended


def test_a_worker_that_takes_over_counts_what_the_one_before_had_sent(outbox: SqliteOutbox) -> None:
    before = outbox.acquire("before", 15.0)
    assert before is not None
    before.renew(write_report(WorkerReport(limits=(LimitUse("create_event", 0.5),))))
    before.release()
    append(outbox, "one")
    _, own = asyncio.run(observe(outbox, lambda _: Response(202), lambda status: status.waiting == 0))
    (use,) = own.limits
    assert use.endpoint == "create_event"
    assert 0.5 < use.share < 0.6


def test_a_key_that_is_not_accepted_is_reported_as_a_pause(outbox: SqliteOutbox) -> None:
    append(outbox, "one")

    def is_seen(status: Status) -> bool:
        return status.worker is not None and status.worker.paused is not None

    status, _ = asyncio.run(observe(outbox, lambda _: Response(401), is_seen))
    assert status.worker is not None
    assert status.worker.paused is not None
    assert "private key (401)" in status.worker.paused.reason
    assert status.waiting == 1
    assert status.oldest_age is not None
    assert any("delivery is paused" in problem for problem in find_problems(status, Limits()))


def test_an_endpoint_that_refuses_is_reported_as_an_open_circuit(outbox: SqliteOutbox) -> None:
    append(outbox, "one")

    def is_seen(status: Status) -> bool:
        return status.worker is not None and bool(status.worker.circuits)

    status, _ = asyncio.run(observe(outbox, lambda _: Response(403), is_seen))
    assert status.worker is not None
    assert [circuit.endpoint for circuit in status.worker.circuits] == ["create_event"]


def test_dead_letters_are_counted_by_cause(outbox: SqliteOutbox) -> None:
    append(outbox, "one", "two")

    def is_seen(status: Status) -> bool:
        return status.dead == 2

    status, _ = asyncio.run(observe(outbox, lambda _: Response(404), is_seen))
    assert status.dead_causes == (DeadCause("failed", 404, 2),)


def test_a_report_of_another_version_is_read_as_far_as_it_is_known() -> None:
    report = WorkerReport(host="h", pid=7, paused=Pause("why", 1.5), circuits=(OpenCircuit("create_event", 2.0),))
    assert read_report(write_report(report)) == report
    newer = orjson.dumps({**orjson.loads(write_report(report)), "invented": [1]})
    assert read_report(newer) == report
    assert read_report(b'{"pid":7}') == WorkerReport(pid=7)
    assert read_report(b"") is None
    assert read_report(b"no JSON") is None
    assert read_report(b'{"circuits":3}') is None


FINE = Status(time=1.0, waiting=0, oldest_age=None, dead=0, used_bytes=1, free_bytes=10**12)
ALIVE = Holder("h", 1.0, is_alive=True)
SILENT = Holder("h", 99.0, is_alive=False)
PAUSED = WorkerReport(paused=Pause("the key", 3.0))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (FINE, []),
        (evolve(FINE, waiting=5, oldest_age=3.0), []),  # somebody will take the lease in a moment
        (evolve(FINE, waiting=5, oldest_age=30.0), ["no process delivers"]),
        (evolve(FINE, waiting=5, oldest_age=30.0, holder=SILENT, worker=PAUSED), ["no process delivers"]),
        (evolve(FINE, waiting=5, oldest_age=30.0, holder=ALIVE), []),
        (evolve(FINE, waiting=5, oldest_age=301.0, holder=ALIVE), ["waited for 301 s"]),
        (evolve(FINE, holder=ALIVE, worker=PAUSED), ["paused: the key"]),
        (evolve(FINE, holder=ALIVE, worker=WorkerReport(circuits=(OpenCircuit("e", 3.0),))), ["e accepts no requests"]),
        (evolve(FINE, dead=2), ["2 dead letters"]),
        (evolve(FINE, dead=1), []),
        (evolve(FINE, free_bytes=5), ["5 bytes left"]),
        (evolve(FINE, free_bytes=None), []),
        (evolve(FINE, problem="the disk is full"), ["the disk is full"]),
    ],
)
def test_what_calls_for_attention(status: Status, expected: list[str]) -> None:
    problems = list(find_problems(status, Limits(max_age=300.0, max_dead=1, min_free=10)))
    assert len(problems) == len(expected)
    assert all(part in problem for part, problem in zip(expected, problems, strict=True))


def test_activity_counts_the_last_minute_and_the_last_hour() -> None:
    now = 36_000.0
    activity: Activity[str] = Activity(lambda: now)
    activity.add("a")
    now += 50
    activity.add("a", 2)
    activity.add("b")
    assert activity.last_minute() == {"a": 3, "b": 1}
    now += 30
    assert activity.last_minute() == {"a": 2, "b": 1}
    assert activity.minutes() == [(36_000, {"a": 3, "b": 1})]
    now += 60
    activity.add("c")
    assert activity.minutes() == [(36_000, {"a": 3, "b": 1}), (36_120, {"c": 1})]
    now += 3570
    assert activity.minutes() == [(36_120, {"c": 1})]
    for _ in range(1000):
        now += 5
        activity.add("d")
    assert len(activity._spans) <= 720
    assert time.time() > now
