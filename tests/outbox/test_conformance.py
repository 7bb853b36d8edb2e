"""The outboxes of the core hold every promise that is asked of a plugin's."""

from pathlib import Path

from klavier.outbox import Outbox, SqliteOutbox
from klavier.testing import OutboxConformance


class TestSqlite(OutboxConformance):
    def open_outbox(self, folder: Path, max_bytes: int | None = None) -> Outbox:
        return SqliteOutbox(folder / "klavier.db", max_bytes=max_bytes)


class TestMemory(OutboxConformance):
    def open_outbox(self, folder: Path, max_bytes: int | None = None) -> Outbox:  # noqa: ARG002 -- each is its own
        return SqliteOutbox(max_bytes=max_bytes)
