import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from klavier.errors import OutboxError
from klavier.outbox import DeadLetter, Entry, Outbox, Settled
from klavier.outbox.file_lock import FileLock
from klavier.outbox.schema import VERSION


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "klavier.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    box = Outbox(path)
    yield box
    box.close()


def row(number: int, key: str = "k") -> tuple[str, str, bytes]:
    return (f"m{number}", key, b'{"n":%d}' % number)


def letter(entry: Entry) -> DeadLetter:
    return DeadLetter(
        entry.seq, entry.message_id, entry.key, entry.payload, entry.accepted, 9.0, 3, "failed", 400, "bad"
    )


def test_what_is_accepted_is_there_after_the_file_is_opened_again(path: Path) -> None:
    first = Outbox(path)
    assert first.put([row(1), row(2)], now=5.0) == [True, True]
    first.close()
    second = Outbox(path)
    assert [(e.message_id, e.key, e.payload, e.accepted) for e in second.after(0, 10)] == [
        ("m1", "k", b'{"n":1}', 5.0),
        ("m2", "k", b'{"n":2}', 5.0),
    ]
    second.close()


def test_a_message_id_is_accepted_once_also_after_its_event_has_left(outbox: Outbox) -> None:
    assert outbox.put([row(1), row(1)]) == [True, False]
    outbox.settle(Settled(entry) for entry in outbox.after(0, 10))
    assert outbox.put([row(1), row(2)]) == [False, True]
    assert [entry.message_id for entry in outbox.after(0, 10)] == ["m2"]


def test_message_ids_are_forgotten_after_the_retention(outbox: Outbox) -> None:
    outbox.put([row(1)], now=0.0)
    outbox.forget(now=8 * 86_400.0)
    assert outbox.put([row(1)], now=8 * 86_400.0) == [True]


def test_places_are_never_given_twice_even_when_the_table_was_empty(outbox: Outbox) -> None:
    outbox.put([row(1), row(2)])
    last = outbox.last()
    outbox.settle(Settled(entry) for entry in outbox.after(0, 10))
    outbox.put([row(3)])
    assert [entry.seq for entry in outbox.after(last, 10)] == [last + 1]


def test_dead_letters_are_kept_revived_and_buried(outbox: Outbox) -> None:
    outbox.put([row(1), row(2)])
    outbox.settle(Settled(entry, letter=letter(entry)) for entry in outbox.after(0, 10))
    assert (outbox.pending(), outbox.dead_count()) == (0, 2)
    assert outbox.revive([1, 99]) == 1
    assert [(e.message_id, e.tries) for e in outbox.after(2, 10)] == [("m1", 0)]
    assert outbox.bury([2, 99]) == 1
    assert outbox.dead() == []


def test_only_one_holder_delivers_and_another_takes_over(path: Path, outbox: Outbox) -> None:
    other = Outbox(path)
    assert outbox.claim("one", now=0.0, seconds=10.0)
    assert not other.claim("two", now=5.0, seconds=10.0)
    assert outbox.claim("one", now=9.0, seconds=10.0)
    assert not other.claim("two", now=15.0, seconds=10.0)
    assert other.claim("two", now=20.0, seconds=10.0)
    outbox.release("one")
    assert not outbox.claim("one", now=21.0, seconds=10.0)
    other.release("two")
    assert outbox.claim("one", now=21.0, seconds=10.0)
    other.close()


def test_a_holder_that_was_killed_is_followed_at_once(path: Path, outbox: Outbox) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0 if Outbox(path).claim("killed", now=0.0, seconds=1e9) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert outbox.claim("next", now=1.0, seconds=10.0)


def test_a_child_that_outlives_the_holder_of_a_lock_delays_nobody_for_ever(path: Path, outbox: Outbox) -> None:
    holder = FileLock(f"{path}.lock")
    assert holder.acquire()
    assert outbox.claim("unlocked", now=0.0, seconds=10.0)
    holder.release()
    other = Outbox(path)
    assert not other.claim("two", now=5.0, seconds=10.0)
    assert other.claim("two", now=11.0, seconds=10.0)
    other.close()


def test_two_holders_in_one_process_are_two(outbox: Outbox) -> None:
    assert outbox.claim("one", now=0.0, seconds=10.0)
    assert not outbox.claim("two", now=1.0, seconds=10.0)
    outbox.release("one")
    assert outbox.claim("two", now=1.0, seconds=10.0)


