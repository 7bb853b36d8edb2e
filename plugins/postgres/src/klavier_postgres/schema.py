"""The tables of the outbox in one schema of a database, and how an older version is upgraded.

Message ids and keys are bytes, since PostgreSQL's text cannot contain every character that an event's ids may.
"""

import psycopg
from psycopg import sql

from klavier.errors import OutboxError

VERSION = 3

_CREATE = """
CREATE TABLE {schema}.events (
    seq bigint PRIMARY KEY,
    message_id bytea NOT NULL,
    key bytea NOT NULL,
    payload bytea NOT NULL,
    accepted double precision NOT NULL,
    due double precision NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    first_try double precision NOT NULL DEFAULT 0,
    interrupted integer NOT NULL DEFAULT 0
);
CREATE INDEX events_by_key ON {schema}.events (key, seq);
CREATE TABLE {schema}.seen (message_id bytea PRIMARY KEY, accepted timestamptz NOT NULL DEFAULT now());
CREATE INDEX seen_by_age ON {schema}.seen (accepted);
CREATE TABLE {schema}.dead (
    seq bigint PRIMARY KEY,
    message_id bytea NOT NULL,
    key bytea NOT NULL,
    payload bytea NOT NULL,
    accepted double precision NOT NULL,
    died double precision NOT NULL,
    tries integer NOT NULL,
    kind text NOT NULL,
    status integer,
    reason text NOT NULL,
    requests text NOT NULL,
    stored timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_by_age ON {schema}.dead (stored);
-- The last position. One row, updated by each append: its lock orders the commits, so that no reader passes over an
-- entry which commits later than one behind it.
CREATE TABLE {schema}.position (id integer PRIMARY KEY CHECK (id = 1), last bigint NOT NULL);
INSERT INTO {schema}.position VALUES (1, 0);
CREATE TABLE {schema}.lease (
    id integer PRIMARY KEY CHECK (id = 1),
    holder text NOT NULL,
    token bigint NOT NULL,
    beats bigint NOT NULL,
    seconds double precision NOT NULL,
    backend integer NOT NULL
);
INSERT INTO {schema}.lease VALUES (1, '', 0, 0, 0, 0);

-- Appends entries in one statement: a client that stands still between two statements would hold the lock of the last
-- position, and with it the appends of every host.
CREATE FUNCTION {schema}.append(ids bytea[], keys bytea[], payloads bytea[], accepted double precision)
RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
    start bigint;
    fresh boolean[];
    count bigint;
BEGIN
    UPDATE {schema}.position SET last = last + cardinality(ids) RETURNING last - cardinality(ids) INTO start;
    WITH given AS (
        SELECT id, min(place) AS place FROM unnest(ids) WITH ORDINALITY AS listed (id, place) GROUP BY id
    ), noted AS (
        INSERT INTO {schema}.seen (message_id) SELECT id FROM given ORDER BY id ON CONFLICT DO NOTHING
        RETURNING message_id
    ), new AS (
        SELECT given.place FROM noted JOIN given ON given.id = noted.message_id
    ), stored AS (
        INSERT INTO {schema}.events (seq, message_id, key, payload, accepted)
        SELECT start + place, ids[place], keys[place], payloads[place], append.accepted FROM new
    )
    SELECT array_agg(new.place IS NOT NULL ORDER BY all_places.place) INTO fresh
    FROM generate_series(1, cardinality(ids)) AS all_places (place) LEFT JOIN new USING (place);
    RETURN coalesce(fresh, ARRAY[]::boolean[]);
END
$$;
"""

_TO_2 = """
ALTER TABLE {schema}.lease ADD COLUMN renewed timestamptz NOT NULL DEFAULT now();
ALTER TABLE {schema}.lease ADD COLUMN report bytea NOT NULL DEFAULT '';
CREATE INDEX dead_by_cause ON {schema}.dead (kind, status);
"""

_TO_3 = "ALTER TABLE {schema}.dead ADD COLUMN vendor text NOT NULL DEFAULT '';"

_UPGRADES = {0: _CREATE, 1: _TO_2, 2: _TO_3}
"""What brings a schema of each version to the next."""


def prepare(connection: "psycopg.Connection[tuple[object, ...]]", schema: str) -> None:
    """Create or upgrade the tables; several hosts may do so at the same moment.

    Raises `OutboxError` for tables of a newer klavier. The role needs the right to create a schema in the database, or
    the schema must exist and belong to it.
    """
    name = sql.Identifier(schema)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"klavier.schema.{schema}",))
        exists = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone()
        if exists is None:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        connection.execute(sql.SQL("CREATE TABLE IF NOT EXISTS {}.version (version integer NOT NULL)").format(name))
        row = connection.execute(sql.SQL("SELECT version FROM {}.version").format(name)).fetchone()
        version = 0 if row is None else int(str(row[0]))
        if version > VERSION:
            raise OutboxError(
                f"outbox in schema {schema}: written by a newer klavier (version {version}); upgrade klavier"
            )
        for step in range(version, VERSION):
            connection.execute(_UPGRADES[step].replace("{schema}", name.as_string(connection)).encode())
        if version < VERSION:
            connection.execute(sql.SQL("DELETE FROM {}.version").format(name))
            connection.execute(sql.SQL("INSERT INTO {}.version VALUES (%s)").format(name), (VERSION,))
