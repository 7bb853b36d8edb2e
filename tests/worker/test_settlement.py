"""Settlement by itself: what follows from one attempt, and when attempts are written down."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest

from klavier import Request, Response
from klavier.errors import OutboxError
from klavier.outbox import Entry, MemoryQueue, Settlement
from klavier.outcome import Outcome, delivered, failed, rejected, skipped
from klavier.retry import RetryPolicy
from klavier.worker.in_flight import Finished, Result
from klavier.worker.settlement import Settler, dead_letter, settle
from tests.support.virtual_time import run_virtually

POLICY = RetryPolicy(tries=3, first=4.0)
UNAVAILABLE = failed("unavailable", 503, retryable=True)


def entry(seq: int = 1, tries: int = 0, first_try: float = 0.0) -> Entry:
    return Entry(seq, f"m{seq}", "k", b'{"a": 1}', 50.0, tries=tries, first_try=first_try)


def settled(outcome: Outcome, tries: int = 0, first_try: float = 0.0, *, is_failing: bool = False) -> Settlement:
    result = Result(entry(1, tries, first_try), outcome, is_failing=is_failing)
    return settle(result, POLICY, 1000.0, lambda: 0.5, "little")


@pytest.mark.parametrize("outcome", [delivered(), skipped("none of ours")])
def test_what_is_delivered_or_skipped_leaves_and_leaves_nothing_behind(outcome: Outcome) -> None:
    assert settled(outcome, 2, 900.0) == Settlement(entry(1, 2, 900.0))


def test_a_passing_failure_is_tried_again_and_counted() -> None:
    assert settled(UNAVAILABLE) == Settlement(entry(), 1002.0, 1, 1000.0)
    assert settled(UNAVAILABLE, 1, 900.0) == Settlement(entry(1, 1, 900.0), 1004.0, 2, 900.0)


def test_a_failure_that_is_no_fault_of_the_event_is_not_counted() -> None:
    assert settled(failed("refused", 401)) == Settlement(entry(), 1002.5, 0, 0.0)
    assert settled(UNAVAILABLE, 2, 900.0, is_failing=True) == Settlement(entry(1, 2, 900.0), 1002.5, 2, 900.0)


@pytest.mark.parametrize(
    ("outcome", "tries"), [(UNAVAILABLE, 2), (failed("refused", 400), 0), (rejected("no profile"), 0)]
)
def test_what_is_not_tried_again_is_a_dead_letter(outcome: Outcome, tries: int) -> None:
    letter = settled(outcome, tries, 900.0).dead_letter
    assert letter is not None
    assert (letter.kind, letter.status, letter.reason) == (outcome.kind, outcome.status, outcome.reason)
    assert (letter.seq, letter.message_id, letter.key, letter.payload) == (1, "m1", "k", b'{"a": 1}')
    assert (letter.accepted, letter.died, letter.tries, letter.vendor) == (50.0, 1000.0, tries + 1, "little")


def test_a_dead_letter_holds_its_calls_without_their_values() -> None:
    errors = [{"code": "invalid", "detail": "not ada@example.org", "source": {"pointer": "/data"}}] * 101
    calls = [
        (Request("GET", "/api/track", params={"token": "T"}), Response(0, problem="lost by ada@example.org")),
        (Request("POST", "/api/identify", form={"data": "ada"}), Response(200)),
        (Request("POST", "/api/events", json={"n": 1}, revision="2026-10-15"), Response(400, {"errors": errors})),
    ]
    found: list[Any] = orjson.loads(dead_letter(entry(), failed("refused"), calls, 1, 0.0).requests)
    assert [call["request"]["path"] for call in found] == ["/api/track", "/api/identify", "/api/events"]
    assert [call["request"]["revision"] for call in found] == [None, None, "2026-10-15"]
    assert [call["reply"]["status"] for call in found] == [0, 200, 400]
    assert set(found[0]["request"]["params"]) == {"token"}
    assert found[0]["request"]["body"] == "null"
    assert set(found[1]["request"]["body"]) == {"data"}
    assert set(found[2]["request"]["body"]) == {"n"}
    assert len(found[2]["reply"]["errors"]) == 100
    assert found[2]["reply"]["errors"][0]["pointer"] == "/data"
    assert found[2]["reply"]["errors"][0]["code"] == "invalid"
    assert found[0]["reply"]["problem"].startswith("lost by")
    assert "ada" not in orjson.dumps(found).decode()


class Broken(MemoryQueue):
    """A queue on a disk that fails until `works_at`."""

    works_at = 1e9

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = ()) -> None:
        if asyncio.get_running_loop().time() < self.works_at:
            raise OutboxError("the disk is broken")
        super().settle(settlements, done)


def settler(queue: MemoryQueue | None = None, observe: Callable[..., None] = lambda *_: None) -> Settler:
    found = MemoryQueue() if queue is None else queue
    now = asyncio.get_running_loop().time
    return Settler(found, POLICY, observe, now=now, own_loop=True, connections=2)


def finished(seq: int, outcome: Outcome | None = None) -> Finished:
    return Finished([entry(seq)], [Result(entry(seq), outcome or delivered())])


def test_attempts_are_settled_together_after_a_moment_or_when_they_are_many() -> None:
    async def main() -> None:
        few = settler()
        assert (few.wait, few.is_empty) == (None, True)
        few.add(finished(1), is_urgent=False)
        await asyncio.sleep(0.04)
        few.add(finished(2), is_urgent=False)
        assert few.wait == pytest.approx(0.06)
        assert not few.is_empty
        await asyncio.sleep(1.0)
        assert few.wait == 0.0
        assert len(await few.settle()) == 2
        assert few.is_empty
        for number in range(11):
            few.add(finished(number), is_urgent=False)
        assert few.wait == pytest.approx(0.1)
        few.add(finished(12), is_urgent=False)  # six for each connection
        assert few.wait == 0.0
        await few.settle()
        few.add(finished(1), is_urgent=True)
        assert few.wait == 0.0

    run_virtually(main())


def test_an_outcome_is_being_observed_until_its_observer_has_returned() -> None:
    async def main() -> None:
        seen: list[tuple[bool, bool, bool]] = []
        found = settler(observe=lambda *_: seen.append((found.is_observing(4), found.is_observing(5), not found.wait)))
        found.add(finished(7), is_urgent=True)
        found.add(finished(5), is_urgent=True)
        assert not found.is_observing(9)
        await found.settle()
        assert seen == [(False, True, True)] * 2
        assert not found.is_observing(9)

    run_virtually(main())


def test_a_partition_continues_at_its_first_entry_that_has_not_left() -> None:
    async def main() -> None:
        found = settler()
        entries = [entry(1), entry(2), entry(3)]
        found.add(Finished(entries, [Result(entries[0], delivered()), Result(entries[1], UNAVAILABLE)]), is_urgent=True)
        found.add(Finished([entry(4), entry(5)], [Result(entry(4), delivered())]), is_urgent=True)
        found.add(finished(6), is_urgent=True)
        retried, blocked, over = await found.settle()
        assert retried.waiting == entries[1]
        assert 0 < retried.due <= 4.0
        assert (blocked.waiting, blocked.due) == (entry(5), 0.0)
        assert (over.waiting, over.due) == (None, 0.0)

    run_virtually(main())


def test_it_waits_for_a_disk_that_fails_and_a_few_seconds_once_it_was_stopped() -> None:
    async def main() -> None:
        clock = asyncio.get_running_loop().time
        queue = Broken([entry(1)])
        found = settler(queue)
        queue.works_at = 20.5
        found.add(finished(1), is_urgent=True)
        await found.settle()
        assert clock() == 21.0
        assert queue.read(0, 9) == []
        queue.works_at = 1e9
        found.add(finished(2), is_urgent=True)
        found.stop()
        await asyncio.sleep(2.0)
        found.stop()  # a second signal gives it no more time
        with pytest.raises(OutboxError):
            await found.settle()
        assert clock() == 26.0

    run_virtually(main())
