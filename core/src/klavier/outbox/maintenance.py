"""Keep an SQLite outbox small: purge what is old enough and return disk space, in batches.

Between two batches others get their turn: a batch takes some ten milliseconds, and the pause after it as long.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from klavier.outbox.database import Database

RETENTION = 7 * 86_400.0
"""How long message ids are remembered to notice one that comes again, in seconds of the outbox's own time."""

LONGEST_STEP = 86_400.0
"""By how many seconds the outbox's own time moves at most when it is moved, each hour or at the start of a worker.

A machine's clock that jumps ahead by years would otherwise purge every message id.  A day leaves six of the seven days
after one jump, and lets a worker that runs once a day purge as often as one that always runs.
"""

BATCH = 500
"""Rows that one transaction deletes or moves.

Found by deleting from a file with a million dead letters of 1 kB: 500 take 5 to 20 ms, 5,000 take up to 150 ms.
"""

PAGES = 256
"""Pages, of 4 kB, that one transaction returns to the file system: about 10 ms."""

LEAST_FREE = 1024
"""Unused pages (4 MB) that stay in the file for what is accepted next; only what is beyond them is returned."""


def advance_clock(database: Database, wall: float) -> float:
    """Move the outbox's own time on to the machine's, by a day at most and never back; returns it."""

    def step(connection: sqlite3.Connection) -> float:
        now, last = connection.execute("SELECT now, wall FROM clock").fetchone()
        now += min(max(wall - last, 0.0), LONGEST_STEP)
        connection.execute("UPDATE clock SET now = ?, wall = ?", (now, wall))
        return float(now)

    return database.write(step)


def purge_ids(database: Database, oldest: float) -> int:
    """Delete the message ids that were accepted before `oldest`, in the outbox's own time; returns how many."""
    return _delete_before(database, "seen", "message_id", "accepted", oldest)


def purge_dead_letters(database: Database, oldest: float) -> int:
    """Delete the dead letters that were written before `oldest`, in the outbox's own time; returns how many."""
    return _delete_before(database, "dead", "seq", "stored", oldest)


def _delete_before(database: Database, table: str, key: str, time_column: str, oldest: float) -> int:
    query = f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {time_column} < ? LIMIT {BATCH})"  # noqa: S608 -- constant names

    def delete(connection: sqlite3.Connection) -> int:
        return int(connection.execute(query, (oldest,)).rowcount)

    return sum(until_empty(lambda: database.write(delete)))


def shrink(database: Database) -> None:
    """Return the unused pages at the end of the file to the file system."""

    def step() -> int:
        with database.use() as connection:
            free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
            wanted = min(PAGES, free - LEAST_FREE)
            if wanted <= 0:
                return 0
            # A script, since `execute` would stop after the first page.
            connection.executescript(f"PRAGMA incremental_vacuum({wanted})")
            return free - int(connection.execute("PRAGMA freelist_count").fetchone()[0])

    if any(list(until_empty(step))):
        with database.use() as connection:  # the file is cut when the log is written back, as far as readers let it
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def until_empty(step: Callable[[], int]) -> Iterator[int]:
    """Repeat a step until it returns 0, with a pause as long as the step before each repetition."""
    while True:
        started = time.monotonic()
        done = step()
        yield done
        if not done:
            return
        time.sleep(time.monotonic() - started)


def in_batches(seqs: Iterable[int], step: Callable[[list[int]], int]) -> int:
    """Run a step on each batch of positions, with pauses; returns the sum of what it returned."""
    rest = iter(seqs)
    total = 0
    while batch := list(islice(rest, BATCH)):
        started = time.monotonic()
        total += step(batch)
        if len(batch) == BATCH:
            time.sleep(time.monotonic() - started)
    return total
