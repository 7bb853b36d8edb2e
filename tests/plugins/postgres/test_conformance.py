"""An outbox in PostgreSQL holds every promise of an outbox."""

import hashlib
from pathlib import Path

import pytest

from klavier.outbox import Outbox
from klavier.testing import OutboxConformance
from klavier_postgres.outbox import PostgresOutbox
from tests.support.postgres import Server


class TestPostgres(OutboxConformance):
    @pytest.fixture(autouse=True)
    def _server(self, server: Server) -> None:
        self._url = server.url

    def open_outbox(self, folder: Path, max_bytes: int | None = None) -> Outbox:
        schema = f"test_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
        return PostgresOutbox(self._url, "test", schema, max_bytes=max_bytes)
