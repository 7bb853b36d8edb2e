"""The outbox in PostgreSQL."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import sql

from klavier.outbox.base import UNLIMITED, Coming
from klavier.outbox.entry import (
    DeadCause,
    DeadLetter,
    Entry,
    NewEntry,
    OutboxDetails,
    OutboxStatus,
    Settlement,
)
from klavier.outbox.held_lease import HeldLease
from klavier.outbox.maintenance import in_batches, until_empty
from klavier.outbox.memory import bounded
from klavier.outbox.translation_mark import TranslationMark
from klavier_postgres.database import Connection, Database
from klavier_postgres.lease import LeaseTable, check_token
from klavier_postgres.schema import prepare
from klavier_postgres.size_limit import SizeLimit

_COLUMNS = "seq, message_id, key, payload, accepted, due, tries, first_try, interrupted"
_DEAD = "seq, message_id, key, payload, accepted, died, tries, kind, status, reason, requests, vendor"
_BATCH = 500
"""Rows that one transaction purges: about 10 ms, so that appends never wait for long."""
_RETENTION = "7 days"
"""How long message ids are remembered to notice one that comes again, by the server's clock."""


class PostgresOutbox:
    """An `Outbox` in one schema of a PostgreSQL database. Safe to use from threads, processes, forks and hosts.

    Every method raises `OutboxError` where the server fails or cannot be reached.
    """

    coming: Coming = "no"
    is_durable = True

    def __init__(  # noqa: PLR0913 -- one keyword for each thing that can be chosen
        self,
        url: str,
        label: str,
        schema: str = "klavier",
        *,
        max_bytes: int | None = None,
        dead_letter_age: float | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect to `url`, and create or upgrade the tables in `schema`.

        `label` names the database in messages, without a password. `max_bytes` is how much the outbox may use, None
        for no limit; `dead_letter_age` after how many seconds `maintain` deletes a dead letter, None for never.
        """
        self.path = label
        self._name = sql.Identifier(schema)
        self._schema = schema
        self._dead_letter_age = dead_letter_age
        self._wall = wall
        self._size = SizeLimit(max_bytes, self._name, label, monotonic)
        with ExitStack() as undo:
            self._database = Database(url, label)
            undo.callback(self._database.close)
            with self._database.use() as connection:
                prepare(connection, schema)
            # A session of its own, so that the advisory lock and the renewals never wait for a large append.
            self._session = Database(url, label)
            undo.pop_all()
        self._leases = LeaseTable(self._session, schema, monotonic)
        self._mark = TranslationMark(_mark_path(label, schema))

    def append(self, entries: Sequence[NewEntry], now: float | None = None) -> list[bool]:
        """Accept entries, all of them or none; returns for each whether it is new, after the server has them."""
        if not entries:
            return []
        moment = self._wall() if now is None else now
        ids = [_encode(message_id) for message_id, _, _ in entries]
        keys = [_encode(key) for _, key, _ in entries]
        payloads = [payload for _, _, payload in entries]

        def write(connection: Connection) -> list[bool]:
            self._size.check(connection, payloads)
            statement = self._sql("SELECT {schema}.append(%s, %s, %s, %s)")
            row = connection.execute(statement, (ids, keys, payloads, moment)).fetchone()
            return [bool(fresh) for fresh in row[0]] if row else []

        return self._database.run(write)

    def last_seq(self) -> int:
        """Return the last position that was given to an entry; 0 before any."""
        return self._number("SELECT last FROM {schema}.position")

    def has_waiting(self, up_to: int) -> bool:
        """Return whether an entry waits at or before a position."""
        return bool(self._number("SELECT EXISTS (SELECT 1 FROM {schema}.events WHERE seq <= %s)::integer", up_to))

    def read(self, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries after a position, bounded in number and bytes."""
        return self._entries("seq > %s", (after,), limit, max_bytes)

    def read_key(self, key: str, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries of one ordering key after a position, bounded in number and bytes."""
        return self._entries("key = %s AND seq > %s", (_encode(key), after), limit, max_bytes)

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = (), *, token: int | None = None) -> None:
        """Write how attempts ended, all of them or none; `done` are positions of entries that only leave.

        `token` is the fencing number of the lease under which they were made; raises `LeaseLostError` where another
        worker has acquired it since.
        """
        items = list(settlements)
        later = [item for item in items if item.due is not None]
        gone = [*done, *(item.entry.seq for item in items if item.due is None)]
        letters = [item.dead_letter for item in items if item.dead_letter is not None]

        def write(connection: Connection) -> None:
            with connection.transaction():
                if token is not None:
                    check_token(connection, self._name, self.path, token)
                self._delay(connection, later)
                if gone:
                    connection.execute(self._sql("DELETE FROM {schema}.events WHERE seq = ANY(%s)"), (gone,))
                self._store_dead_letters(connection, letters)

        self._database.run(write)

    def mark_translating(self, seqs: Sequence[int]) -> None:
        """Note which entries are being translated now, in a file of this host."""
        self._mark.write(seqs)

    def acquire(self, holder: str, seconds: float) -> HeldLease | None:
        """Acquire the lease for `holder`; None while another holder has it."""
        found = self._leases.acquire(holder, seconds)
        if found is None:
            return None
        token, previous = found
        return HeldLease(
            self, token, previous, partial(self._leases.renew, token), partial(self._leases.release, token)
        )

    def count_interrupted(self) -> int:
        """Count up `interrupted` of the entries that were marked last on this host; returns how many there were."""
        marked = self._mark.read()
        if not marked:
            return 0
        statement = self._sql("UPDATE {schema}.events SET interrupted = interrupted + 1 WHERE seq = ANY(%s)")
        with self._database.use() as connection:
            count = connection.execute(statement, (marked,)).rowcount
        self._mark.write(())
        return count

    def dead_letters(self, after: int = 0, limit: int = 1000) -> list[DeadLetter]:
        """Return the next dead letters after a position, in the order of acceptance."""
        query = self._sql(f"SELECT {_DEAD} FROM {{schema}}.dead WHERE seq > %s ORDER BY seq LIMIT %s")  # noqa: S608 -- constant column names
        rows = self._database.run(lambda connection: connection.execute(query, (after, limit)).fetchall())
        return [DeadLetter(row[0], _decode(row[1]), _decode(row[2]), bytes(row[3]), *row[4:]) for row in rows]

    def requeue(self, seqs: Iterable[int]) -> int:
        """Move dead letters to the end of the queue, in batches; returns how many there were."""
        statement = self._sql(
            "WITH moved AS (DELETE FROM {schema}.dead WHERE seq = ANY(%s) RETURNING *), "
            "numbered AS (SELECT *, row_number() OVER (ORDER BY array_position(%s, seq)) AS place FROM moved), "
            "moving AS (UPDATE {schema}.position SET last = last + (SELECT count(*) FROM moved) RETURNING last) "
            "INSERT INTO {schema}.events (seq, message_id, key, payload, accepted) "
            "SELECT last - (SELECT count(*) FROM moved) + place, message_id, key, payload, accepted "
            "FROM numbered, moving"
        )

        def move(batch: list[int]) -> int:
            with self._database.use() as connection:
                return connection.execute(statement, (batch, batch)).rowcount

        return in_batches(seqs, move)

    def delete(self, seqs: Iterable[int]) -> int:
        """Delete dead letters, in batches; returns how many there were."""
        statement = self._sql("DELETE FROM {schema}.dead WHERE seq = ANY(%s)")

        def remove(batch: list[int]) -> int:
            with self._database.use() as connection:
                return connection.execute(statement, (batch,)).rowcount

        return in_batches(seqs, remove)

    def status(self) -> OutboxStatus:
        """Return how much waits, since when, and how many dead letters there are."""
        query = self._sql(
            "SELECT (SELECT count(*) FROM {schema}.events), "
            "(SELECT accepted FROM {schema}.events ORDER BY seq LIMIT 1), (SELECT count(*) FROM {schema}.dead)"
        )
        row = self._database.run(lambda connection: connection.execute(query).fetchone())
        return OutboxStatus(*row) if row else OutboxStatus(0, None, 0)

    def details(self) -> OutboxDetails:
        """Return who delivers, the dead letters by cause, and the bytes of the tables; the server's disk is unknown."""
        causes = self._sql(
            "SELECT kind, status, count(*) FROM {schema}.dead "
            "GROUP BY kind, status ORDER BY count(*) DESC, kind, status"
        )
        size = (
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r'"
        )
        found = self._database.run(lambda connection: connection.execute(causes).fetchall())
        used = self._number(size, self._schema)
        return OutboxDetails(self._leases.holder(), tuple(DeadCause(*row) for row in found), used)

    def maintain(self) -> None:
        """Purge message ids and dead letters that are old enough, in batches."""
        self._purge("seen", "message_id", f"accepted < now() - interval '{_RETENTION}'")
        if self._dead_letter_age is not None:
            self._purge("dead", "seq", f"stored < now() - interval '{float(self._dead_letter_age)} seconds'")

    def close(self) -> None:
        """Close the connections; entries stay in the database."""
        self._database.close()
        self._session.close()
        self._mark.close()

    def _entries(self, where: str, values: tuple[object, ...], limit: int, max_bytes: int) -> list[Entry]:
        query = self._sql(f"SELECT {_COLUMNS} FROM {{schema}}.events WHERE {where} ORDER BY seq LIMIT %s")  # noqa: S608 -- constant names
        rows = self._database.run(lambda connection: connection.execute(query, (*values, limit)).fetchall())
        entries = (Entry(row[0], _decode(row[1]), _decode(row[2]), bytes(row[3]), *row[4:]) for row in rows)
        return bounded(entries, limit, max_bytes)

    def _delay(self, connection: Connection, later: Sequence[Settlement]) -> None:
        if not later:
            return
        columns: tuple[list[Any], ...] = (
            [item.entry.seq for item in later],
            [item.due for item in later],
            [item.tries for item in later],
            [item.first_try for item in later],
        )
        connection.execute(
            self._sql(
                "UPDATE {schema}.events SET due = given.due, tries = given.tries, first_try = given.first_try "
                "FROM unnest(%s::bigint[], %s::float8[], %s::integer[], %s::float8[]) "
                "AS given (seq, due, tries, first_try) WHERE events.seq = given.seq"
            ),
            columns,
        )

    def _store_dead_letters(self, connection: Connection, letters: Sequence[DeadLetter]) -> None:
        statement = self._sql(
            f"INSERT INTO {{schema}}.dead ({_DEAD}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "  # noqa: S608 -- constant names
            "ON CONFLICT (seq) DO UPDATE SET died = excluded.died, tries = excluded.tries, kind = excluded.kind, "
            "status = excluded.status, reason = excluded.reason, requests = excluded.requests, vendor = excluded.vendor"
        )
        with connection.cursor() as cursor:
            cursor.executemany(statement, [_letter_row(letter) for letter in letters])

    def _purge(self, table: str, key: str, condition: str) -> None:
        statement = self._sql(
            f"DELETE FROM {{schema}}.{table} WHERE {key} IN "  # noqa: S608 -- constant names
            f"(SELECT {key} FROM {{schema}}.{table} WHERE {condition} LIMIT {_BATCH})"
        )

        def step() -> int:
            with self._database.use() as connection:
                return connection.execute(statement).rowcount

        for _ in until_empty(step):
            pass

    def _number(self, query: str, *values: object) -> int:
        row = self._database.run(lambda connection: connection.execute(self._sql(query), values).fetchone())
        return int(row[0]) if row else 0

    def _sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(schema=self._name)


def _encode(text: str) -> bytes:
    return text.encode()


def _decode(stored: bytes) -> str:
    return bytes(stored).decode()


def _letter_row(letter: DeadLetter) -> tuple[object, ...]:
    return (
        letter.seq,
        _encode(letter.message_id),
        _encode(letter.key),
        letter.payload,
        letter.accepted,
        letter.died,
        letter.tries,
        letter.kind,
        letter.status,
        letter.reason.replace("\0", ""),
        letter.requests.replace("\0", ""),
        letter.vendor,
    )


def _mark_path(label: str, schema: str) -> str:
    """Return the file of this host in which a worker notes what it translates."""
    digest = hashlib.sha256(f"{label}/{schema}".encode()).hexdigest()[:16]
    return str(Path(tempfile.gettempdir()) / f"klavier-{digest}.translating")
