"""Rows of a query as events: DuckDB reads its own files, CSV and Parquet, psycopg reads PostgreSQL.

The columns of a query are named as in `klavier.streams.tables`.  Rows are sorted by the database, on disk where its
memory is too small: by the cursor of an incremental run, else by the events' own times where the query has them.
"""

import hashlib
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from klavier.errors import UsageError
from klavier.streams.lines import Line
from klavier.streams.tables import check_columns, read_row

_FETCHED = 1000
"""Rows that are fetched together; more take more memory and are no faster."""

_TIMES = ("timestamp", "originaltimestamp", "sentat", "receivedat")
_DUCKDB, _POSTGRESQL = "duckdb", ("postgres", "postgresql")


@frozen
class Query:
    """A query at an address: `duckdb:///shop.db`, `duckdb:` for files named in the query, or `postgresql://...`.

    With a `cursor`, the name of a column, only rows with a larger value than `after` are read, in its order.
    """

    url: str = field(repr=False)
    sql: str = field(repr=False)
    cursor: str | None = None
    after: str | None = field(default=None, repr=False)
    read: "deque[str]" = field(factory=deque, repr=False, eq=False)
    """The cursor's value of each row that was read, as text, in the order of the lines; empty for null."""

    def __attrs_post_init__(self) -> None:
        """Raise `UsageError` for an address that klavier cannot read."""
        if self.scheme not in (_DUCKDB, *_POSTGRESQL):
            raise UsageError("--from: pass an address such as duckdb:///shop.db, duckdb: or postgresql://host/database")

    @property
    def scheme(self) -> str:
        """The kind of database."""
        return self.url.partition(":")[0]

    @property
    def names(self) -> list[str]:
        """The name of the source in messages: never its address, which may hold a password."""
        return [f"{self.scheme} query"]

    @property
    def identity(self) -> str:
        """A digest of address, query and cursor: the state of another query is not this one's."""
        return hashlib.sha256("\0".join((self.url, self.sql, self.cursor or "")).encode()).hexdigest()

    @property
    def size(self) -> None:
        """None: how many rows will come is not known."""

    @property
    def asked(self) -> None:
        """None, as for files: the next row can always be read, if only by waiting for the database."""

    def lines(self) -> Generator[Line]:
        """Run the query, and return its rows as the JSON of their events; raises `UsageError` for what is refused."""
        columns: list[str] = []
        rows = (_duckdb_rows if self.scheme == _DUCKDB else _postgresql_rows)(self, columns)
        first = next(rows, None)  # the database reads the query now
        check_columns("--query", columns)
        return self._lines(columns, chain([] if first is None else [first], rows), rows)

    def _lines(
        self, columns: list[str], values: Iterable[tuple[Any, ...]], rows: Generator[tuple[Any, ...]]
    ) -> Generator[Line]:
        (name,) = self.names
        with closing(rows):
            for number, row in enumerate(values, 1):
                named = dict(zip(columns, row, strict=True))
                if self.cursor is not None:
                    self.read.append(_text(named[self.cursor]))
                yield read_row(name, number, named)

    @property
    def unsorted_sql(self) -> str:
        """The query as a part of another one, so that it can be only one statement."""
        inner = self.sql.strip().rstrip(";")
        return f"SELECT * FROM ({inner}\n) AS klavier_rows"  # noqa: S608 -- the user's own query

    def sorted_sql(self, columns: list[str], placeholder: str) -> str:
        """Return the query with its order, and the condition of an incremental run with its placeholder.

        Raises `UsageError` where the query lacks the cursor's column.
        """
        if self.cursor is None:
            times = [name for name in columns if name.lower().replace("_", "") in _TIMES]
            order = f" ORDER BY {_quoted(times[0])} NULLS FIRST" if times else ""
            return f"{self.unsorted_sql}{order}"
        if self.cursor not in columns:
            raise UsageError(f"--cursor: the query has no such column; it has {', '.join(columns)}")
        column = _quoted(self.cursor)
        where = "" if self.after is None else f" WHERE {column} > {placeholder}"
        return f"{self.unsorted_sql}{where} ORDER BY {column} NULLS FIRST"


def _duckdb_rows(query: Query, columns: list[str]) -> Generator[tuple[Any, ...]]:
    try:
        import duckdb  # noqa: PLC0415 -- an extra
    except ImportError:
        raise UsageError("--from: duckdb: needs DuckDB; try: pip install 'klavier[sources]'") from None
    path = urlsplit(query.url).path.removeprefix("/") if query.url.startswith("duckdb:///") else ""
    path = f"/{path.lstrip('/')}" if query.url.startswith("duckdb:////") else path
    if path and not Path(path).is_file():
        raise UsageError(f"--from: {path}: there is no such database; pass duckdb: to query files without one")
    try:
        with duckdb.connect(path or ":memory:", read_only=bool(path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            described = connection.execute(f"DESCRIBE {query.unsorted_sql}").fetchall()
            types = {str(row[0]): str(row[1]) for row in described}
            columns += types
            sql = query.sorted_sql(columns, f"CAST(? AS {types.get(query.cursor or '', 'VARCHAR')})")
            cursor = connection.execute(sql, [] if query.after is None else [query.after])
            while found := cursor.fetchmany(_FETCHED):
                yield from found
    except duckdb.Error as error:
        raise UsageError(f"--from: {_first_line(error)}") from None


def _postgresql_rows(query: Query, columns: list[str]) -> Generator[tuple[Any, ...]]:
    try:
        import psycopg  # noqa: PLC0415 -- an extra
    except ImportError:
        raise UsageError("--from: postgresql: needs psycopg; try: pip install 'klavier[sources]'") from None
    try:
        with psycopg.connect(query.url, options="-c TimeZone=UTC -c default_transaction_read_only=on") as connection:
            described = connection.execute(f"{query.unsorted_sql} LIMIT 0")
            columns += [column.name for column in described.description or ()]
            sql = query.sorted_sql(columns, "%(after)s")
            with connection.cursor("klavier") as cursor:  # the server keeps the rows, this process some of them
                cursor.itersize = _FETCHED
                cursor.execute(sql, {"after": query.after} if query.after is not None else None)
                yield from cursor
    except psycopg.Error as error:
        raise UsageError(f"--from: {_first_line(error)}") from None


def _quoted(column: str) -> str:
    return '"{}"'.format(column.replace('"', '""'))


def _text(value: Any) -> str:
    """Return a cursor's value as the database reads it again; empty for null."""
    if value is None:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _first_line(error: Exception) -> str:
    """Return the first line of a database's message: the others quote the query and its values."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
