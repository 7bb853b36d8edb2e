"""The lease of an SQLite outbox: who may deliver from it.

A holder locks a file, so that a holder that died is seen at once, and counts up `beats`.  A holder whose beats stand
still is observed with the observer's own monotonic clock; the time of day is never looked at, so no jump of it matters.
"""

import sqlite3
from collections.abc import Callable

from klavier.errors import LeaseLostError
from klavier.forking import ForkAware, register
from klavier.outbox.database import Database
from klavier.outbox.entry import LeaseHolder
from klavier.outbox.file_lock import FileLock


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
        self._acquired_on = ""
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
            self._acquired_on = self._database.identity
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
            if not self._is_held(connection, token):
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

        def step(connection: sqlite3.Connection) -> None:
            if self._is_held(connection, token):
                connection.execute("UPDATE lease SET holder = '', lock = ''")

        self._database.write(step)
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

    def check_token(self, connection: sqlite3.Connection, token: int) -> None:
        """Raise `LeaseLostError` where another worker has acquired the lease since; inside a transaction."""
        if not self._is_held(connection, token):
            path = self._database.path
            raise LeaseLostError(f"outbox {path}: another worker delivers from it now; nothing was settled")

    def _is_held(self, connection: sqlite3.Connection, token: int) -> bool:
        """Return whether a fencing number is the present one, of the file that it was acquired on."""
        held = connection.execute("SELECT 1 FROM lease WHERE token = ? AND holder != ''", (token,)).fetchone()
        return held is not None and self._acquired_on == self._database.identity

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
