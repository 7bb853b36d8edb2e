"""The outbox's tables, and how an older file is brought up to date."""

import sqlite3

from klavier.errors import OutboxError

VERSION = 1

_CREATE = """
CREATE TABLE events (
    -- AUTOINCREMENT: without it a place is given twice after the table was empty, and a reader skips events for ever
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    accepted REAL NOT NULL,
    due REAL NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    first_try REAL NOT NULL DEFAULT 0
);
CREATE INDEX events_by_key ON events (key, seq);
CREATE TABLE seen (message_id TEXT PRIMARY KEY, accepted REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX seen_by_age ON seen (accepted);
CREATE TABLE dead (
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
);
CREATE TABLE claim (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    holder TEXT NOT NULL,
    until REAL NOT NULL,
    -- 1 where the holder has the lock file too: then a free lock tells that the holder is dead
    locked INTEGER NOT NULL
);
"""

_UPGRADES: dict[int, str] = {0: _CREATE}
"""What brings a file of each version to the next."""


def prepare(connection: sqlite3.Connection, path: str) -> None:
    """Make or upgrade the tables; raises `OutboxError` for a file of a newer klavier or of another program."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise OutboxError(f"outbox {path}: written by a newer klavier (version {version}); upgrade klavier")
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise OutboxError(f"outbox {path}: an SQLite file of another program; name another file")
    while version < VERSION:
        connection.executescript(f"BEGIN IMMEDIATE; {_UPGRADES[version]} PRAGMA user_version = {version + 1}; COMMIT;")
        version += 1
