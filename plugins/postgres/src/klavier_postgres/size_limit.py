"""The bound on what an outbox may use of its database."""

import math
from collections.abc import Callable, Sequence

from psycopg import sql

from klavier.errors import OutboxFullError
from klavier_postgres.database import Connection

_ROW_BYTES = 300
"""What a row is taken to use besides its payload: header, ids, key and indexes."""

_USED = (
    f"SELECT coalesce(sum(size), 0)::bigint FROM (SELECT sum(octet_length(payload) + {_ROW_BYTES}) AS size "  # noqa: S608 -- a constant number
    f"FROM {{schema}}.events UNION ALL SELECT sum(octet_length(payload) + {_ROW_BYTES}) FROM {{schema}}.dead) AS sizes"
)
"""Measures the bytes of the events and the dead letters."""

_MEASURE_SECONDS = 10.0
"""How often the used bytes are measured while events are appended: it reads the whole table."""


class SizeLimit:
    """Refuses what an outbox has no room for.

    What it uses is measured now and then, and estimated from this process's own appends in between.
    """

    def __init__(
        self, max_bytes: int | None, schema: sql.Identifier, label: str, monotonic: Callable[[], float]
    ) -> None:
        """`max_bytes` is None for no limit; `label` names the database in errors."""
        self._max_bytes = max_bytes
        self._measure = sql.SQL(_USED).format(schema=schema)
        self._label = label
        self._monotonic = monotonic
        self._used = 0
        self._measured = -math.inf

    def check(self, connection: Connection, payloads: Sequence[bytes]) -> None:
        """Count payloads that are about to be stored; raises `OutboxFullError` where they exceed the limit."""
        if self._max_bytes is None:
            return
        size = sum(map(len, payloads)) + _ROW_BYTES * len(payloads)
        self._used += size
        now = self._monotonic()
        if self._used > self._max_bytes or now - self._measured >= _MEASURE_SECONDS:
            row = connection.execute(self._measure).fetchone()
            self._used = size + (int(row[0]) if row else 0)
            self._measured = now
        if self._used > self._max_bytes:
            raise OutboxFullError(
                f"outbox {self._label}: full, it may use {self._max_bytes} bytes; try again when events were "
                "delivered, delete dead letters, or raise [delivery] max_bytes"
            )
