"""The outbox as one SQLite file.

Write-ahead log with `synchronous = FULL`: a commit returns after the disk has it, so what is accepted survives a crash
of the program and of the machine.  Many threads that accept at the same moment share one commit.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from attrs import define, field

from klavier.errors import OutboxError
from klavier.outbox.entry import Coming, DeadLetter, Entry, Settled
from klavier.outbox.file_lock import FileLock
from klavier.outbox.schema import prepare

Accepted = tuple[str, str, bytes]
"""What is accepted: a message id, an ordering key and a JSON payload."""

Connect = Callable[[str, float], sqlite3.Connection]
"""Opens the file at a path; the number is how long to wait for another process, in seconds."""

_ENTRY = "seq, message_id, key, payload, accepted, due, tries, first_try"
_entry = partial(tuple.__new__, Entry)
"""Makes an entry of a row, without a step through Python as `Entry._make` would take for each."""
_LETTER = "seq, message_id, key, payload, accepted, died, tries, kind, status, reason, requests"
RETENTION = 7 * 86_400.0
"""How long message ids are remembered to notice one that comes again, in seconds."""


@define
class _Ticket:
    """One caller's events on their way into a commit that several callers share."""

    rows: list[tuple[str, str, bytes, float]]
    fresh: list[bool] = field(factory=list)
    error: Exception | None = None
    done: bool = False


