"""The outbox's small parts by themselves: spans of positions, the queue in memory, shared commits, ages of a lease."""

import sqlite3
import threading
from pathlib import Path

import pytest

from klavier.errors import LeaseLostError, OutboxError, OutboxFullError
from klavier.outbox import Entry, MemoryQueue, Settlement, SqliteOutbox
from klavier.outbox.entry import DeadLetter
from klavier.outbox.memory import bounded
from klavier.outbox.sqlite import _spans


def entry(seq: int, key: str = "a", payload: bytes = b"12") -> Entry:
    return Entry(seq, f"m{seq}", key, payload, 0.0)


def seqs(entries: list[Entry]) -> list[int]:
    return [each.seq for each in entries]


@pytest.mark.parametrize(
    ("positions", "spans"),
    [([], []), ([5], [[5, 5]]), ([3, 1, 2], [[1, 3]]), ([1, 2, 4, 5, 7], [[1, 2], [4, 5], [7, 7]]), ([2, 2], None)],
)
def test_neighbours_leave_as_one_span(positions: list[int], spans: list[list[int]] | None) -> None:
    assert _spans(positions) == ([[2, 2], [2, 2]] if spans is None else spans)


def test_reading_ends_after_the_entry_that_exceeds_the_bytes() -> None:
    entries = [entry(seq) for seq in range(1, 6)]
    assert seqs(bounded(entries, 9, 100)) == [1, 2, 3, 4, 5]
    assert seqs(bounded(entries, 2, 100)) == [1, 2]
    assert seqs(bounded(entries, 9, 4)) == [1, 2, 3]
    assert seqs(bounded(entries, 9, 3)) == [1, 2]
    assert seqs(bounded(entries, 9, 0)) == [1]
    assert bounded(entries, 0, 100) == []


@pytest.mark.parametrize("is_indexed", [True, False])
def test_the_queue_in_memory_removes_postpones_and_reads_by_key(*, is_indexed: bool) -> None:
    queue = MemoryQueue([entry(1), entry(2, "b"), entry(3), entry(4)])
    if is_indexed:
        assert seqs(queue.read_key("a", 0, 9)) == [1, 3, 4]
    queue.add(entry(5))
    queue.settle([Settlement(entry(1)), Settlement(entry(3), 9.0, 2, 7.0)], [2, 77])
    queue.settle([Settlement(entry(1), 9.0)])  # it has left
    assert seqs(queue.read(0, 9)) == [3, 4, 5]
    assert seqs(queue.read(3, 1)) == [4]
    assert seqs(queue.read_key("a", 3, 9)) == [4, 5]
    assert queue.read_key("b", 0, 9) == queue.read_key("c", 0, 9) == []
    (found,) = queue.read(0, 1)
    assert (found.due, found.tries, found.first_try, found.payload) == (9.0, 2, 7.0, b"12")
    queue.settle([], [4, 3])
    assert seqs(queue.read_key("a", 0, 9)) == [5]
    queue.settle([], [5])
    assert queue.read(0, 9) == []
    assert not queue._by_key


class Clocks:
    def __init__(self) -> None:
        self.wall = self.monotonic = 1000.0

    def outbox(self, path: Path) -> SqliteOutbox:
        return SqliteOutbox(path, wall=lambda: self.wall, monotonic=lambda: self.monotonic)


def test_a_lease_tells_how_long_ago_its_holder_was_heard_of(tmp_path: Path) -> None:
    clocks = Clocks()
    outbox = clocks.outbox(tmp_path / "out.db")
    assert outbox.details().holder is None
    first = outbox.acquire("one", 10.0)
    assert first is not None
    assert (first.previous.name, first.token) == ("", 1)
    clocks.wall += 3.0
    holder = outbox.details().holder
    assert holder is not None
    assert (holder.name, holder.age, holder.report) == ("one", 3.0, b"")
    assert first.renew(b"report")
    clocks.wall -= 99.0
    holder = outbox.details().holder
    assert holder is not None
    assert (holder.age, holder.report) == (0.0, b"report")
    clocks.wall += 104.0
    first.release()
    second = outbox.acquire("two", 10.0)
    assert second is not None
    assert (second.token, second.previous.name, second.previous.age) == (2, "", 5.0)
    assert second.previous.report == b"report"
    first.release()  # which another one has now
    assert second.renew()
    assert not first.renew()
    with pytest.raises(LeaseLostError, match="another worker delivers from it now; nothing was settled"):
        first.settle([], [1])
    second.settle([], [1])
    second.release()
    with pytest.raises(LeaseLostError):
        second.settle([], [1])
    outbox.close()