def test_many_threads_share_commits_and_lose_nothing(outbox: Outbox) -> None:
    def accept(first: int) -> None:
        for number in range(first, first + 50):
            assert outbox.put([row(number)]) == [True]

    threads = [threading.Thread(target=accept, args=(n * 50,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(entry.message_id[1:]) for entry in outbox.after(0, 1000)) == list(range(400))


def test_a_forked_process_opens_the_file_for_itself(outbox: Outbox) -> None:
    outbox.put([row(1)])
    child = os.fork()
    if child == 0:
        try:
            outbox.put([row(2)])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    outbox.put([row(3)])
    assert [entry.message_id for entry in outbox.after(0, 10)] == ["m1", "m2", "m3"]


def test_a_full_disk_refuses_the_event_and_keeps_the_others(outbox: Outbox) -> None:
    outbox.put([row(1)])
    with outbox._guarded() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutboxError, match="full; nothing was changed"):
        outbox.put([("big", "k", b"x" * 100_000), row(2)])
    assert [entry.message_id for entry in outbox.after(0, 10)] == ["m1"]
    with outbox._guarded() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    assert outbox.put([("big", "k", b"x" * 100_000), row(2)]) == [True, True]


def test_a_file_of_another_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(OutboxError, match="another program; name another file"):
        Outbox(path)


def test_a_file_of_a_newer_klavier_is_left_alone(path: Path, outbox: Outbox) -> None:
    with outbox._guarded() as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(OutboxError, match="upgrade klavier"):
        Outbox(path)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match="check the folder"):
        Outbox(tmp_path / "nowhere" / "klavier.db")


class OutboxAgainstAModel(RuleBasedStateMachine):
    """Accepting, settling, dying, reviving in any order: what waits is what the model says."""

    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.waiting: dict[int, str] = {}
        self.dead: dict[int, str] = {}
        self.seen: set[str] = set()
        self.last = 0

    @rule(numbers=st.lists(st.integers(0, 30), max_size=8), key=st.sampled_from("ab"))
    def accept(self, numbers: list[int], key: str) -> None:
        fresh = self.outbox.put([row(number, key) for number in numbers], now=1.0)
        for number, is_new in zip(numbers, fresh, strict=True):
            assert is_new == (f"m{number}" not in self.seen)
            self.seen.add(f"m{number}")
            if is_new:
                self.last += 1
                self.waiting[self.last] = f"m{number}"

    @rule(target=taken, after=st.integers(0, 40), limit=st.integers(1, 10))
    def read(self, after: int, limit: int) -> object:
        found = self.outbox.after(after, limit)
        assert [(e.seq, e.message_id) for e in found] == [w for w in self.waiting.items() if w[0] > after][:limit]
        return multiple(*found)

    @rule(entry=taken)
    def deliver(self, entry: Entry) -> None:
        self.outbox.settle([Settled(entry)])
        self.waiting.pop(entry.seq, None)

    @rule(entry=taken, due=st.floats(1, 100))
    def fail(self, entry: Entry, due: float) -> None:
        self.outbox.settle([Settled(entry, due, tries=entry.tries + 1, first_try=1.0)])
        if entry.seq in self.waiting:
            (found,) = self.outbox.after(entry.seq - 1, 1)
            assert (found.due, found.tries, found.first_try) == (due, entry.tries + 1, 1.0)

    @rule(entry=taken)
    def die(self, entry: Entry) -> None:
        if self.waiting.pop(entry.seq, None) is not None:
            self.outbox.settle([Settled(entry, letter=letter(entry))])
            self.dead[entry.seq] = entry.message_id

    @rule(seq=st.integers(1, 40))
    def revive(self, seq: int) -> None:
        known = self.dead.pop(seq, None)
        assert self.outbox.revive([seq]) == (known is not None)
        if known is not None:
            self.last += 1
            self.waiting[self.last] = known

    @invariant()
    def agrees(self) -> None:
        assert self.outbox.pending() == len(self.waiting)
        assert self.outbox.last() == self.last
        assert {d.seq: d.message_id for d in self.outbox.dead()} == self.dead

    def teardown(self) -> None:
        self.outbox.close()


TestOutboxAgainstAModel = OutboxAgainstAModel.TestCase
