"""Accept entries into an SQLite outbox: callers that arrive at the same moment share one commit."""

import sqlite3
import threading
from collections.abc import Sequence
from itertools import chain

from attrs import define, field

from klavier.errors import OutboxFullError
from klavier.forking import ForkAware, register
from klavier.outbox.database import Database
from klavier.outbox.entry import NewEntry

_ROWS = 100
"""How many rows one statement inserts. Python's SQLite passes the interpreter on with each statement, and while another
thread is busy waits up to 5 ms to have it back; SQLite before 3.32 takes at most 999 values."""

_Row = tuple[str, str, bytes, float]


@define
class _Ticket:
    """One caller's entries on their way into a commit that several callers share."""

    rows: list[_Row]
    fresh: list[bool] = field(factory=list)
    error: Exception | None = None
    done: bool = False


class Appender(ForkAware):
    """Writes the entries of all waiting callers with one commit, each caller's all or none."""

    def __init__(self, database: Database, max_bytes: int | None) -> None:
        """Append to the outbox in `database`, which may use `max_bytes` at most; None for no limit."""
        self._database = database
        self._max_bytes = max_bytes
        self._tickets: list[_Ticket] = []
        self._tickets_lock = threading.Lock()
        register(self)

    def append(self, entries: Sequence[NewEntry], now: float) -> list[bool]:
        """Write entries; returns for each whether it is new."""
        ticket = _Ticket([(*entry, now) for entry in entries])
        with self._tickets_lock:
            self._tickets.append(ticket)
        with self._database.lock:  # who waited here finds its ticket done by the one that held the lock
            if not ticket.done:
                self._commit()
        if ticket.error is not None:
            raise ticket.error
        return ticket.fresh

    def renew_after_fork(self) -> None:
        """Leave to the parent what its threads were about to write."""
        self._tickets_lock = threading.Lock()
        self._tickets = []

    def _commit(self) -> None:
        """Commit what every waiting caller brought, as the one that holds the lock."""
        with self._tickets_lock:
            tickets, self._tickets = self._tickets, []
        try:
            self._refuse_without_room(tickets)
            with self._database.transaction() as connection:
                for ticket in tickets:
                    if ticket.error is None:
                        self._write(connection, ticket)
        except Exception as error:  # noqa: BLE001 -- each caller raises it as its own
            for ticket in tickets:
                ticket.error = ticket.error or error
        for ticket in tickets:
            ticket.done = True

    def _refuse_without_room(self, tickets: list[_Ticket]) -> None:
        """Refuse the entries for which the disk has no room, and the entries after them."""
        space, total = self._database.space, 0
        for ticket in tickets:
            total += sum(len(row[2]) for row in ticket.rows)
            if space.has_room(total):
                continue
            self._database.shorten_log()  # as a rule the largest of what can be given back
            if not space.has_room(total):
                ticket.error = OutboxFullError(
                    f"outbox {self._database.path}: the disk is full; nothing was changed; free some space"
                )

    def _write(self, connection: sqlite3.Connection, ticket: _Ticket) -> None:
        """Write one caller's entries; what is wrong with them is not the other callers' fault."""
        connection.execute("SAVEPOINT ticket")
        try:
            ticket.fresh = _insert(connection, ticket.rows)
            self._check_size(connection)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 -- its caller raises it
            ticket.error = error
            connection.execute("ROLLBACK TO ticket")
        connection.execute("RELEASE ticket")

    def _check_size(self, connection: sqlite3.Connection) -> None:
        if self._max_bytes is None:
            return
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        if (pages - free) * size > self._max_bytes:
            raise OutboxFullError(
                f"outbox {self._database.path}: full, it may use {self._max_bytes} bytes; try again when events were "
                "delivered, delete dead letters, or raise [delivery] max_bytes"
            )


def _insert(connection: sqlite3.Connection, rows: list[_Row]) -> list[bool]:
    """Insert the rows whose message id is new; returns for each whether it was."""
    fresh = _remember(connection, rows)
    new = [row for row, is_new in zip(rows, fresh, strict=True) if is_new]
    _insert_rows(connection, "INSERT INTO events (message_id, key, payload, accepted)", new)
    return fresh


def _remember(connection: sqlite3.Connection, rows: list[_Row]) -> list[bool]:
    """Remember message ids; returns for each whether it is new.  All at once, and one by one only where some are not.

    They age by the outbox's own time, not by the machine's, which may jump.
    """
    statement = "INSERT OR IGNORE INTO seen"
    (now,) = connection.execute("SELECT now FROM clock").fetchone()
    ids = [(row[0], now) for row in rows]
    if _insert_rows(connection, statement, ids) == len(ids):
        return [True] * len(ids)
    connection.execute("ROLLBACK TO ticket")
    return [_insert_rows(connection, statement, [row]) == 1 for row in ids]


def _insert_rows(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> int:
    """Insert rows, up to `_ROWS` with each call of SQLite; returns how many were inserted."""
    inserted = 0
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        places = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
        inserted += connection.execute(f"{statement} VALUES {places}", list(chain.from_iterable(some))).rowcount
    return inserted