class Outbox:
    """A queue in the order of acceptance, with dead letters.  Safe to use from several threads and processes.

    Every method raises `OutboxError` where the disk or the file fails; then nothing of that call has happened.
    """

    def __init__(
        self,
        path: str | Path = ":memory:",
        *,
        retention: float = RETENTION,
        timeout: float = 30.0,
        connect: Connect | None = None,
    ) -> None:
        """Open or create the file at `path`; `:memory:` keeps nothing beyond the process.

        `retention` is how long message ids are remembered, `timeout` how long to wait for another process, in seconds.
        `connect` opens the file by other means than Python's own SQLite, such as one that watches the disk in tests.
        """
        self.path: str = str(path)
        self._retention = retention
        self._timeout = timeout
        self._connect = connect or _connect
        self._lock = threading.RLock()
        self._queue: list[_Ticket] = []
        self._queue_lock = threading.Lock()
        self._pid = os.getpid()
        self._inherited: sqlite3.Connection | None = None
        self._connection = self._open()
        self._locks: dict[str, FileLock] = {}

    coming: Coming = "no"
    """What others accept comes when they do."""

    def put(self, events: Sequence[Accepted], now: float | None = None) -> list[bool]:
        """Accept events, all of them or none; returns after they are safe.

        Gives for each whether it is new: one whose message id was accepted before is left out.
        """
        moment = time.time() if now is None else now
        ticket = _Ticket([(*event, moment) for event in events])
        with self._queue_lock:
            self._queue.append(ticket)
        with self._lock:
            if not ticket.done:
                self._commit_queue()
        if ticket.error is not None:
            raise ticket.error
        return ticket.fresh

    def after(self, seq: int, limit: int) -> list[Entry]:
        """Give the next entries beyond a place in the order."""
        return self._entries(f"SELECT {_ENTRY} FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))  # noqa: S608 -- constant column names

    def of_key(self, key: str, seq: int, limit: int) -> list[Entry]:
        """Give the next entries of one ordering key beyond a place in the order."""
        query = f"SELECT {_ENTRY} FROM events WHERE key = ? AND seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 -- constant column names
        return self._entries(query, (key, seq, limit))

    def settle(self, settled: Iterable[Settled], gone: Iterable[int] = ()) -> None:
        """Write down how tries ended, all of them or none; `gone` are places of entries that leave, and no more."""
        gone, later, letters = list(gone), [], []
        for item in settled:
            if item.due is not None:
                later.append((item.due, item.tries, item.first_try, item.entry.seq))
                continue
            gone.append(item.entry.seq)
            if item.letter is not None:
                letters.append(_row(item.letter))
        with self._transaction() as connection:
            connection.executemany("UPDATE events SET due = ?, tries = ?, first_try = ? WHERE seq = ?", later)
            connection.executemany("DELETE FROM events WHERE seq BETWEEN ? AND ?", _spans(gone))
            connection.executemany(f"INSERT OR REPLACE INTO dead ({_LETTER}) VALUES ({_marks(11)})", letters)  # noqa: S608 -- constant column names

    def pending(self) -> int:
        """Count the entries that wait."""
        return self._count("SELECT count(*) FROM events")

    def last(self) -> int:
        """Give the last place that was given to an entry; 0 before any."""
        return self._count("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'")

    def pending_up_to(self, seq: int) -> int:
        """Count the entries that wait up to a place in the order."""
        return self._count("SELECT count(*) FROM events WHERE seq <= ?", (seq,))

    def dead(self, after: int = 0, limit: int = 1000) -> list[DeadLetter]:
        """Give dead letters in the order of acceptance."""
        query = f"SELECT {_LETTER} FROM dead WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 -- constant column names
        with self._guarded() as connection:
            return [DeadLetter(*row) for row in connection.execute(query, (after, limit))]

    def dead_count(self) -> int:
        """Count the dead letters."""
        return self._count("SELECT count(*) FROM dead")

    def revive(self, seqs: Iterable[int]) -> int:
        """Put dead letters back at the end of the queue; gives how many there were."""
        count = 0
        with self._transaction() as connection:
            for seq in seqs:
                moved = connection.execute(
                    "INSERT INTO events (message_id, key, payload, accepted) "
                    "SELECT message_id, key, payload, accepted FROM dead WHERE seq = ?",
                    (seq,),
                )
                count += moved.rowcount
                connection.execute("DELETE FROM dead WHERE seq = ?", (seq,))
        return count

    def bury(self, seqs: Iterable[int]) -> int:
        """Delete dead letters for good; gives how many there were."""
        with self._transaction() as connection:
            return connection.executemany("DELETE FROM dead WHERE seq = ?", [(seq,) for seq in seqs]).rowcount

    def claim(self, holder: str, now: float, seconds: float) -> bool:
        """Take or prolong the right to deliver for some seconds; False while another holder has it.

        A holder whose process died loses it at once, where the system can tell; elsewhere when its time is over.
        """
        with self._transaction() as connection:
            locked = self._lock_of(holder).acquire()
            connection.execute(
                "DELETE FROM claim WHERE until < ? OR holder = ? OR (locked AND ?)", (now, holder, locked)
            )
            connection.execute("INSERT OR IGNORE INTO claim VALUES (1, ?, ?, ?)", (holder, now + seconds, locked))
            found = connection.execute("SELECT holder FROM claim").fetchone()
            if found[0] != holder:
                self._locks.pop(holder).release()
        return bool(found[0] == holder)

    def release(self, holder: str) -> None:
        """Give the right to deliver back; a holder that has it no more changes nothing."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM claim WHERE holder = ?", (holder,))
            self._lock_of(holder).release()
            del self._locks[holder]

    def forget(self, now: float | None = None) -> None:
        """Forget message ids that are older than the retention."""
        oldest = (time.time() if now is None else now) - self._retention
        with self._transaction() as connection:
            connection.execute("DELETE FROM seen WHERE accepted < ?", (oldest,))

    def close(self) -> None:
        """Close the file; entries stay in it."""
        with self._lock:
            if self._pid == os.getpid():
                self._connection.close()
                while self._locks:
                    self._locks.popitem()[1].release()

    def _lock_of(self, holder: str) -> FileLock:
        return self._locks.setdefault(holder, FileLock(None if self.path == ":memory:" else f"{self.path}.lock"))

    def _open(self) -> sqlite3.Connection:
        with ExitStack() as undo:
            try:
                connection = self._connect(self.path, self._timeout)
                undo.callback(connection.close)  # a file that cannot be used is not kept open
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                prepare(connection, self.path)
            except sqlite3.Error as error:
                raise OutboxError(f"outbox {self.path}: {error}; check the folder, the disk and the rights") from error
            undo.pop_all()
        return connection

    def _commit_queue(self) -> None:
        """Commit what every waiting caller brought, as the one that holds the lock."""
        with self._queue_lock:
            tickets, self._queue = self._queue, []
        try:
            with self._transaction() as connection:
                for ticket in tickets:
                    ticket.fresh = _insert(connection, ticket.rows)
        except Exception as error:  # noqa: BLE001 -- each caller raises it as its own
            for ticket in tickets:
                ticket.error = error
        for ticket in tickets:
            ticket.done = True

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        """Give the connection of this process, alone, with SQLite's errors said as ours."""
        with self._lock:
            if self._pid != os.getpid():  # after a fork: the parent's connection must not be touched, not even closed
                self._inherited, self._pid = self._connection, os.getpid()
                self._connection = self._open()
                while self._locks:
                    self._locks.popitem()[1].abandon()
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise OutboxError(f"outbox {self.path}: {error}; nothing was changed") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guarded() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _entries(self, query: str, values: tuple[object, ...]) -> list[Entry]:
        with self._guarded() as connection:
            return list(map(_entry, connection.execute(query, values)))

    def _count(self, query: str, values: tuple[object, ...] = ()) -> int:
        with self._guarded() as connection:
            return int(connection.execute(query, values).fetchone()[0])


def _connect(path: str, timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)


def _insert(connection: sqlite3.Connection, rows: list[tuple[str, str, bytes, float]]) -> list[bool]:
    """Insert the rows whose message id is new; gives for each whether it was."""
    fresh = _see(connection, rows)
    connection.executemany(
        "INSERT INTO events (message_id, key, payload, accepted) VALUES (?, ?, ?, ?)",
        [row for row, is_new in zip(rows, fresh, strict=True) if is_new],
    )
    return fresh


def _see(connection: sqlite3.Connection, rows: list[tuple[str, str, bytes, float]]) -> list[bool]:
    """Remember message ids; gives for each whether it is new.  All at once, and one by one only where some are not."""
    statement = "INSERT OR IGNORE INTO seen VALUES (?, ?)"
    ids = [(row[0], row[3]) for row in rows]
    connection.execute("SAVEPOINT see")
    if connection.executemany(statement, ids).rowcount == len(ids):
        fresh = [True] * len(ids)
    else:
        connection.execute("ROLLBACK TO see")
        fresh = [connection.execute(statement, row).rowcount == 1 for row in ids]
    connection.execute("RELEASE see")
    return fresh


def _spans(seqs: list[int]) -> list[list[int]]:
    """Give places as spans without gaps, first and last: many neighbours leave with one statement."""
    spans: list[list[int]] = []
    for seq in sorted(seqs):
        if spans and seq == spans[-1][1] + 1:
            spans[-1][1] = seq
        else:
            spans.append([seq, seq])
    return spans


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
    )


def _marks(count: int) -> str:
    return ", ".join("?" * count)
