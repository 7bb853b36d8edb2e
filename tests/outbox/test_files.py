"""The outbox's files: private whatever the umask, upgraded once, damaged ones named without their content."""

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from klavier.errors import OutboxError
from klavier.outbox import DeadLetter, Entry, Settlement, SqliteOutbox
from klavier.outbox.schema import _CREATE, VERSION
from tests.support.clocks import Clock


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    old = os.umask(request.param)
    yield request.param
    os.umask(old)


@pytest.mark.usefixtures("umask")
def test_every_file_is_private(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o700)  # noqa: PTH101 -- the umask has made it unusable
    outbox = SqliteOutbox(tmp_path / "klavier.db")
    outbox.append([("m1", "k", b"{}")])
    lease = outbox.acquire("one", 10.0)
    assert lease is not None
    lease.mark_translating([1])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    outbox.close()
    assert {"klavier.db", "klavier.db-wal", "klavier.db-shm", "klavier.db.lock", "klavier.db.translating"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_the_rights_of_a_file_that_is_there_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "klavier.db"
    SqliteOutbox(path).close()
    path.chmod(0o660)
    SqliteOutbox(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def old_file(path: Path) -> None:
    """Write a file of the first version, with an entry, a dead letter and a claim in it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in _CREATE:
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO events (message_id, key, payload, accepted) VALUES ('m1', 'k', x'7b7d', 1.0)")
    connection.execute("INSERT INTO seen VALUES ('m1', 1.0)")
    connection.execute("INSERT INTO dead VALUES (7, 'm0', 'k', x'7b7d', 1.0, 2.0, 3, 'failed', 400, 'bad', '[]')")
    connection.execute("INSERT INTO claim VALUES (1, 'gone', 1e12, 0)")
    connection.close()


def check_upgraded(outbox: SqliteOutbox) -> None:
    assert [(entry.message_id, entry.payload, entry.interrupted) for entry in outbox.read(0, 10)] == [("m1", b"{}", 0)]
    assert outbox.dead_letters() == [DeadLetter(7, "m0", "k", b"{}", 1.0, 2.0, 3, "failed", 400, "bad")]
    assert outbox.append([("m1", "k", b"{}"), ("m2", "k", b"{}")]) == [False, True]
    lease = outbox.acquire("new", 10.0)
    assert lease is not None


def test_a_file_of_the_first_version_is_upgraded(tmp_path: Path) -> None:
    old_file(tmp_path / "klavier.db")
    outbox = SqliteOutbox(tmp_path / "klavier.db")
    check_upgraded(outbox)
    assert outbox._database.number("PRAGMA user_version") == VERSION
    outbox.close()


def open_at_once(path: Path, number: int) -> list[BaseException]:
    """Open a file in several threads at the same moment; returns what was raised."""
    barrier = threading.Barrier(number)
    failed: list[BaseException] = []

    def open_it() -> None:
        barrier.wait()
        try:
            SqliteOutbox(path).close()
        except BaseException as error:  # noqa: BLE001 -- this is what the test is about
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


@pytest.mark.parametrize("old", [True, False])
def test_many_open_a_new_or_an_old_file_at_once(tmp_path: Path, old: bool) -> None:  # noqa: FBT001 -- a parameter
    for round_ in range(4):
        path = tmp_path / f"{round_}.db"
        if old:
            old_file(path)
        assert open_at_once(path, 8) == []
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        connection.close()


def test_a_damaged_file_is_named_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "klavier.db"
    outbox = SqliteOutbox(path)
    outbox.append([(f"ada@shop.test-{n}", "user:ada@shop.test", b"ada@shop.test " * 300) for n in range(50)])
    outbox.close()
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)  # all but the first page
    path.write_bytes(content)
    with pytest.raises(OutboxError) as raised:
        SqliteOutbox(path).read(0, 100)
    assert str(path) in str(raised.value)
    assert "damaged" in str(raised.value)
    assert "ada" not in str(raised.value)


def test_a_file_that_is_no_database_is_named_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "klavier.db"
    path.write_text("pk_secret ada@shop.test\n" * 100)
    with pytest.raises(OutboxError, match="damaged, or no SQLite file") as raised:
        SqliteOutbox(path)
    assert "ada" not in str(raised.value)


def test_a_schema_that_quotes_itself_is_not_shown(tmp_path: Path) -> None:
    """SQLite quotes the SQL in the file when it cannot read it."""
    path = tmp_path / "klavier.db"
    SqliteOutbox(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = 'ada@shop.test' WHERE name = 'events'")
    connection.close()
    with pytest.raises(OutboxError) as raised:
        SqliteOutbox(path).read(0, 10)
    assert "ada" not in str(raised.value)


def test_the_file_shrinks_when_a_backlog_has_left(tmp_path: Path) -> None:
    path = tmp_path / "klavier.db"
    outbox = SqliteOutbox(path)
    for start in range(0, 4000, 500):
        outbox.append([(f"m{n}", "k", b"x" * 10_000) for n in range(start, start + 500)])
    largest = path.stat().st_size + path.with_name("klavier.db-wal").stat().st_size
    entries = outbox.read(0, 4000)
    for start in range(0, 4000, 500):
        outbox.settle([], [entry.seq for entry in entries[start : start + 500]])
    outbox.maintain()
    outbox.append([("last", "k", b"{}")])  # the log starts anew with the next commit
    assert largest > 40_000_000
    assert path.stat().st_size < 8_000_000
    assert path.with_name("klavier.db-wal").stat().st_size <= 8_000_000
    outbox.close()


def test_dead_letters_are_deleted_at_their_age(tmp_path: Path) -> None:
    wall = Clock(1_800_000_000.0)
    outbox = SqliteOutbox(tmp_path / "klavier.db", wall=wall, dead_letter_age=3 * 86_400.0)
    letter = DeadLetter(7, "m0", "k", b"{}", 1.0, 2.0, 3, "failed", 400, "bad")
    outbox.settle([Settlement(Entry(7, "m0", "k", b"{}", 1.0), dead_letter=letter)])
    kept = []
    for _ in range(4):
        wall.now += 86_400.0
        outbox.maintain()
        kept.append(outbox.status().dead)
    assert kept == [1, 1, 1, 0]
    outbox.close()


@pytest.mark.parametrize("jump", [-1e9, 1e9])
def test_no_jump_of_the_clock_purges_what_is_young(tmp_path: Path, jump: float) -> None:
    wall = Clock(1_800_000_000.0)
    outbox = SqliteOutbox(tmp_path / "klavier.db", wall=wall, dead_letter_age=3 * 86_400.0)
    outbox.append([("m1", "k", b"{}")])
    for there in (jump, -jump):
        wall.now += there
        outbox.maintain()
        assert outbox.append([("m1", "k", b"{}")]) == [False]
    outbox.close()
