"""Which error is raised for one of PostgreSQL's."""

import psycopg
import pytest
from psycopg import errors

from klavier.errors import OutboxError, OutboxFullError
from klavier_postgres.database import outbox_error


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (errors.DiskFull, OutboxFullError, "the server's disk is full; nothing was changed; free some space"),
        (errors.OutOfMemory, OutboxError, "the server is out of memory; nothing was changed; its log says for what"),
        (errors.DeadlockDetected, OutboxError, "PostgreSQL failed (SQLSTATE 40P01); nothing was changed"),
        (
            psycopg.OperationalError,
            OutboxError,
            "PostgreSQL cannot be reached; check the address, the server and the network",
        ),
    ],
)
def test_each_failure_is_named(error: type[psycopg.Error], kind: type[OutboxError], message: str) -> None:
    found = outbox_error("shop", error("Key (email)=(ada@shop.test)"))
    assert type(found) is kind
    assert str(found) == f"outbox shop: {message}"
