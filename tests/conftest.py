"""What tests leave open is closed after each of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from klavier.outbox import SqliteOutbox


@pytest.fixture(autouse=True)
def close_outboxes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close every outbox that a test opened: newer Pythons warn of a database that nobody closed."""
    opened: list[SqliteOutbox] = []
    make = SqliteOutbox.__init__

    def remember(outbox: SqliteOutbox, *arguments: Any, **named: Any) -> None:
        make(outbox, *arguments, **named)
        opened.append(outbox)

    monkeypatch.setattr(SqliteOutbox, "__init__", remember)
    yield
    for outbox in opened:
        outbox.close()
