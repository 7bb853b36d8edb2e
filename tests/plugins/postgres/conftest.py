from collections.abc import Callable, Iterator
from itertools import count

import pytest

from klavier_postgres.outbox import PostgresOutbox
from tests.support.postgres import Server, find_binaries, postgres_server

_numbers = count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if find_binaries() is None:
        pytest.skip("PostgreSQL is not installed here: apt-get install postgresql")
    with postgres_server() as running:
        yield running


@pytest.fixture
def schema() -> str:
    """Name a schema that no other test uses."""
    return f"test_{next(_numbers)}"


@pytest.fixture
def open_outbox(server: Server, schema: str) -> Iterator[Callable[..., PostgresOutbox]]:
    """Open outboxes in one schema; they are closed at the end."""
    opened: list[PostgresOutbox] = []

    def open_one(**options: object) -> PostgresOutbox:
        opened.append(PostgresOutbox(server.url, "test", schema, **options))  # type: ignore[arg-type]  # a test's own
        return opened[-1]

    yield open_one
    for outbox in opened:
        outbox.close()
