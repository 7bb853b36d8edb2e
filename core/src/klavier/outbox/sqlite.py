"""The outbox as one SQLite file, or in the memory of one process."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from klavier.outbox import dead_letter_table, maintenance
from klavier.outbox.appending import Appender
from klavier.outbox.base import UNLIMITED, Coming
from klavier.outbox.database import IN_MEMORY, Database, Open
from klavier.outbox.entry import DeadCause, DeadLetter, Entry, NewEntry, OutboxDetails, OutboxStatus, Settlement
from klavier.outbox.held_lease import HeldLease
from klavier.outbox.lease import LeaseTable
from klavier.outbox.memory import bounded
from klavier.outbox.translation_mark import TranslationMark

_COLUMNS = "seq, message_id, key, payload, accepted, due, tries, first_try, interrupted"
_READ = f"SELECT {_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 -- constant column names
_READ_KEY = f"SELECT {_COLUMNS} FROM events WHERE key = ? AND seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 -- as above
_entry = partial(tuple.__new__, Entry)
"""Makes an entry of a row, in half the time of `Entry._make`: one is made of each row that is read."""


class SqliteOutbox:
    """An `Outbox` in one SQLite file.  Safe to use from several threads and processes, also from forked ones.

    Every method raises `OutboxError` where the disk or the file fails; then nothing of that call has happened.
    """

    coming: Coming = "no"

    def __init__(  # noqa: PLR0913 -- one keyword for each thing that can be chosen
        self,
        path: str | Path = IN_MEMORY,
        *,
        max_bytes: int | None = None,
        dead_letter_age: float | None = None,
        timeout: float = 30.0,
        open_file: Open | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open or create the file at `path`, for its owner alone; `:memory:` stores nothing beyond the process.

        `max_bytes` is how much the outbox may use, None for no limit.  `dead_letter_age` is after how many seconds
        `maintain` deletes a dead letter, None for never.  `timeout` is how long to wait for another process, in
        seconds.  `open_file` opens the file by other means than Python's own SQLite, such as one that watches the disk
        in tests; so do `wall` and `monotonic`, the machine's clocks.
        """
        self.path: str = str(path)
        beside = None if self.path == IN_MEMORY else str(Path(path).absolute())
        self._dead_letter_age = dead_letter_age
        self._wall = wall
        self._database = Database(self.path, timeout, open_file, wall)
        self._appender = Appender(self._database, max_bytes)
        self._leases = LeaseTable(self._database, beside and f"{beside}.lock", wall, monotonic)
        self._mark = TranslationMark(beside and f"{beside}.translating")

    @property
    def is_durable(self) -> bool:
        """Whether there is a file, so that what is accepted survives the end of the process."""
        return self.path != IN_MEMORY

    def append(self, entries: Sequence[NewEntry], now: float | None = None) -> list[bool]:
        """Accept entries, all of them or none; returns for each whether it is new, after they are on the disk."""
        return self._appender.append(entries, self._wall() if now is None else now)

    def last_seq(self) -> int:
        """Return the last position that was given to an entry; 0 before any."""
        return self._database.number("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'")

    def has_waiting(self, up_to: int) -> bool:
        """Return whether an entry waits at or before a position."""
        return bool(self._database.number("SELECT EXISTS (SELECT 1 FROM events WHERE seq <= ?)", up_to))

    def read(self, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries after a position, bounded in number and bytes."""
        return self._entries(_READ, (after, limit), limit, max_bytes)

    def read_key(self, key: str, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries of one ordering key after a position, bounded in number and bytes."""
        return self._entries(_READ_KEY, (key, after, limit), limit, max_bytes)

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = (), *, token: int | None = None) -> None:
        """Write how attempts ended, all of them or none; `done` are positions of entries that only leave.

        `token` is the fencing number of the lease under which they were made; raises `LeaseLostError` where another
        worker has acquired it since.
        """
        gone, later, letters = list(done), [], []
        for item in settlements:
            if item.due is not None:
                later.append((item.due, item.tries, item.first_try, item.entry.seq))
                continue
            gone.append(item.entry.seq)
            if item.dead_letter is not None:
                letters.append(item.dead_letter)

        def step(connection: sqlite3.Connection) -> None:
            if token is not None:
                self._leases.check_token(connection, token)
            connection.executemany("UPDATE events SET due = ?, tries = ?, first_try = ? WHERE seq = ?", later)
            connection.executemany("DELETE FROM events WHERE seq BETWEEN ? AND ?", _spans(gone))
            dead_letter_table.insert(connection, letters)

        self._database.write(step)

    def mark_translating(self, seqs: Sequence[int]) -> None:
        """Note which entries are being translated now, in a file that survives the process but not a power loss."""
        self._mark.write(seqs)

    def acquire(self, holder: str, seconds: float) -> HeldLease | None:
        """Acquire the lease for `holder`; None while another holder has it.

        A holder whose process died loses it at once where the system has file locks, and else, as one that is stopped,
        after `seconds` without a renewal.
        """
        found = self._leases.acquire(holder, seconds)
        if found is None:
            return None
        token, lock, previous = found
        leases = self._leases
        return HeldLease(
            self, token, previous, partial(leases.renew, token, lock), partial(leases.release, token, lock)
        )

    def count_interrupted(self) -> int:
        """Count up `interrupted` of the entries that were marked last, clear the mark; returns how many there were."""
        marked = self._mark.read()
        if not marked:
            return 0
        statement = "UPDATE events SET interrupted = interrupted + 1 WHERE seq = ?"
        count = self._database.write(
            lambda connection: connection.executemany(statement, [(seq,) for seq in marked]).rowcount
        )
        self._mark.write(())
        return count

    def dead_letters(self, after: int = 0, limit: int = 1000) -> list[DeadLetter]:
        """Return the next dead letters after a position, in the order of acceptance."""
        return dead_letter_table.read(self._database, after, limit)

    def requeue(self, seqs: Iterable[int]) -> int:
        """Move dead letters to the end of the queue, in batches; returns how many there were."""
        return dead_letter_table.requeue(self._database, seqs)

    def delete(self, seqs: Iterable[int]) -> int:
        """Delete dead letters, in batches; returns how many there were."""
        return dead_letter_table.delete(self._database, seqs)

    def status(self) -> OutboxStatus:
        """Return how much waits, since when, and how many dead letters there are."""
        query = (
            "SELECT (SELECT count(*) FROM events), (SELECT accepted FROM events ORDER BY seq LIMIT 1), "
            "(SELECT count(*) FROM dead)"
        )
        problem = "" if self._database.space.has_room(0) else "the disk is full: nothing more is accepted"
        with self._database.use() as connection:
            waiting, oldest, dead = connection.execute(query).fetchone()
        return OutboxStatus(waiting, oldest, dead, problem)

    def details(self) -> OutboxDetails:
        """Return who delivers, the dead letters by cause, and the bytes of the file and of the disk."""
        query = "SELECT kind, status, count(*) FROM dead GROUP BY kind, status ORDER BY count(*) DESC, kind, status"
        with self._database.use() as connection:
            causes = tuple(DeadCause(*row) for row in connection.execute(query))
        used, free = self._database.space.measure()
        return OutboxDetails(self._leases.holder(), causes, used, free)

    def maintain(self) -> None:
        """Purge message ids and dead letters that are old enough, and return disk space, in batches."""
        now = maintenance.advance_clock(self._database, self._wall())
        maintenance.purge_ids(self._database, now - maintenance.RETENTION)
        if self._dead_letter_age is not None:
            maintenance.purge_dead_letters(self._database, now - self._dead_letter_age)
        maintenance.shrink(self._database)

    def close(self) -> None:
        """Close the file; entries stay in it."""
        self._database.close()
        self._leases.close()
        self._mark.close()

    def _entries(self, query: str, values: tuple[object, ...], limit: int, max_bytes: int) -> list[Entry]:
        with self._database.use() as connection:
            cursor = connection.execute(query, values)
            try:
                return bounded(map(_entry, cursor), limit, max_bytes)
            finally:
                cursor.close()  # one that is not read to its end would keep the log from starting anew


def _spans(seqs: list[int]) -> list[list[int]]:
    """Return positions as spans without gaps, first and last: many neighbors leave with one statement."""
    spans: list[list[int]] = []
    for seq in sorted(seqs):
        if spans and seq == spans[-1][1] + 1:
            spans[-1][1] = seq
        else:
            spans.append([seq, seq])
    return spans
