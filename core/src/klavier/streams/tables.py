"""Events in tables: each row of a CSV or Parquet file becomes one event.

Columns are named after the members of an event, in camel or snake case; a dot reaches into an object, such as
`properties.plan`.  A column with any other name is a property of the event, or a trait for identify and group.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

import orjson

from klavier.errors import UsageError
from klavier.streams.lines import LONGEST, Line

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


def find_delimiter(first_line: str) -> str | None:
    """Return the delimiter of CSV with this header line; None where the line is no header of a table of events."""
    for delimiter in _DELIMITERS:
        cells = {_normalize(cell.strip().strip('"')) for cell in first_line.split(delimiter)}
        if len(cells) > 1 and cells & _EVENT_COLUMNS:
            return delimiter
    return None


def read_csv(stream: BinaryIO, source: str, delimiter: str, position: Position) -> Iterator[Line]:
    """Yield the rows of CSV with a header line, as the JSON of their events.

    Empty cells are left out.  Numbers and booleans in properties and traits become such if they are written as JSON
    writes them; all other cells are strings.  A row that cannot be read is a line with a problem.
    """
    csv.field_size_limit(LONGEST)
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
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
        except (csv.Error, UnicodeDecodeError) as error:
            why = "not UTF-8, save it as UTF-8" if isinstance(error, UnicodeDecodeError) else f"not CSV: {error}"
            yield Line(source, number + 1, b"", position(), f"{why}; nothing after it was read", "row")
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
        elif any(row):
            event = make_payload(dict(zip(header, row, strict=False)), _read_cell)
            yield Line(source, number, orjson.dumps(event), position(), unit="row")


def check_parquet(path: str) -> None:
    """Read the schema of a Parquet file; raises `UsageError` without pyarrow, or for a damaged file."""
    _open_parquet(path).close()


def read_parquet(path: str) -> Iterator[Line]:
    """Yield the rows of a Parquet file, as the JSON of their events; nulls are left out."""
    with _open_parquet(path) as file:
        number = 0
        for batch in file.iter_batches(_BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                event = make_payload(row, lambda value: value)
                yield dump_row(path, number, event)


def make_payload(row: Mapping[str, Any], read_cell: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the payload of a row; `read_cell` converts the values of properties and traits.

    A row with one column of JSON objects is the payload itself.  A row without a type is a track if it names an event.
    """
    if len(row) == 1:
        only = _read_object(next(iter(row.values())))
        if isinstance(only, dict):
            return only
    payload: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for column, value in row.items():
        if value is None or value == "":
            continue
        first, *path = column.strip().split(".")
        member = _BY_NAME.get(_normalize(first))
        if member is None:
            others[column.strip()] = read_cell(value)
        elif path:
            _put(payload, [member, *path], read_cell(value))
        elif member in _OBJECTS:
            _merge(payload, member, _read_object(value))
        else:
            payload[member] = value
    if "type" not in payload and "event" in payload and "distinct_id" not in payload.get("properties", {}):
        payload["type"] = "track"
    if others:
        member = "traits" if payload.get("type") in ("identify", "group") else "properties"
        _merge(payload, member, others)
    return payload


def dump_row(source: str, number: int, payload: dict[str, Any]) -> Line:
    """Return a row as a line of JSON, or with its problem; times without a zone are UTC."""
    options = orjson.OPT_NAIVE_UTC | orjson.OPT_NON_STR_KEYS
    try:
        return Line(source, number, orjson.dumps(payload, default=_to_json, option=options), unit="row")
    except TypeError as error:
        return Line(source, number, b"", problem=f"cannot be written as JSON: {error.__cause__ or error}", unit="row")


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


def _read_object(value: Any) -> Any:
    """Return the object that a string holds as JSON; any other value as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def _read_cell(text: str) -> Any:
    """Return the number, boolean, array or object that a cell holds, if it is written as JSON writes it."""
    if text[0] not in "-0123456789tf[{":
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    is_exact = isinstance(value, (dict, list)) or orjson.dumps(value).decode() == text
    return value if is_exact else text


def _to_json(value: Any) -> Any:
    """Convert what Parquet has and JSON has not."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def _open_parquet(path: str) -> Any:
    try:
        from pyarrow import ArrowException, parquet  # type: ignore[import-untyped]  # noqa: PLC0415 -- an extra
    except ImportError:
        raise UsageError(f"{path}: Parquet needs pyarrow; try: pip install 'klavier[parquet]'") from None
    try:
        return parquet.ParquetFile(path)
    except (ArrowException, OSError):
        raise UsageError(f"{path}: is a damaged Parquet file; write it again") from None
