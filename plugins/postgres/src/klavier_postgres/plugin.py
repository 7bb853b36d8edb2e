"""Register what this distribution adds: outboxes at `postgresql://` addresses."""

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import klavier
from klavier.errors import ConfigError

if TYPE_CHECKING:
    from klavier_postgres.outbox import PostgresOutbox

_SCHEMES = ("postgresql", "postgres")
_LONGEST_SCHEMA = 63
"""Bytes of PostgreSQL's identifiers."""


@klavier.hookimpl
def klavier_open_outbox(url: str, max_bytes: int | None, dead_letter_age: float | None) -> "PostgresOutbox | None":
    """Open the outbox at a `postgresql://` address; its parameter `schema` separates several accounts."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        return None
    from klavier_postgres.outbox import PostgresOutbox  # noqa: PLC0415 -- loads psycopg, for those who deliver

    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = query.pop("schema", "klavier")
    if not schema.isidentifier() or not schema.isascii() or len(schema) > _LONGEST_SCHEMA:
        raise ConfigError("delivery.outbox: the parameter schema must be a name of letters, digits and underscores")
    address = urlunsplit(parts._replace(query=urlencode(query)))
    host = parts.hostname or query.get("host", "localhost")
    label = f"postgresql://{host}{parts.path} schema {schema}"
    return PostgresOutbox(address, label, schema, max_bytes=max_bytes, dead_letter_age=dead_letter_age)
