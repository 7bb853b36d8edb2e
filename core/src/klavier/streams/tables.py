"""Events in tables: each row of a CSV or Parquet file becomes one event.

Columns are named after the members of an event, in camel or snake case; a dot reaches into an object, such as
`properties.plan`.  A column with any other name is a property of the event, or a trait for identify and group.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, BinaryIO

import orjson

from klavier.errors import EventError, UsageError
from klavier.streams.lines import LONGEST, Line
from klavier.strictjson import find_fault, has_surrogate, read_text

_MEMBERS = frozenset({
    "type", "event", "name", "category", "userId", "anonymousId", "messageId", "groupId", "previousId", "channel",
    "version", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "context", "properties", "traits",
    "integrations", "rudderId",
})  # fmt: skip
_BY_NAME = {name.lower(): name for name in _MEMBERS}
_OBJECTS = frozenset({"context", "properties", "traits", "integrations"})
_EVENT_COLUMNS = frozenset({"type", "event", "userid", "anonymousid", "messageid", "email"})
"""A first line with one of these among its cells is the header of a CSV file."""

_DELIMITERS = ",;\t|"
_BATCH_ROWS = 1000
"""Rows of Parquet that are converted together; larger batches use more memory and are no faster."""

Position = Callable[[], int]
ReadCell = Callable[[Any, str], Any]
"""Converts a value; the second argument is its column, for messages."""


def find_delimiter(first_line: str) -> str | None:
    """Return the delimiter of CSV with this header line; None where the line is no header of a table of events."""
    for delimiter in _DELIMITERS:
        cells = {_normalize(cell.strip().strip('"')) for cell in first_line.split(delimiter)}
        if len(cells) > 1 and cells & _EVENT_COLUMNS:
            return delimiter
    return None


def read_header(first_line: str, delimiter: str) -> list[str]:
    """Return the names of the columns in the first line of CSV."""
    csv.field_size_limit(LONGEST)
    return next(csv.reader(first_line.splitlines(), delimiter=delimiter))


def read_csv(stream: BinaryIO, source: str, delimiter: str, position: Position) -> Iterator[Line]:
    """Yield the rows of CSV with a header line, as the JSON of their events.

    Empty cells are left out.  Numbers and booleans in properties and traits become such if they are written as JSON
    writes them; all other cells are strings.  A row that cannot be read is a line with a problem.
    """
    csv.field_size_limit(LONGEST)
    text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
    try:
        yield from _read_rows(csv.reader(text, delimiter=delimiter, strict=True), source, position)
    finally:
        text.detach()  # whoever opened the stream closes it


def _read_rows(rows: Iterator[list[str]], source: str, position: Position) -> Iterator[Line]:
    header: list[str] = []
    number = 0
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            problem = f"not CSV: {error}; nothing after it was read"
            yield Line(source, number + 1, b"", position(), problem, "row")
            return
        if row is None:
            return
        if not header:
            header = row
            continue
        number += 1
        if len(row) > len(header):
            problem = f"has {len(row)} cells, the header {len(header)}; quote cells that contain the delimiter"
            yield Line(source, number, b"", position(), problem, "row")
        elif has_surrogate("".join(row)):  # a byte that was escaped
            yield Line(source, number, b"", position(), "not UTF-8; save the file as UTF-8", "row")
        elif any(row):
            yield read_row(source, number, dict(zip(header, row, strict=False)), position(), read_cell=_read_cell)


def check_columns(source: str, names: Iterable[str]) -> None:
    """Raise `UsageError` where two columns stand for the same member: the value of one of them would be lost."""
    seen: dict[tuple[str, ...], str] = {}
    for name in filter(str.strip, names):  # spreadsheets end lines with columns that have no name
        member, path = _find_member(name)
        other = seen.get((member, *path))
        seen[member, *path] = name
        if other is not None:
            what = f"column {name!r} occurs twice" if other == name else f"columns {other!r} and {name!r} are the same"
            raise UsageError(f"{source}: the {what}; rename or remove one")


def check_parquet(path: str) -> None:
    """Read the schema of a Parquet file; raises `UsageError` without pyarrow, and for what it refuses."""
    with _open_parquet(path) as file:
        check_columns(path, file.schema_arrow.names)


def read_parquet(path: str) -> Iterator[Line]:
    """Yield the rows of a Parquet file, as the JSON of their events; nulls are left out.

    A row that cannot be read is a line with a problem; damaged data ends with one.
    """
    with _open_parquet(path) as file:
        number = 0
        maps = "lossy" if "map<" in str(file.schema_arrow) else None  # with which rows take three times as long
        for batch in _read_batches(file):
            if batch is None:
                problem = "the data is damaged, or in a form that pyarrow cannot read; nothing after it was read"
                yield Line(path, number + 1, b"", problem=problem, unit="row")
                return
            for row in _rows_of(batch, maps):
                number += 1
                if isinstance(row, EventError):
                    yield Line(path, number, b"", problem=str(row), unit="row")
                else:
                    yield read_row(path, number, row)


def _read_batches(file: Any) -> Iterator[Any]:
    """Yield batches of rows; None, at the end, for data that cannot be read."""
    from pyarrow import ArrowException  # type: ignore[import-untyped]  # noqa: PLC0415 -- an extra

    try:
        yield from file.iter_batches(_BATCH_ROWS)
    except (ArrowException, OSError):
        yield None


def _rows_of(batch: Any, maps: str | None) -> Iterator[dict[str, Any] | EventError]:
    """Yield the rows of a batch; where Python has no such value as one of them, cell by cell to find the column."""
    try:
        yield from batch.to_pylist(maps_as_pydicts=maps)
    except (ValueError, OverflowError, TypeError):
        for index in range(batch.num_rows):
            yield _read_cells(batch, index)


def _read_cells(batch: Any, index: int) -> dict[str, Any] | EventError:
    row = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            row[name] = column[index].as_py(maps_as_pydicts="lossy")
        except UnicodeDecodeError:
            return EventError("a string that is not UTF-8; write it as UTF-8, or as binary", name)
        except (ValueError, OverflowError):
            return EventError("a date or time beyond the years 1 to 9999; write it as a string", name)
        except TypeError:
            return EventError("a map whose keys are objects; write it as JSON", name)
    return row


def read_row(
    source: str, number: int, row: Mapping[str, Any], end: int = 0, *, read_cell: ReadCell | None = None
) -> Line:
    """Return a row as a line with the JSON of its event, or with its problem; times without a zone are UTC.

    `read_cell` is that of `make_payload`.
    """
    try:
        return Line(source, number, _dump(make_payload(row, read_cell or _keep)), end, unit="row")
    except EventError as error:
        return Line(source, number, b"", end, str(error), unit="row")


def make_payload(row: Mapping[str, Any], read_cell: ReadCell) -> dict[str, Any]:
    """Return the payload of a row; `read_cell` converts the values of properties and traits.

    A row with one column of JSON objects is the payload itself.  A row without a type is a track if it names an event.
    Raises `EventError`, with its place, for JSON in a cell whose values would not be kept as they are.
    """
    if len(row) == 1:
        ((column, value),) = row.items()
        only = _read_object(value, column)
        if isinstance(only, dict):
            return only
    payload: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for column, value in row.items():
        if value is None or value == "":
            continue
        member, path = _find_member(column)
        if not member:
            others[path[0]] = read_cell(value, column)
        elif path:
            _put(payload, [member, *path], read_cell(value, column))
        elif member in _OBJECTS:
            _merge(payload, member, _read_object(value, column))
        else:
            payload[member] = value
    if "type" not in payload and "event" in payload and "distinct_id" not in payload.get("properties", {}):
        payload["type"] = "track"
    if others:
        member = "traits" if payload.get("type") in ("identify", "group") else "properties"
        _merge(payload, member, others)
    return payload


@lru_cache(maxsize=1000)  # each row asks for the same ones
def _find_member(column: str) -> tuple[str, tuple[str, ...]]:
    """Return the member of an event that a column stands for, and the path in it; no member for a property."""
    first, *path = column.strip().split(".")
    member = _BY_NAME.get(_normalize(first))
    return (member, tuple(path)) if member else ("", (column.strip(),))


def _normalize(column: str) -> str:
    return column.lower().replace("_", "").replace(" ", "")


def _put(payload: dict[str, Any], path: list[str], value: Any) -> None:
    """Set a value at a path; an object that is no object yet is replaced by one."""
    *outer, last = path
    for step in outer:
        found = payload.get(step)
        if not isinstance(found, dict):
            found = payload[step] = {}
        payload = found
    payload[last] = value


def _merge(payload: dict[str, Any], member: str, value: Any) -> None:
    found = payload.get(member)
    payload[member] = {**value, **found} if isinstance(found, dict) and isinstance(value, dict) else value


def _keep(value: Any, _: str) -> Any:
    return value


def _read_object(value: Any, column: str) -> Any:
    """Return the object that a string holds as JSON; any other value as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return read_text(value, column)


