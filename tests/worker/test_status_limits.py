"""From where on a status calls for attention, and what counts as the last minute: each limit, and just beyond it."""

from typing import Any

import pytest
from attrs import evolve

from klavier.outbox.entry import LeaseHolder, OutboxDetails, OutboxStatus
from klavier.worker.activity import Activity
from klavier.worker.report import OpenCircuit, Pause, WorkerReport, read_report, write_report
from klavier.worker.status import Holder, Limits, Status, find_problems, read_status

ALIVE, DEAD = Holder("one", 3.0, is_alive=True), Holder("one", 30.0, is_alive=False)
FINE = Status(time=0.0, waiting=5, oldest_age=900.0, dead=0, free_bytes=100_000_000, holder=ALIVE)


def problems(limits: Limits | None = None, **changes: Any) -> list[str]:
    return list(find_problems(evolve(FINE, **changes), limits or Limits()))


def test_up_to_its_limits_nothing_calls_for_attention() -> None:
    assert problems() == []
    assert problems(holder=None, oldest_age=15.0) == problems(holder=DEAD, oldest_age=15.0) == []
    assert problems(waiting=0, oldest_age=None, holder=None, free_bytes=None) == []
    assert problems(waiting=0, oldest_age=9999.0, holder=None) == []
    assert problems(Limits(max_dead=2), dead=2) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"oldest_age": 900.5}, "the oldest event has waited for 900 s"),
        ({"holder": None, "oldest_age": 15.5}, "events wait and no process delivers"),
        ({"holder": DEAD, "oldest_age": 15.5}, "events wait and no process delivers"),
        ({"free_bytes": 99_999_999}, "the disk has 99,999,999 bytes left, fewer than 100,000,000"),
        ({"problem": "the disk is full"}, "the disk is full"),
        ({"dead": 1}, "1 dead letter: klavier dead list"),
        ({"dead": 2000}, "2,000 dead letters: klavier dead list"),
        ({"worker": WorkerReport(paused=Pause("refused", 2.6))}, "delivery is paused: refused; the next try is in 3 s"),
        (
            {"worker": WorkerReport(circuits=(OpenCircuit("create_event", 1.2),))},
            "create_event accepts no requests: its events wait; the next try is in 1 s",
        ),
    ],
)
def test_what_is_beyond_a_limit_is_one_sentence(changes: dict[str, Any], expected: str) -> None:
    (problem,) = problems(**changes)
    assert problem.startswith(expected)


def test_a_slow_endpoint_names_no_next_try() -> None:
    worker = WorkerReport(circuits=(OpenCircuit("create_event", 0.0),))
    assert problems(worker=worker) == ["create_event accepts no requests: its events wait"]
    assert problems(worker=worker, holder=None, oldest_age=1.0) == []  # what it said is out of date


class FakeOutbox:
    """An outbox with one event, and a holder that was heard of `age` seconds ago."""

    def __init__(self, age: float, report: bytes = b"") -> None:
        self.holder = LeaseHolder("one", age, report)

    def status(self) -> OutboxStatus:
        return OutboxStatus(1, 100.0, 2, "full")

    def details(self) -> OutboxDetails:
        return OutboxDetails(self.holder, (), 5, 6)


@pytest.mark.parametrize(("age", "is_alive"), [(14.9, True), (15.0, False)])
def test_a_holder_is_alive_as_long_as_its_lease(age: float, *, is_alive: bool) -> None:
    own, stored = WorkerReport(pid=1), WorkerReport(pid=2)
    outbox: Any = FakeOutbox(age, write_report(stored))
    found = read_status(outbox, now=lambda: 107.0)
    assert found.holder == Holder("one", age, is_alive=is_alive)
    assert (found.time, found.oldest_age, found.waiting, found.dead, found.problem) == (107.0, 7.0, 1, 2, "full")
    assert (found.used_bytes, found.free_bytes) == (5, 6)
    assert found.worker == stored
    assert read_status(outbox, own).worker == own
    assert read_status(outbox, now=lambda: 50.0).oldest_age == 0.0
    assert found.to_json()["worker"]["pid"] == 2


def test_a_report_that_is_none_is_none() -> None:
    assert read_report(b"") is None
    assert read_report(b"{") is None
    assert read_report(b'{"pid": "x"}') is None
    assert read_report(b'{"pid": 3, "of a later version": 1}') == WorkerReport(pid=3)


def test_activity_before_the_clock_was_set_back_is_not_of_the_last_minute() -> None:
    now = [50_000.0]
    activity: Activity[str] = Activity(lambda: now[0])
    for _ in range(100):
        activity.add("a")
        now[0] += 5
    now[0] -= 300
    assert (activity.last_minute(), activity.minutes()[-1][0]) == ({}, 50_160)
    activity.add("b")
    assert activity.last_minute() == {"b": 1}


def test_activity_counts_on_where_the_clock_is_corrected_by_a_second() -> None:
    now = [50_000.0]
    activity: Activity[str] = Activity(lambda: now[0])
    activity.add("a")
    now[0] -= 1
    activity.add("a")
    assert activity.last_minute() == {"a": 2}
    assert activity.minutes() == [(49_980, {"a": 2})]


def test_activity_is_counted_in_spans_of_five_seconds() -> None:
    now = [1000.0]
    activity: Activity[str] = Activity(lambda: now[0])
    activity.add("a")
    now[0] = 1004.9
    activity.add("a", 2)
    activity.add("b")
    now[0] = 1005.0
    activity.add("a")
    assert activity.last_minute() == {"a": 4, "b": 1}
    assert activity.minutes() == [(960, {"a": 4, "b": 1})]
    now[0] = 1020.0
    activity.add("c")
    assert activity.minutes() == [(960, {"a": 4, "b": 1}), (1020, {"c": 1})]
    now[0] = 1059.9
    assert activity.last_minute() == {"a": 4, "b": 1, "c": 1}
    now[0] = 1060.0
    assert activity.last_minute() == {"a": 1, "c": 1}
    now[0] = 4600.0
    assert activity.minutes() == [(960, {"a": 1}), (1020, {"c": 1})]
    for second in range(5000, 9000, 5):
        now[0] = float(second)
        activity.add("d")
    assert len(activity._spans) == 720
