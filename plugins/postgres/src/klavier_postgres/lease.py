"""The lease of an outbox in PostgreSQL: who may deliver from it.

A holder has an advisory lock of its session, which the server frees when the holder's connection ends, and counts up
`beats`. A holder that stands still keeps its connection; its beats are observed with the observer's own monotonic
clock. The fencing number makes sure that a holder which wakes up late settles nothing.
"""

from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg import sql

from klavier.errors import LeaseLostError, OutboxError
from klavier.outbox.entry import LeaseHolder
from klavier_postgres.database import Connection, Database


class LeaseTable:
    """Who holds the lease, and what this process has observed of a holder elsewhere.

    `database` is a connection of its own: the advisory lock belongs to its session.
    """

    def __init__(self, database: Database, schema: str, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._name = sql.Identifier(schema)
        self._lock_name = f"klavier.lease.{schema}"
        self._monotonic = monotonic
        self._observed: tuple[int, int] | None = None
        self._since = 0.0

    def acquire(self, holder: str, seconds: float) -> tuple[int, LeaseHolder] | None:
        """Acquire the lease; returns its fencing number and the holder before, None while another holder has it."""
        return self._database.run(lambda connection: self._acquire(connection, holder, seconds))

    def _acquire(self, connection: Connection, holder: str, seconds: float) -> tuple[int, LeaseHolder] | None:
        with connection.transaction():
            query = sql.SQL(
                "SELECT holder, token, beats, seconds, backend, extract(epoch FROM now() - renewed)::float8, report "
                "FROM {}.lease FOR UPDATE"
            ).format(self._name)
            row = connection.execute(query).fetchone()
            if row is None:
                raise OutboxError(f"outbox {self._database.label}: its table lease is empty; restore it from a backup")
            owner, token, beats, allowed, backend, age, report = row
            locked = self._try_lock(connection)
            if not locked and owner not in ("", holder):
                if not self._is_silent((token, beats), allowed):
                    return None
                self._terminate(connection, backend)
                locked = self._try_lock(connection)
            connection.execute(
                sql.SQL(
                    "UPDATE {}.lease SET holder = %s, token = token + 1, beats = 0, seconds = %s, "
                    "backend = pg_backend_pid(), renewed = now(), report = ''"
                ).format(self._name),
                (holder, seconds),
            )
        return int(token) + 1, LeaseHolder(owner, max(0.0, age), bytes(report))

    def renew(self, token: int, report: bytes) -> bool:
        """Count up the beats of a lease, and store the holder's report; False where it is lost."""

        def beat(connection: Connection) -> bool:
            self._try_lock(connection)  # again where the connection is a new one, or a silent holder has ended
            statement = sql.SQL(
                "UPDATE {}.lease SET beats = beats + 1, backend = pg_backend_pid(), renewed = now(), report = %s "
                "WHERE token = %s AND holder != ''"
            ).format(self._name)
            return connection.execute(statement, (report, token)).rowcount == 1

        return self._database.run(beat)

    def release(self, token: int) -> None:
        """Free the lease where it is still held, and the advisory lock."""

        def free(connection: Connection) -> None:
            connection.execute(sql.SQL("UPDATE {}.lease SET holder = '' WHERE token = %s").format(self._name), (token,))
            connection.execute("SELECT pg_advisory_unlock_all()")

        self._database.run(free)

    def holder(self) -> LeaseHolder | None:
        """Return who holds the lease, and its last report; None where nobody does. Ages are by the server's clock."""
        query = sql.SQL("SELECT holder, extract(epoch FROM now() - renewed)::float8, report FROM {}.lease").format(
            self._name
        )
        row = self._database.run(lambda connection: connection.execute(query).fetchone())
        return LeaseHolder(row[0], max(0.0, row[1]), bytes(row[2])) if row and row[0] else None

    def _try_lock(self, connection: Connection) -> bool:
        """Return whether this session has the advisory lock; acquires it once, however often it is asked for."""
        row = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted "
            "AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%(name)s, 0)) "
            "OR pg_try_advisory_lock(hashtextextended(%(name)s, 0))",
            {"name": self._lock_name},
        ).fetchone()
        return bool(row and row[0])

    @staticmethod
    def _terminate(connection: Connection, backend: int) -> None:
        """End the session of a silent holder, where the role may; its fencing number is outdated in any case."""
        with suppress(psycopg.Error), connection.transaction():
            connection.execute("SELECT pg_terminate_backend(%s, 1000)", (backend,))

    def _is_silent(self, observed: tuple[int, int], seconds: float) -> bool:
        """Return whether a holder has not renewed for longer than it may."""
        now = self._monotonic()
        if observed != self._observed:
            self._observed, self._since = observed, now
        return now - self._since > seconds


def check_token(connection: Connection, name: sql.Identifier, label: str, token: int) -> None:
    """Raise `LeaseLostError` where another worker has acquired the lease since; inside a transaction.

    The row's shared lock keeps others from acquiring the lease until the transaction ends.
    """
    query = sql.SQL("SELECT 1 FROM {}.lease WHERE token = %s AND holder != '' FOR SHARE").format(name)
    if connection.execute(query, (token,)).fetchone() is None:
        raise LeaseLostError(f"outbox {label}: another worker delivers from it now; nothing was settled")
