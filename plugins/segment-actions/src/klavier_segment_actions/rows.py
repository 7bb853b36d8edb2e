"""Reverse ETL: warehouse rows as events.

Source: Segment's Reverse ETL; each row that was added, updated or deleted becomes a track event named accordingly, with
the row's columns as properties, so that the same mappings read it.
"""

import csv
import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

import orjson
from attrs import frozen

from klavier.errors import EventError, UsageError
from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.streams.lines import Line
from klavier.strictjson import kind_of, read_text
from klavier_segment_actions.column_types import find_types, read_cell
from klavier_segment_actions.row_files import find_table, open_rows

Mode = Literal["added", "updated", "deleted"]
"""What happened to a row."""

NAMES: Mapping[str, str] = {"added": "new", "updated": "updated", "deleted": "deleted"}
"""The event's name for each mode."""


@frozen
class _Row:
    """A row of a file: its columns, or the problem with it; `number` counts rows from 1."""

    number: int
    text: bytes
    columns: dict[str, Any] | None = None
    problem: str = ""


def events_from_rows(
    rows: Iterable[Mapping[str, Any]], mode: Mode = "added", *, id_column: str | None = None
) -> Iterator[Event]:
    """Convert each row to an event, lazily.

    The event is a track named `new`, `updated` or `deleted`, its `properties` are the row, its `userId` the value in
    `id_column` (left out without one), its `messageId` derived from mode and row, so that the same row is the same
    event.  A column `__mode` in a row overrides `mode`.  Raises `EventError` with the number of the row, from 1.
    """
    for number, row in enumerate(rows, 1):
        try:
            yield _event(row, mode, id_column)
        except EventError as error:
            raise EventError(error.problem, f"row {number}{f', {error.place}' if error.place else ''}") from None


def read_rows(path: str | Path) -> Iterator[dict[str, Any]]:
    """Read the rows of a file, one at a time.

    It is CSV with a header line where its name ends in `.csv` or `.tsv`, else JSON lines; either may be compressed.
    Empty cells of CSV are null.  A column of CSV whose cells are all numbers, or all booleans, written as in JSON, has
    such values; all others are strings.  Raises `EventError` with the row that cannot be read, `UsageError` for a
    header with a column twice and for a file that holds no rows, `OSError` for a file that cannot be read.
    """
    for row in _open(Path(path), None):
        if row.columns is None:
            raise EventError(row.problem, f"row {row.number}")
        yield row.columns


def read_row_events(path: str | Path, mode: Mode = "added", *, id_column: str | None = None) -> Iterator[Event | Line]:
    """Return the events of a file's rows, and a `Line` with the problem and the text of each row that is none.

    Raises `UsageError` for a header with a column twice or without the id column, before any row.
    """
    return _events(str(path), _open(Path(path), id_column), mode, id_column)


def _events(source: str, rows: Iterator[_Row], mode: Mode, id_column: str | None) -> Iterator[Event | Line]:
    for row in rows:
        problem = row.problem
        if row.columns is not None:
            try:
                yield _event(row.columns, mode, id_column)
                continue
            except EventError as error:
                problem = f"{error.place}: {error.problem}" if error.place else error.problem
        yield Line(source, row.number, row.text, problem=problem, unit="row")


def _event(row: Mapping[str, Any], mode: Mode, id_column: str | None) -> Event:
    if not isinstance(row, Mapping):
        raise EventError(f"a row must be an object, not {kind_of(row)}", "")
    columns = dict(row)
    happened = columns.pop("__mode", mode)
    name = NAMES.get(happened) if isinstance(happened, str) else None
    if name is None:
        raise EventError(f"the mode must be one of {', '.join(NAMES)}", "")
    payload: dict[str, Any] = {"type": "track", "event": name, "properties": columns}
    if id_column is not None:
        if id_column not in columns:
            raise EventError(_no_column(id_column, list(columns)), "")
        if columns[id_column] in (None, ""):
            raise EventError(f"the column {id_column!r} is empty, and it contains the user id", "")
        payload["userId"] = columns[id_column]
    event = parse_event(payload)
    canonical = orjson.dumps(event.payload, option=orjson.OPT_SORT_KEYS)
    event.payload["messageId"] = f"row-{hashlib.sha256(canonical).hexdigest()[:32]}"
    return parse_event(event.payload)