def _read_cell(text: str, column: str) -> Any:
    """Return the number, boolean, array or object that a cell holds, if it is written as JSON writes it."""
    if text[0] not in "-0123456789tf[{":
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    if isinstance(value, (dict, list)):
        return read_text(text, column)
    return value if orjson.dumps(value).decode() == text else text


def _dump(payload: dict[str, Any]) -> bytes:
    """Write a payload as JSON; raises `EventError` with the place of what JSON has not, such as NaN."""
    options = orjson.OPT_NAIVE_UTC | orjson.OPT_NON_STR_KEYS
    try:
        text = orjson.dumps(payload, default=_to_json, option=options)
    except TypeError as error:
        find_fault(_plain(payload))
        raise EventError(f"cannot be written as JSON: {error.__cause__ or error}") from None
    if b"null" in text and _has_nan(payload):  # as which orjson writes it
        find_fault(_plain(payload))
    return text


def _has_nan(value: Any) -> bool:
    """Return whether a value, or one in it, is a number that JSON has not."""
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, Decimal):
        return not value.is_finite()
    if isinstance(value, Mapping):
        return any(map(_has_nan, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_has_nan, value))


def _plain(value: Any) -> Any:
    """Return a value of a table with what JSON has, as it is written."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float)) else _to_json(value)


def _to_json(value: Any) -> Any:
    """Convert what tables have and JSON has not."""
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def _open_parquet(path: str) -> Any:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 -- an extra
    except ImportError:
        raise UsageError(f"{path}: Parquet needs pyarrow; try: pip install 'klavier[parquet]'") from None
    try:
        return parquet.ParquetFile(path)
    except (ArrowException, OSError):
        raise UsageError(f"{path}: is a damaged Parquet file; write it again") from None
