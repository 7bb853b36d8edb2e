"""A write that fails in the middle: all of it is undone, and the next one succeeds."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from klavier.errors import OutboxError
from klavier.outbox import DeadLetter, Entry, Settlement, SqliteOutbox


class Connection(sqlite3.Connection):
    """Fails at a statement that contains `failing`, with the transaction left open, as after a failed read."""

    failing = ""

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        self._check(sql)
        return super().execute(sql, *arguments)

    def executemany(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        self._check(sql)
        return super().executemany(sql, *arguments)

    def _check(self, sql: str) -> None:
        if self.failing and self.failing in sql:
            raise sqlite3.OperationalError("disk I/O error")


@pytest.fixture
def connections() -> list[Connection]:
    return []


@pytest.fixture
def outbox(tmp_path: Path, connections: list[Connection]) -> Iterator[SqliteOutbox]:
    def connect(path: str, timeout: float) -> sqlite3.Connection:
        opened = sqlite3.connect(
            path, timeout=timeout, isolation_level=None, check_same_thread=False, factory=Connection
        )
        connections.append(opened)
        return opened

    box = SqliteOutbox(tmp_path / "klavier.db", open_file=connect)
    yield box
    box.close()


def row(number: int) -> tuple[str, str, bytes]:
    return (f"m{number}", "k", b'{"n":%d}' % number)


def letter(entry: Entry) -> DeadLetter:
    return DeadLetter(
        entry.seq, entry.message_id, entry.key, entry.payload, entry.accepted, 9.0, 3, "failed", 400, "bad"
    )


def state(outbox: SqliteOutbox) -> Any:
    return outbox.read(0, 100), [each.message_id for each in outbox.dead_letters()], outbox.status().waiting


WRITES: dict[str, tuple[str, Callable[[SqliteOutbox], Any]]] = {
    "accept": ("INSERT INTO events", lambda outbox: outbox.append([row(4), row(5)])),
    "commit": ("COMMIT", lambda outbox: outbox.append([row(4), row(5)])),
    "settle": (
        "INSERT OR REPLACE INTO dead",
        lambda outbox: outbox.settle(
            [Settlement(entry, dead_letter=letter(entry)) for entry in outbox.read(0, 2)], [3]
        ),
    ),
    "retry later": (
        "DELETE FROM events",
        lambda outbox: outbox.settle([Settlement(outbox.read(0, 1)[0], 50.0, 1, 9.0)], [2]),
    ),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_failed_write_changes_nothing_and_the_next_one_succeeds(
    outbox: SqliteOutbox, connections: list[Connection], name: str
) -> None:
    failing, write = WRITES[name]
    outbox.append([row(1), row(2), row(3)], now=1.0)
    before = state(outbox)
    connections[0].failing = failing
    with pytest.raises(OutboxError, match="nothing was changed"):
        write(outbox)
    connections[0].failing = ""
    assert state(outbox) == before
    write(outbox)
    assert state(outbox) != before
    assert outbox.append([row(6)]) == [True]


def test_another_process_can_write_after_a_failed_write(outbox: SqliteOutbox, connections: list[Connection]) -> None:
    connections[0].failing = "INSERT INTO events"
    with pytest.raises(OutboxError):
        outbox.append([row(1)])
    other = SqliteOutbox(outbox.path, timeout=0.0)
    assert other.append([row(1)]) == [True]
    other.close()
