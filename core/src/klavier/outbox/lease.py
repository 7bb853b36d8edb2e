"""The lease of an SQLite outbox: who may deliver from it.

A holder locks a file, so that a holder that died is seen at once, and counts up `beats`.  A holder whose beats stand
still is observed with the observer's own monotonic clock; the time of day is never looked at, so no jump of it matters.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from klavier.errors import LeaseLostError
from klavier.forking import ForkAware, register
from klavier.outbox.base import UNLIMITED, Coming
from klavier.outbox.database import Database
from klavier.outbox.entry import Entry, LeaseHolder, Settlement
from klavier.outbox.file_lock import FileLock

if TYPE_CHECKING:
    from klavier.outbox.sqlite import SqliteOutbox


class LeaseTable(ForkAware):
    """Who holds the lease of one outbox, and what this process has observed of a holder in another process."""

    def __init__(
        self,
        database: Database,
        lock_path: str | None,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """`wall` returns Unix seconds, for people only: no lease depends on it."""
        self._database = database
        self._lock_path = lock_path
        self._wall = wall
        self._monotonic = monotonic
        self._observed: tuple[int, int] | None = None
        self._since = 0.0
        self._locks: set[FileLock] = set()
        register(self)

    def acquire(self, holder: str, seconds: float) -> tuple[int, FileLock, LeaseHolder] | None:
        """Acquire the lease; returns its fencing number, the lock of its file and the holder before.

        None while another one has it.
        """
        lock = FileLock(self._lock_path)

        def step(connection: sqlite3.Connection) -> tuple[int, LeaseHolder] | None:
            query = "SELECT holder, token, beats, seconds, lock, renewed, report FROM lease"
            row = connection.execute(query).fetchone()
            locked = lock.acquire()
            owner, token, beats, allowed, its_lock, renewed, report = row
            is_dead = locked and its_lock == lock.identity
            if owner not in ("", holder) and not is_dead and not self._is_silent((token, beats), allowed):
                return None
            connection.execute(
                "UPDATE lease SET holder = ?, token = ?, beats = 0, seconds = ?, lock = ?, renewed = ?, report = x''",
                (holder, token + 1, seconds, lock.identity, self._wall()),
            )
            return int(token) + 1, LeaseHolder(owner, max(0.0, self._wall() - renewed), report)

        acquired = None
        try:
            acquired = self._database.write(step)
        finally:
            if acquired is None:
                lock.release()
        if acquired is None:
            return None
        self._locks.add(lock)
        token, previous = acquired
        return token, lock, previous

    def renew(self, token: int, lock: FileLock, report: bytes) -> bool:
        """Count up the beats of a lease, and store the holder's report; False where it is lost."""

        def step(connection: sqlite3.Connection) -> bool:
            if not _is_held(connection, token):
                return False
            lock.acquire()  # on a new file where it was deleted, or now that a silent holder has ended
            connection.execute(
                "UPDATE lease SET beats = beats + 1, lock = ?, renewed = ?, report = ?",
                (lock.identity, self._wall(), report),
            )
            return True

        return self._database.write(step)

    def release(self, token: int, lock: FileLock) -> None:
        """Free the lease where it is still held."""
        self._database.write(
            lambda connection: connection.execute("UPDATE lease SET holder = '', lock = '' WHERE token = ?", (token,))
        )
        lock.release()
        self._locks.discard(lock)

    def holder(self) -> LeaseHolder | None:
        """Return who holds the lease, and its last report; None where nobody does."""
        with self._database.use() as connection:
            name, renewed, report = connection.execute("SELECT holder, renewed, report FROM lease").fetchone()
        return LeaseHolder(name, max(0.0, self._wall() - renewed), report) if name else None

    def close(self) -> None:
        """Release the locks of this process."""
        while self._locks:
            self._locks.pop().release()

    def _is_silent(self, observed: tuple[int, int], seconds: float) -> bool:
        """Return whether a holder has not renewed for longer than it may."""
        now = self._monotonic()
        if observed != self._observed:
            self._observed, self._since = observed, now
        return now - self._since > seconds

    def renew_after_fork(self) -> None:
        """Close the child's ends of the parent's lock files, so that they are free when the parent dies."""
        while self._locks:
            self._locks.pop().abandon()


class SqliteLease:
    """The lease of a `SqliteOutbox`, as `klavier.outbox.base.Lease` describes it."""

    coming: Coming = "no"

    def __init__(
        self, outbox: "SqliteOutbox", table: LeaseTable, token: int, lock: FileLock, previous: LeaseHolder
    ) -> None:
        self.token = token
        self.previous = previous
        self._outbox = outbox
        self._table = table
        self._lock = lock

    def renew(self, report: bytes = b"") -> bool:
        """Extend the lease, and replace the holder's report; False when another worker has it now."""
        return self._table.renew(self.token, self._lock, report)

    def release(self) -> None:
        """Release the right to deliver."""
        self._table.release(self.token, self._lock)

    def read(self, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries after a position."""
        return self._outbox.read(after, limit, max_bytes)

    def read_key(self, key: str, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries of one ordering key after a position."""
        return self._outbox.read_key(key, after, limit, max_bytes)

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = ()) -> None:
        """Write how attempts ended; raises `LeaseLostError` where another worker has the lease now."""
        self._outbox.settle(settlements, done, token=self.token)

    def mark_translating(self, seqs: Sequence[int]) -> None:
        """Note which entries are being translated now."""
        self._outbox.mark_translating(seqs)

    def take_interrupted(self) -> int:
        """Count up `interrupted` of the entries that were marked last; returns how many there were."""
        return self._outbox.count_interrupted()


def check_token(connection: sqlite3.Connection, path: str, token: int) -> None:
    """Raise `LeaseLostError` where another worker has acquired the lease since; inside a transaction."""
    if not _is_held(connection, token):
        raise LeaseLostError(f"outbox {path}: another worker delivers from it now; nothing was settled")


def _is_held(connection: sqlite3.Connection, token: int) -> bool:
    held = connection.execute("SELECT 1 FROM lease WHERE token = ? AND holder != ''", (token,)).fetchone()
    return held is not None
