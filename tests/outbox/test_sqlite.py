import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from klavier.errors import OutboxError
from klavier.outbox import DeadLetter, Entry, Settlement, SqliteOutbox
from klavier.outbox.schema import VERSION
from tests.support.clocks import Clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "klavier.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[SqliteOutbox]:
    box = SqliteOutbox(path)
    yield box
    box.close()


def row(number: int, key: str = "k") -> tuple[str, str, bytes]:
    return (f"m{number}", key, b'{"n":%d}' % number)


def letter(entry: Entry) -> DeadLetter:
    return DeadLetter(
        entry.seq, entry.message_id, entry.key, entry.payload, entry.accepted, 9.0, 3, "failed", 400, "bad"
    )


def test_what_is_accepted_is_there_after_the_file_is_opened_again(path: Path) -> None:
    first = SqliteOutbox(path)
    assert first.append([row(1), row(2)], now=5.0) == [True, True]
    first.close()
    second = SqliteOutbox(path)
    assert [(e.message_id, e.key, e.payload, e.accepted) for e in second.read(0, 10)] == [
        ("m1", "k", b'{"n":1}', 5.0),
        ("m2", "k", b'{"n":2}', 5.0),
    ]
    second.close()


def test_a_message_id_is_accepted_once_also_after_its_event_has_left(outbox: SqliteOutbox) -> None:
    assert outbox.append([row(1), row(1)]) == [True, False]
    outbox.settle(Settlement(entry) for entry in outbox.read(0, 10))
    assert outbox.append([row(1), row(2)]) == [False, True]
    assert [entry.message_id for entry in outbox.read(0, 10)] == ["m2"]


def test_message_ids_are_purged_after_seven_days(path: Path) -> None:
    clock = Clock(1_800_000_000.0)
    outbox = SqliteOutbox(path, wall=clock)
    outbox.append([row(1)])
    for day in range(8):
        clock.now += 86_400.0
        outbox.maintain()
        assert outbox.append([row(1)]) == [day == 7]
    outbox.close()


def test_places_are_never_given_twice_even_when_the_table_was_empty(outbox: SqliteOutbox) -> None:
    outbox.append([row(1), row(2)])
    last = outbox.last_seq()
    outbox.settle(Settlement(entry) for entry in outbox.read(0, 10))
    outbox.append([row(3)])
    assert [entry.seq for entry in outbox.read(last, 10)] == [last + 1]


def test_dead_letters_are_stored_requeued_and_deleted(outbox: SqliteOutbox) -> None:
    outbox.append([row(1), row(2)])
    outbox.settle(Settlement(entry, dead_letter=letter(entry)) for entry in outbox.read(0, 10))
    assert (outbox.status().waiting, outbox.status().dead) == (0, 2)
    assert outbox.requeue([1, 99]) == 1
    assert [(e.message_id, e.tries) for e in outbox.read(2, 10)] == [("m1", 0)]
    assert outbox.delete([2, 99]) == 1
    assert outbox.dead_letters() == []


def test_many_threads_share_commits_and_lose_nothing(outbox: SqliteOutbox) -> None:
    def accept(first: int) -> None:
        for number in range(first, first + 50):
            assert outbox.append([row(number)]) == [True]

    threads = [threading.Thread(target=accept, args=(n * 50,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(entry.message_id[1:]) for entry in outbox.read(0, 1000)) == list(range(400))


def test_a_forked_process_opens_the_file_for_itself(outbox: SqliteOutbox) -> None:
    outbox.append([row(1)])
    child = os.fork()
    if child == 0:
        try:
            outbox.append([row(2)])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    outbox.append([row(3)])
    assert [entry.message_id for entry in outbox.read(0, 10)] == ["m1", "m2", "m3"]


def test_a_full_disk_refuses_the_event_and_keeps_the_others(outbox: SqliteOutbox) -> None:
    outbox.append([row(1)])
    with outbox._database.use() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutboxError, match="full; nothing was changed"):
        outbox.append([("big", "k", b"x" * 100_000), row(2)])
    assert [entry.message_id for entry in outbox.read(0, 10)] == ["m1"]
    with outbox._database.use() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    assert outbox.append([("big", "k", b"x" * 100_000), row(2)]) == [True, True]


def test_a_file_of_another_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(OutboxError, match="another program; name another file"):
        SqliteOutbox(path)


def test_a_file_of_a_newer_klavier_is_left_alone(path: Path, outbox: SqliteOutbox) -> None:
    with outbox._database.use() as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(OutboxError, match="upgrade klavier"):
        SqliteOutbox(path)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match="check the folder"):
        SqliteOutbox(tmp_path / "nowhere" / "klavier.db")


class OutboxAgainstAModel(RuleBasedStateMachine):
    """Append, settle, dead-letter and requeue in any order: what waits is what the model holds."""

    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.outbox = SqliteOutbox()
        self.waiting: dict[int, str] = {}
        self.dead: dict[int, str] = {}
        self.seen: set[str] = set()
        self.last = 0

    @rule(numbers=st.lists(st.integers(0, 30), max_size=8), key=st.sampled_from("ab"))
    def accept(self, numbers: list[int], key: str) -> None:
        fresh = self.outbox.append([row(number, key) for number in numbers], now=1.0)
        for number, is_new in zip(numbers, fresh, strict=True):
            assert is_new == (f"m{number}" not in self.seen)
            self.seen.add(f"m{number}")
            if is_new:
                self.last += 1
                self.waiting[self.last] = f"m{number}"

    @rule(target=taken, after=st.integers(0, 40), limit=st.integers(1, 10))
    def read(self, after: int, limit: int) -> object:
        found = self.outbox.read(after, limit)
        assert [(e.seq, e.message_id) for e in found] == [w for w in self.waiting.items() if w[0] > after][:limit]
        return multiple(*found)

    @rule(entry=taken)
    def deliver(self, entry: Entry) -> None:
        self.outbox.settle([Settlement(entry)])
        self.waiting.pop(entry.seq, None)

    @rule(entry=taken, due=st.floats(1, 100))
    def fail(self, entry: Entry, due: float) -> None:
        self.outbox.settle([Settlement(entry, due, tries=entry.tries + 1, first_try=1.0)])
        if entry.seq in self.waiting:
            (found,) = self.outbox.read(entry.seq - 1, 1)
            assert (found.due, found.tries, found.first_try) == (due, entry.tries + 1, 1.0)

    @rule(entry=taken)
    def die(self, entry: Entry) -> None:
        if self.waiting.pop(entry.seq, None) is not None:
            self.outbox.settle([Settlement(entry, dead_letter=letter(entry))])
            self.dead[entry.seq] = entry.message_id

    @rule(seq=st.integers(1, 40))
    def requeue(self, seq: int) -> None:
        known = self.dead.pop(seq, None)
        assert self.outbox.requeue([seq]) == (known is not None)
        if known is not None:
            self.last += 1
            self.waiting[self.last] = known

    @invariant()
    def agrees(self) -> None:
        assert self.outbox.status().waiting == len(self.waiting)
        assert self.outbox.last_seq() == self.last
        assert {d.seq: d.message_id for d in self.outbox.dead_letters()} == self.dead

    def teardown(self) -> None:
        self.outbox.close()


TestOutboxAgainstAModel = OutboxAgainstAModel.TestCase
