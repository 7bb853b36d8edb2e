"""The tables of an SQLite outbox, and how the file of an older version is upgraded."""

import sqlite3

from klavier.errors import OutboxError

VERSION = 4

_CREATE = (
    """CREATE TABLE events (
        -- AUTOINCREMENT: without it a position is given twice after the table was empty, and readers skip events
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        message_id TEXT NOT NULL,
        key TEXT NOT NULL,
        payload BLOB NOT NULL,
        accepted REAL NOT NULL,
        due REAL NOT NULL DEFAULT 0,
        tries INTEGER NOT NULL DEFAULT 0,
        first_try REAL NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX events_by_key ON events (key, seq)",
    "CREATE TABLE seen (message_id TEXT PRIMARY KEY, accepted REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX seen_by_age ON seen (accepted)",
    """CREATE TABLE dead (
        seq INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL,
        key TEXT NOT NULL,
        payload BLOB NOT NULL,
        accepted REAL NOT NULL,
        died REAL NOT NULL,
        tries INTEGER NOT NULL,
        kind TEXT NOT NULL,
        status INTEGER,
        reason TEXT NOT NULL,
        requests TEXT NOT NULL
    )""",
    "CREATE TABLE claim (id INTEGER PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL, locked INTEGER NOT NULL)",
)

_TO_2 = (
    "ALTER TABLE events ADD COLUMN interrupted INTEGER NOT NULL DEFAULT 0",
    # `stored` is the outbox's own time (table `clock`) at which the letter was written; `died` is for people.
    "ALTER TABLE dead ADD COLUMN stored REAL NOT NULL DEFAULT 0",
    "UPDATE dead SET stored = died",
    "CREATE INDEX dead_by_age ON dead (stored)",
    # `now` is the outbox's own time, which no jump of the machine's clock moves by more than a day; `wall` is the
    # machine's time when it was last moved.  See `maintenance.advance_clock`.
    "CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), now REAL NOT NULL, wall REAL NOT NULL)",
    "INSERT INTO clock VALUES (1, :now, :now)",
    "DROP TABLE claim",
    """CREATE TABLE lease (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        holder TEXT NOT NULL,  -- empty: free
        token INTEGER NOT NULL,  -- the fencing number, one more for each holder
        beats INTEGER NOT NULL,  -- how often the holder has renewed
        seconds REAL NOT NULL,  -- how long without a beat until the lease is lost
        lock TEXT NOT NULL  -- which lock file the holder has locked (`FileLock.identity`); empty: none
    )""",
    "INSERT INTO lease VALUES (1, '', 0, 0, 0, '')",
)

_TO_3 = (
    "ALTER TABLE lease ADD COLUMN renewed REAL NOT NULL DEFAULT 0",  # the machine's time of the last renewal
    "ALTER TABLE lease ADD COLUMN report BLOB NOT NULL DEFAULT x''",  # what the holder published with it
    "CREATE INDEX dead_by_cause ON dead (kind, status)",
)

_TO_4 = ("ALTER TABLE dead ADD COLUMN vendor TEXT NOT NULL DEFAULT ''",)

_UPGRADES: dict[int, tuple[str, ...]] = {0: _CREATE, 1: _TO_2, 2: _TO_3, 3: _TO_4}
"""What brings a file of each version to the next."""


def prepare(connection: sqlite3.Connection, path: str, now: float) -> None:
    """Make or upgrade the tables, at the Unix time `now`.

    Raises `OutboxError` for a file of a newer klavier or of another program.  The version is read inside the
    transaction that changes it: several processes may open a new or an older file at the same moment.
    """
    if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _upgrade(connection, path, now)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _upgrade(connection: sqlite3.Connection, path: str, now: float) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise OutboxError(f"outbox {path}: written by a newer klavier (version {version}); upgrade klavier")
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise OutboxError(f"outbox {path}: an SQLite file of another program; name another file")
    for statement in (statement for step in range(version, VERSION) for statement in _UPGRADES[step]):
        connection.execute(statement, {"now": now} if ":now" in statement else {})
    connection.execute(f"PRAGMA user_version = {VERSION}")
