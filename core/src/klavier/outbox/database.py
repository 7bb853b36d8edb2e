"""One SQLite file, shared by the threads of a process and by several processes.

Write-ahead log with `synchronous = FULL`: a commit returns after the disk has it, so what is accepted survives a crash
of the program and of the machine.
"""

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeVar

from klavier.errors import OutboxError, OutboxFullError
from klavier.forking import ForkAware, register
from klavier.outbox.disk_space import DiskSpace
from klavier.outbox.private_file import open_private
from klavier.outbox.schema import prepare

Open = Callable[[str, float], sqlite3.Connection]
"""Opens the file at a path; the number is how long to wait for another process, in seconds."""

T = TypeVar("T")

IN_MEMORY = ":memory:"

_WAL_BYTES = 8_000_000
"""Size to which the write-ahead log is cut back when it starts anew, in bytes.

SQLite starts it anew after about 4 MB (1,000 pages); a longer one is left over from one large transaction.
"""

_RETRY_SECONDS = 0.02

_SHORT_WAIT = 100
"""Milliseconds to wait for readers in other processes before the log is cut: their reads take a few."""

_PROBLEMS: Final = {
    sqlite3.SQLITE_BUSY: "another process has locked it for too long; find out which",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check the folder and the rights",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; move it away, and save its events with sqlite3's .recover",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written; check the disk",
    sqlite3.SQLITE_NOTADB: "the file is damaged, or no SQLite file; name another file, or move it away",
    sqlite3.SQLITE_PERM: "may not be opened; check the rights",
    sqlite3.SQLITE_READONLY: "may not be written; check the rights of the file and its folder",
}
"""SQLite's own messages are never shown: some of them quote the content of the file."""

_unused: list[sqlite3.Connection] = []
"""Connections that are not closed: of parent processes, which a child must not use, and to files that were replaced,
whose log has the name of the new file's."""

_log = logging.getLogger("klavier.relay")


class Database(ForkAware):
    """A connection that one thread uses at a time; a forked child opens its own."""

    def __init__(self, path: str, timeout: float, open_: Open | None, wall: Callable[[], float]) -> None:
        """Open or create the file at `path` (0600); `timeout` is how long to wait for another process, in seconds."""
        self.path = path
        self._file = path if path == IN_MEMORY else str(Path(path).absolute())
        self.lock = threading.RLock()
        self._timeout = timeout
        self._open_file = open_ or _open
        self._wall = wall
        self.space = DiskSpace(None if path == IN_MEMORY else Path(self._file))
        self._pid = os.getpid()
        self._is_closed = False
        self._connection = self._open()
        self.identity = self._find_identity()
        """Which file is open, by device and inode; empty in memory."""
        register(self)

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Enter a block that has the connection to itself; SQLite's errors in it become `OutboxError`."""
        with self.lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._connection = self._open()
            if not self._is_closed and not self._connection.in_transaction:
                self._follow_path()
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise outbox_error(self.path, error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Enter a block inside a transaction, which is committed at its end and rolled back on an error."""
        with self.use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk has rolled it back already
                    connection.execute("ROLLBACK")
                raise

    def write(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Run a step in a transaction; where the disk is full, release its reserve and run the step once more.

        For all that makes an outbox smaller, or that delivery needs.
        """
        try:
            with self.transaction() as connection:
                return step(connection)
        except OutboxFullError:
            self.space.release()
            self.shorten_log()
        with self.transaction() as connection:
            return step(connection)

    def shorten_log(self) -> None:
        """Write the log back into the file and cut it to nothing, as far as other processes let it."""
        with contextlib.suppress(OutboxError), self.use() as connection:
            connection.execute(f"PRAGMA busy_timeout = {_SHORT_WAIT}")
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.execute(f"PRAGMA busy_timeout = {int(self._timeout * 1000)}")

    def number(self, query: str, *values: object) -> int:
        """Return the one number that a query asks for."""
        with self.use() as connection:
            return int(connection.execute(query, values).fetchone()[0])

    def close(self) -> None:
        """Close the connection of this process."""
        with self.lock:
            self._is_closed = True
            if self._pid == os.getpid():
                self._connection.close()

    def lock_for_fork(self, timeout: float) -> bool:
        """Wait until no other thread is inside SQLite, whose own locks nobody can renew in the child."""
        return self.lock.acquire(timeout=timeout)

    def unlock_after_fork(self) -> None:
        """Release the lock for other threads of the parent."""
        self.lock.release()

    def renew_after_fork(self) -> None:
        """Leave the parent's connection alone; the next use opens the file for the child."""
        self.lock = threading.RLock()
        _unused.append(self._connection)

    def _follow_path(self) -> None:
        """Open the file that is at the path now, where the open one was deleted or replaced: nobody else has that."""
        found = self._find_identity()
        if found == self.identity:
            return
        connection = self._open()
        _unused.append(self._connection)
        self._connection, self.identity = connection, self._find_identity()
        _log.error("outbox %s: the file was deleted or replaced; what waited in it is not delivered", self.path)

    def _find_identity(self) -> str:
        """Return which file is at the path, by device and inode; what is open where that cannot be found out."""
        if self.path == IN_MEMORY:
            return ""
        try:
            found = os.stat(self._file)  # noqa: PTH116 -- a third of the time of Path's, before each use
        except FileNotFoundError:
            return "deleted"
        except OSError:
            return getattr(self, "identity", "")
        return f"{found.st_dev}:{found.st_ino}"

    def _open(self) -> sqlite3.Connection:
        try:
            connection = self._try_to_open()
        except OutboxError:
            # With a full disk SQLite has no room for its index of the log; with the reserve it has.
            if not self.space.release():
                raise
            connection = self._try_to_open()
        self.space.prepare()
        return connection

    def _try_to_open(self) -> sqlite3.Connection:
        with ExitStack() as undo:
            try:
                if self.path != IN_MEMORY:
                    with contextlib.suppress(OSError):  # SQLite raises the error that says why
                        os.close(open_private(self._file))  # the files beside it get the same rights
                connection = self._open_file(self._file, self._timeout)
                undo.callback(connection.close)  # a file that cannot be used is not kept open
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # for a new file: it can shrink again
                _use_wal(connection, time.monotonic() + self._timeout)
                connection.execute("PRAGMA synchronous = FULL")
                # Many systems' SQLite writes zeros over what is deleted: settling would take as much room as appending.
                connection.execute("PRAGMA secure_delete = FAST")
                connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
                prepare(connection, self.path, self._wall())
            except sqlite3.Error as error:
                raise outbox_error(self.path, error) from error
            undo.pop_all()
        return connection


def outbox_error(path: str, error: sqlite3.Error) -> OutboxError:
    """Return the error to raise for one of SQLite's, without anything that is in the file."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the details in the upper bits
    if code == sqlite3.SQLITE_FULL:
        return OutboxFullError(f"outbox {path}: the disk is full; nothing was changed; free some space")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    problem = _PROBLEMS.get(code, f"SQLite failed ({name}); check the file, the disk and the rights")
    return OutboxError(f"outbox {path}: {problem}; nothing was changed")


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to the write-ahead log; SQLite does not wait by itself for others that do the same at this moment."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _open(path: str, timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
