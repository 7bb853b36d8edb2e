"""The dead letters of an SQLite outbox."""

import sqlite3
from collections.abc import Iterable

from klavier.outbox.database import Database
from klavier.outbox.entry import DeadLetter
from klavier.outbox.maintenance import in_batches

_COLUMNS = "seq, message_id, key, payload, accepted, died, tries, kind, status, reason, requests, vendor"
_INSERT = f"INSERT OR REPLACE INTO dead ({_COLUMNS}, stored) SELECT {', '.join('?' * 12)}, now FROM clock"  # noqa: S608 -- constant column names
_READ = f"SELECT {_COLUMNS} FROM dead WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 -- as above
_REQUEUE = (
    "INSERT INTO events (message_id, key, payload, accepted) "
    "SELECT message_id, key, payload, accepted FROM dead WHERE seq = ?"
)
_DELETE = "DELETE FROM dead WHERE seq = ?"


def insert(connection: sqlite3.Connection, letters: Iterable[DeadLetter]) -> None:
    """Write dead letters, inside the transaction that removes their entries."""
    connection.executemany(_INSERT, map(_row, letters))


def read(database: Database, after: int, limit: int) -> list[DeadLetter]:
    """Return the next dead letters after a position, in the order of acceptance."""
    with database.use() as connection:
        return [DeadLetter(*row) for row in connection.execute(_READ, (after, limit))]


def requeue(database: Database, seqs: Iterable[int]) -> int:
    """Move dead letters to the end of the queue; returns how many there were."""

    def move(connection: sqlite3.Connection, batch: list[int]) -> int:
        count = 0
        for seq in batch:
            count += connection.execute(_REQUEUE, (seq,)).rowcount
            connection.execute(_DELETE, (seq,))
        return count

    return in_batches(seqs, lambda batch: database.write(lambda connection: move(connection, batch)))


def delete(database: Database, seqs: Iterable[int]) -> int:
    """Delete dead letters; returns how many there were."""

    def remove(connection: sqlite3.Connection, batch: list[int]) -> int:
        return connection.executemany(_DELETE, [(seq,) for seq in batch]).rowcount

    return in_batches(seqs, lambda batch: database.write(lambda connection: remove(connection, batch)))


def _row(letter: DeadLetter) -> tuple[object, ...]:
    return (
        letter.seq,
        letter.message_id,
        letter.key,
        letter.payload,
        letter.accepted,
        letter.died,
        letter.tries,
        letter.kind,
        letter.status,
        letter.reason,
        letter.requests,
        letter.vendor,
    )
