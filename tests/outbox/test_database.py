"""The settings of an outbox's SQLite file, and its errors in klavier's words."""

import sqlite3
import time
from pathlib import Path

import pytest

from klavier.errors import OutboxError, OutboxFullError
from klavier.outbox import SqliteOutbox
from klavier.outbox.database import Database, _use_wal, outbox_error


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_file_is_opened_with_the_settings_that_keep_its_promises(tmp_path: Path) -> None:
    outbox = SqliteOutbox(tmp_path / "out.db", timeout=7.0)
    with outbox._database.use() as connection:
        expected = {
            "journal_mode": "wal",
            "synchronous": 2,  # FULL: what is committed survives a power loss
            "secure_delete": 2,  # FAST: no zeros are written
            "auto_vacuum": 2,  # INCREMENTAL: the file can shrink
            "journal_size_limit": 8_000_000,
            "busy_timeout": 7000,
        }
        assert {name: pragma(connection, name) for name in expected} == expected
    outbox.append([("m1", "k", b"{}")])
    log = tmp_path / "out.db-wal"
    assert log.stat().st_size > 0
    outbox._database.shorten_log()
    assert log.stat().st_size == 0
    with outbox._database.use() as connection:
        assert pragma(connection, "busy_timeout") == 7000
    outbox.close()


def test_the_log_is_shortened_as_far_as_other_processes_let_it(tmp_path: Path) -> None:
    outbox = SqliteOutbox(tmp_path / "out.db", timeout=30.0)
    outbox.append([("m1", "k", b"{}")])
    reader = sqlite3.connect(tmp_path / "out.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM events").fetchall()
    outbox.append([("m2", "k", b"{}")])
    statements: list[str] = []
    outbox._database._connection.set_trace_callback(statements.append)
    began = time.monotonic()
    outbox._database.shorten_log()  # waits for readers, but not as long as for a writer
    assert 0.09 < time.monotonic() - began < 15
    assert [each for each in statements if "busy_timeout" in each] == [
        "PRAGMA busy_timeout = 100",
        "PRAGMA busy_timeout = 30000",
    ]
    reader.close()
    assert len(outbox.read(0, 10)) == 2
    outbox.close()
    outbox._database.shorten_log()  # of a closed file there is nothing to shorten


def error(code: int, name: str = "SQLITE_X") -> sqlite3.OperationalError:
    found = sqlite3.OperationalError("near ada@example.org")
    found.sqlite_errorcode, found.sqlite_errorname = code, name
    return found


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (sqlite3.SQLITE_BUSY, "another process has locked it for too long"),
        (sqlite3.SQLITE_CORRUPT | 256, "the file is damaged"),  # with details in the upper bits
        (sqlite3.SQLITE_READONLY, "may not be written"),
        (sqlite3.SQLITE_IOERR | 512, "check the disk"),
        (sqlite3.SQLITE_NOMEM, "SQLite failed (SQLITE_X)"),
    ],
)
def test_errors_of_sqlite_are_told_without_its_own_words(code: int, text: str) -> None:
    found = outbox_error("out.db", error(code))
    assert type(found) is OutboxError
    assert str(found).startswith("outbox out.db: ")
    assert str(found).endswith("; nothing was changed")
    assert text in str(found)
    assert "ada" not in str(found)


def test_a_full_disk_and_an_error_without_a_code_have_their_own_words() -> None:
    assert isinstance(outbox_error("out.db", error(sqlite3.SQLITE_FULL)), OutboxFullError)
    assert "SQLite failed (ProgrammingError)" in str(outbox_error("out.db", sqlite3.ProgrammingError("closed")))


class Busy:
    """A connection whose file others switch to the log at this moment."""

    def __init__(self, code: int, times: int) -> None:
        self.code, self.times, self.tries = code, times, 0

    def execute(self, _: str) -> None:
        self.tries += 1
        if self.tries <= self.times:
            raise error(self.code)


def test_switching_to_the_log_waits_for_others_up_to_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    now, pauses = [0.0], []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += 0.5

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    patient = Busy(sqlite3.SQLITE_BUSY | 256, 3)
    _use_wal(patient, 9.0)  # type: ignore[arg-type]  # as far as it is used
    assert (patient.tries, pauses) == (4, [0.02] * 3)
    late = Busy(sqlite3.SQLITE_BUSY, 9)
    with pytest.raises(sqlite3.OperationalError):
        _use_wal(late, 2.5)  # type: ignore[arg-type]  # as above
    assert late.tries == 3
    broken = Busy(sqlite3.SQLITE_IOERR, 9)
    with pytest.raises(sqlite3.OperationalError):
        _use_wal(broken, 9.0)  # type: ignore[arg-type]  # as above
    assert broken.tries == 1


def test_a_step_that_finds_the_disk_full_runs_once_more_with_the_reserve(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "out.db"), 1.0, None, time.time)
    reserve = tmp_path / "out.db.reserve"
    assert reserve.exists()
    tries: list[bool] = []

    def step(connection: sqlite3.Connection) -> int:
        tries.append(reserve.exists())
        connection.execute("INSERT INTO seen VALUES (?, 0)", (f"m{len(tries)}",))
        if len(tries) == 1:
            raise OutboxFullError("the disk is full")
        return 7

    assert database.write(step) == 7
    assert tries == [True, False]
    assert database.number("SELECT count(*) FROM seen") == 1
    with pytest.raises(ZeroDivisionError):
        database.write(lambda _: 1 // 0)
    assert database.number("SELECT count(*) FROM seen WHERE message_id = ?", "m2") == 1
    database.close()


def test_a_file_that_cannot_be_used_is_not_kept_open(tmp_path: Path) -> None:
    opened: list[sqlite3.Connection] = []

    def open_file(path: str, timeout: float) -> sqlite3.Connection:
        opened.append(sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False))
        opened[-1].execute("PRAGMA user_version = 99")
        return opened[-1]

    with pytest.raises(OutboxError, match="newer klavier"):
        Database(str(tmp_path / "out.db"), 1.0, open_file, time.time)
    assert not (tmp_path / "out.db.reserve").exists()
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError):
            connection.execute("SELECT 1")
