"""How often SQLite is called: with each call a thread that appends waits for the interpreter anew."""

import sqlite3
from pathlib import Path

from klavier.outbox import SqliteOutbox


def test_an_append_of_many_entries_takes_few_statements(tmp_path: Path) -> None:
    statements: list[str] = []

    def open_file(path: str, timeout: float) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
        connection.set_trace_callback(statements.append)
        return connection

    outbox = SqliteOutbox(tmp_path / "outbox.db", open_file=open_file)
    statements.clear()
    assert outbox.append([(f"m{n}", "k", b"{}") for n in range(250)]) == [True] * 250
    inserts = [statement for statement in statements if statement.startswith("INSERT")]
    assert len(inserts) == 6  # the events and their message ids, a hundred at once
    assert [entry.message_id for entry in outbox.read(0, 1000)] == [f"m{n}" for n in range(250)]
    outbox.close()