def test_a_holder_is_silent_once_it_has_not_renewed_for_longer_than_it_may(tmp_path: Path) -> None:
    clocks = Clocks()
    holding, waiting = (clocks.outbox(tmp_path / "out.db") for _ in range(2))
    lease = holding.acquire("one", 10.0)
    assert lease is not None
    assert waiting.acquire("two", 5.0) is None
    clocks.monotonic += 8.0
    assert lease.renew()
    assert waiting.acquire("two", 5.0) is None
    clocks.monotonic += 10.0
    assert waiting.acquire("two", 5.0) is None
    clocks.monotonic += 0.5
    found = waiting.acquire("two", 5.0)
    assert found is not None
    assert (found.token, found.previous.name) == (2, "one")
    assert not lease.renew()
    waiting.close()
    holding.close()


def test_callers_that_wait_share_a_commit_and_each_has_its_own_answer(tmp_path: Path) -> None:
    outbox = SqliteOutbox(tmp_path / "out.db", max_bytes=400_000)
    outbox.append([("known", "k", b"{}")], now=5.0)
    commits: list[str] = []
    with outbox._database.use() as connection:
        connection.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)
    answers: dict[str, object] = {}

    def append(name: str, payload: bytes, *ids: str) -> None:
        try:
            answers[name] = outbox.append([(each, "k", payload) for each in ids], now=6.0)
        except OutboxError as error:
            answers[name] = error

    with outbox._database.lock:
        threads = [
            threading.Thread(target=append, args=arguments)
            for arguments in (
                ("small", b"{}", "m1", "known", "m2"),
                ("large", bytes(500_000), "m3"),
                ("other", b"{}", "m4"),
            )
        ]
        for number, thread in enumerate(threads, 1):
            thread.start()
            while len(outbox._appender._tickets) < number:
                pass
    for thread in threads:
        thread.join()
    assert answers["small"] == [True, False, True]
    assert answers["other"] == [True]
    assert isinstance(answers["large"], OutboxFullError)
    assert "it may use 400000 bytes" in str(answers["large"])
    assert len(commits) == 1
    assert sorted(each.message_id for each in outbox.read(0, 9)) == ["known", "m1", "m2", "m4"]
    assert [each.accepted for each in outbox.read(0, 9)] == [5.0, 6.0, 6.0, 6.0]
    assert outbox.append([("m3", "k", b"{}")]) == [True]
    outbox.close()


def test_entries_are_refused_where_the_disk_has_no_room_even_without_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = SqliteOutbox(tmp_path / "out.db")
    asked: list[int] = []
    shortened: list[int] = []
    room = [False, True]

    def has_room(size: int) -> bool:
        asked.append(size)
        return room.pop(0)

    monkeypatch.setattr(outbox._database.space, "has_room", has_room)
    monkeypatch.setattr(outbox._database, "shorten_log", lambda: shortened.append(len(asked)))
    assert outbox.append([("m1", "k", b"1234"), ("m2", "k", b"12")]) == [True, True]
    assert (asked, shortened) == ([6, 6], [1])
    room[:] = [False, False]
    with pytest.raises(OutboxFullError, match="the disk is full; nothing was changed"):
        outbox.append([("m3", "k", b"1")])
    room[:] = [True, True, False]
    assert outbox.append([("m4", "k", b"1")]) == [True]
    assert outbox.status().problem == ""
    assert outbox.status().problem.startswith("the disk is full")
    assert outbox.last_seq() == 3
    assert outbox.has_waiting(1)
    outbox.settle([], [1])
    assert not outbox.has_waiting(1)
    outbox.close()


def test_a_setback_of_one_statement_fails_every_caller_and_stores_nothing() -> None:
    outbox = SqliteOutbox()
    with outbox._database.use() as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'ada'); END")
    with pytest.raises(OutboxError) as caught:
        outbox.append([("m1", "k", b"{}")])
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert "ada" not in str(caught.value)
    assert outbox.status().waiting == 0
    outbox.close()


def test_personal_data_is_in_no_repr() -> None:
    found = Entry(7, "secret", "secret", b"secret", 0.0, 5.0, 2)
    assert repr(found) == "<Entry 7 due=5.0 tries=2>"
    letter = DeadLetter(7, "secret", "secret", b"secret", 0.0, 0.0, 1, "failed", 400, "refused", "secret")
    assert "secret" not in repr(letter)