def _open(file: Path, id_column: str | None) -> Iterator[_Row]:
    with open_rows(file) as lines:
        table = find_table(file, lines)
    if table is None:
        return _json_rows(file)
    with open_rows(file) as lines:
        header = next(iter(_parse(lines, table)), None)
    columns = list(header.cells) if header else []
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise UsageError(f"{file}: the column {repeated[0]!r} occurs twice; rename or remove one")
    if id_column is not None and columns and id_column not in columns:
        raise UsageError(f"{file}: {_no_column(id_column, columns)}")
    return _csv_rows(file, table, columns, id_column)


def _no_column(name: str, columns: Sequence[str]) -> str:
    lower = {column.lower(): column for column in columns}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    hint = f"; did you mean {lower[close[0]]!r}?" if close else ""
    return f"there is no column {name!r}; the columns are {', '.join(columns[:20]) or 'none'}{hint}"


def _json_rows(file: Path) -> Iterator[_Row]:
    number = 0
    with open_rows(file) as lines:
        for line in lines:
            if not (text := line.strip()):
                continue
            number += 1
            try:
                row = read_text(text)
            except EventError as error:
                yield _Row(number, text, problem=f"{error.place}: {error.problem}" if error.place else error.problem)
                continue
            if isinstance(row, dict):
                yield _Row(number, text, row)
            else:
                yield _Row(number, text, problem=f"a row must be an object, not {kind_of(row)}")


def _csv_rows(file: Path, delimiter: str, columns: Sequence[str], id_column: str | None) -> Iterator[_Row]:
    """Read the file twice: first the types of its columns, then its rows."""
    with open_rows(file) as lines:
        records = _parse(lines, delimiter)
        next(records, None)
        cells = (record.cells for record in records if not record.problem and len(record.cells) == len(columns))
        types = find_types(cells, len(columns))
    if id_column is not None and id_column in columns:
        types[columns.index(id_column)] = "string"
    with open_rows(file) as lines:
        records = _parse(lines, delimiter)
        next(records, None)
        for number, record in enumerate(records, 1):
            problem = record.problem
            if not problem and len(record.cells) != len(columns):
                problem = f"has {len(record.cells)} cells, the header {len(columns)}"
            if problem:
                yield _Row(number, record.text, problem=problem)
            else:
                values = (read_cell(cell, kind) for cell, kind in zip(record.cells, types, strict=True))
                yield _Row(number, record.text, dict(zip(columns, values, strict=True)))


@frozen
class _Record:
    """A record of CSV: its cells, or the problem with it, and its text as it stands in the file."""

    text: bytes
    cells: Sequence[str] = ()
    problem: str = ""


def _parse(lines: BinaryIO, delimiter: str) -> Iterator[_Record]:
    """Yield the records of CSV; one that cannot be parsed has a problem, and the next line begins a new one."""
    raw: list[bytes] = []
    broken = ""

    def decoded() -> Iterator[str]:
        nonlocal broken
        for number, line in enumerate(lines):
            raw.append(line)
            try:
                text = line.decode()
            except UnicodeDecodeError:
                broken = "is not UTF-8"
                text = line.decode(errors="replace")
            yield text.removeprefix("\ufeff") if number == 0 else text

    reader = csv.reader(decoded(), delimiter=delimiter, strict=True)
    while True:
        cells: Sequence[str] = ()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            broken = broken or f"is not CSV: {error}"
        text, problem = b"".join(raw).rstrip(b"\r\n"), broken
        raw.clear()
        broken = ""
        if cells or problem:
            yield _Record(text, cells, problem)
