"""Connections to PostgreSQL: one that a thread uses at a time, opened again after a failure and in a forked child."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from klavier.errors import OutboxError, OutboxFullError
from klavier.forking import ForkAware, register

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")

_KEEPALIVES: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A dead network is noticed after about ten seconds, less than the lease's fifteen."""

_SESSION = """
SET statement_timeout = '30s';
SET idle_in_transaction_session_timeout = '30s';
SET synchronous_commit = on;
"""
"""No statement of klavier takes a second; one that takes thirty waits for a lock that nobody will release."""

_DISK_FULL, _OUT_OF_MEMORY = "53100", "53200"
"""Two SQLSTATEs; the second one is also raised where the server has no room for further locks."""

_parents: list[Connection] = []
"""Connections of parent processes: a child must not use them, not even close them."""


class Database(ForkAware):
    """A connection to one database, shared by the threads of a process one after the other."""

    def __init__(self, url: str, label: str) -> None:
        """Connect to `url`; `label` names the database in messages, without a password.

        Raises `OutboxError` where it cannot be reached.
        """
        self.label = label
        self._url = url
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._pid = os.getpid()
        with self.use():
            pass
        register(self)

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Return the connection, for this thread alone, in autocommit; its errors become `OutboxError`."""
        with self._lock:
            try:
                yield self._open()
            except psycopg.Error as error:
                raise outbox_error(self.label, error) from None

    def run(self, work: Callable[[Connection], T]) -> T:
        """Run work that may be done twice: once more on a new connection where the first one broke."""
        with self._lock:
            try:
                return work(self._open())
            except psycopg.OperationalError as error:
                if self._connection is not None and not self._connection.closed:
                    raise outbox_error(self.label, error) from None
            except psycopg.Error as error:
                raise outbox_error(self.label, error) from None
            with self.use() as connection:
                return work(connection)

    def close(self) -> None:
        """Close the connection of this process."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
                self._connection = None

    def renew_after_fork(self) -> None:
        """Leave the parent's connection alone; the next use connects for the child."""
        self._lock = threading.RLock()
        self._pid = os.getpid()
        if self._connection is not None:
            _parents.append(self._connection)
            self._connection = None

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, autocommit=True, **_KEEPALIVES)
            self._connection.execute(_SESSION)
        return self._connection


def outbox_error(label: str, error: psycopg.Error) -> OutboxError:
    """Return the error to raise for one of PostgreSQL's, without its message, which may quote an event."""
    state = error.sqlstate
    if state == _DISK_FULL:
        return OutboxFullError(f"outbox {label}: the server's disk is full; nothing was changed; free some space")
    if state == _OUT_OF_MEMORY:
        return OutboxError(f"outbox {label}: the server is out of memory; nothing was changed; its log says for what")
    if state is None:
        return OutboxError(
            f"outbox {label}: PostgreSQL cannot be reached; check the address, the server and the network"
        )
    return OutboxError(f"outbox {label}: PostgreSQL failed (SQLSTATE {state}); nothing was changed")
