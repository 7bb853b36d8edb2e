"""Reverse ETL: warehouse rows as events.

Source: Segment's Reverse ETL; each row that was added, updated or deleted becomes a track event named accordingly, with
the row's columns as properties, so that the same mappings read it.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import orjson

from klavier.errors import EventError
from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.strictjson import kind_of, read_text

Mode = Literal["added", "updated", "deleted"]
"""What happened to a row."""

NAMES: Mapping[str, str] = {"added": "new", "updated": "updated", "deleted": "deleted"}
"""The event's name for each mode."""


def events_from_rows(
    rows: Iterable[Mapping[str, Any]], mode: Mode = "added", *, id_column: str | None = None
) -> Iterator[Event]:
    """Convert each row to an event, lazily.

    The event is a track named `new`, `updated` or `deleted`, its `properties` are the row, its `userId` the value in
    `id_column` (left out without one), its `messageId` derived from mode and row, so that the same row is the same
    event.  A column `__mode` in a row overrides `mode`.  Raises `EventError` with the number of the row, from 1.
    """
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise EventError(f"a row must be an object, not {kind_of(row)}", f"row {number}")
        columns = dict(row)
        happened = columns.pop("__mode", mode)
        name = NAMES.get(happened) if isinstance(happened, str) else None
        if name is None:
            raise EventError(f"the mode must be one of {', '.join(NAMES)}", f"row {number}")
        yield _event(columns, name, id_column, number)


def read_rows(path: str | Path) -> Iterator[dict[str, Any]]:
    """Read the rows of a file, one at a time: CSV with a header line where the name ends in `.csv`, else JSON lines.

    Empty cells of CSV are null; all others are strings, which the payload check converts to numbers where a field
    requires them.  Raises `EventError` that names a line which is no row, `OSError` for a file that cannot
    be read.
    """
    file = Path(path)
    return _csv_rows(file) if file.suffix.lower() == ".csv" else _json_rows(file)


def _event(columns: dict[str, Any], name: str, id_column: str | None, number: int) -> Event:
    payload: dict[str, Any] = {"type": "track", "event": name, "properties": columns}
    if id_column is not None:
        if columns.get(id_column) in (None, ""):
            raise EventError(f"the column {id_column!r} is empty, and it contains the user id", f"row {number}")
        payload["userId"] = columns[id_column]
    try:
        event = parse_event(payload)
    except EventError as error:
        raise EventError(error.problem, f"row {number}{f', {error.place}' if error.place else ''}") from None
    canonical = orjson.dumps(event.payload, option=orjson.OPT_SORT_KEYS)
    event.payload["messageId"] = f"row-{hashlib.sha256(canonical).hexdigest()[:32]}"
    return parse_event(event.payload)


def _json_rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = read_text(line)
            except EventError as error:
                raise EventError(error.problem, f"line {number}{f', {error.place}' if error.place else ''}") from None
            if not isinstance(row, dict):
                raise EventError(f"a row must be an object, not {kind_of(row)}", f"line {number}")
            yield row


def _csv_rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, restkey="", strict=True)
        try:
            for row in reader:
                if "" in row or None in row.values():
                    problem = "has more or fewer cells than the header has columns"
                    raise EventError(problem, f"line {reader.line_num}")
                yield {column: cell if cell != "" else None for column, cell in row.items()}
        except (csv.Error, UnicodeDecodeError) as error:
            raise EventError(
                f"cannot be read as CSV in UTF-8: {type(error).__name__}", f"line {reader.line_num}"
            ) from None
