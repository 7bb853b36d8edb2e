"""Rows of a database for `klavier send`: the options, and the state from which the next run continues."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click
import orjson
from attrs import define, evolve, field

from klavier.cli.messages import note
from klavier.cli.private_files import open_private
from klavier.errors import UsageError
from klavier.streams.queries import Query
from klavier.streams.result import Result

_VERSION = 1
_REMEDY = "delete that file to send every row again"


@define(eq=False)
class Cursor:
    """How far the rows of a query were sent, in a file: the next run reads the rows with a larger value.

    A value counts once each of its rows has an outcome; a failure that a later attempt may repair keeps it back.
    """

    path: Path
    query: Query
    done: str = ""
    _current: str = ""
    _is_held: bool = field(default=False, init=False)

    def add(self, result: Result) -> None:
        """Record the result of the next row."""
        value = self.query.read.popleft()
        if value != self._current:
            self._advance()
            self._current = value
        self._is_held = self._is_held or (result.outcome.kind == "failed" and result.outcome.retryable)

    def write(self, *, is_complete: bool) -> None:
        """Write the file; unless the run is complete, rows with the last value may be left."""
        if is_complete:
            self._advance()
        if not self.done:
            return
        new = _draft(self.path)
        with open_private(new) as file:
            file.write(orjson.dumps({"version": _VERSION, "query": self.query.identity, "after": self.done}))
        new.replace(self.path)

    def _advance(self) -> None:
        if self._current and not self._is_held:
            self.done = self._current


def query_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a query; the function gets `query` and `cursor`, each None where it is not asked for."""

    @wraps(function)
    def wrapped(**options: Any) -> None:
        asked = {name: options.pop(name) for name in ("url", "sql", "column", "state")}
        query, cursor = _open_query(files=options["files"], **asked)
        if query is not None and (options["resume"] or options["progress"] or options["rows"]):
            raise click.UsageError("--from goes on where it was by --incremental and --cursor, and maps rows by itself")
        function(query=query, cursor=cursor, **options)

    for option in (
        click.option(
            "--incremental",
            "state",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="With --cursor: keep in FILE how far the rows were sent, and send those after it the next time.",
        ),
        click.option(
            "--cursor", "column", metavar="COLUMN", help="The query's column that grows with every new or changed row."
        ),
        click.option(
            "--query",
            "sql",
            metavar="SQL",
            help="With --from: the rows to send, one event each; @FILE reads the query from FILE.",
        ),
        click.option(
            "--from",
            "url",
            metavar="URL",
            help="Send the rows of a database: duckdb:///FILE, postgresql://..., or duckdb: for files in the query.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


def _open_query(
    *, url: str | None, sql: str | None, column: str | None, state: Path | None, files: Sequence[str]
) -> tuple[Query | None, Cursor | None]:
    """Return the query that the options name, and its cursor if it has one.

    Raises `UsageError` for options that do not fit together, and for a state that is damaged, another query's or not to
    be written.
    """
    if url is None:
        if sql or column or state:
            raise click.UsageError("--query, --cursor and --incremental describe what --from reads: pass --from too")
        return None, None
    if files:
        raise click.UsageError("--from reads a database: pass no FILE, or name the file in a query of --from duckdb:")
    if sql is None:
        raise click.UsageError("--from: pass the rows to send by --query 'SELECT ...'")
    if (column is None) != (state is None):
        raise click.UsageError("--incremental FILE keeps how far --cursor COLUMN came: pass both")
    query = Query(url, _read_sql(sql), column)
    if state is None:
        return query, None
    with open_private(_draft(state)):  # nothing is sent whose position could not be recorded
        pass
    _draft(state).unlink()
    after = _read_state(state, query)
    if after is None:
        return query, Cursor(state, query)
    note(f"{state}: sending the rows that came after the last run")
    query = evolve(query, after=after)
    return query, Cursor(state, query, done=after)


def _draft(path: Path) -> Path:
    """Return the path of the file that replaces the old one when it is complete."""
    return path.with_name(f"{path.name}.new")


def _read_sql(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a file of text in UTF-8"
        raise UsageError(f"--query: {text[1:]}: cannot be read: {why}") from None


def _read_state(path: Path, query: Query) -> str | None:
    try:
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or found.get("version") != _VERSION or not isinstance(found.get("after"), str):
        raise UsageError(f"{path}: not a state of klavier send --incremental, or damaged; {_REMEDY}")
    if found.get("query") != query.identity:
        raise UsageError(f"{path}: belongs to another address, query or cursor; {_REMEDY}")
    return str(found["after"])
