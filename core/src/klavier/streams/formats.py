"""Formats of event files, recognized by their first bytes: JSON Lines, JSON, CSV and Parquet, compressed or not."""

from collections.abc import Callable, Iterator
from typing import BinaryIO, Literal

import orjson
from attrs import evolve, frozen

from klavier.errors import UsageError
from klavier.streams import json_values, tables
from klavier.streams.compression import DAMAGES, decompress_head, find_compression, open_decompressed
from klavier.streams.lines import BOM, LONGEST, Line, read_lines

Format = Literal["lines", "array", "objects", "csv", "parquet"]

_PARQUET = b"PAR1"
_UTF_16 = ("UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8")
_UNREADABLE = {
    b"PK\x03\x04": ("a ZIP archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
    b"Obj\x01": ("an Avro file", "convert it to Parquet or JSON Lines"),
    b"ORC": ("an ORC file", "convert it to Parquet or JSON Lines"),
    b"SQLite format 3": ("a database", "export its events as JSON Lines (for an outbox: klavier dead export)"),
    b"%PDF": ("a PDF document", "pass a file of events"),
    b"7z\xbc\xaf": ("a 7-Zip archive", "unpack it"),
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
    b"<": ("XML or HTML", "pass a file of events"),
}
"""First bytes of what cannot be read, what it is, and what to do."""

_TAR_AT, _TAR = 257, b"ustar"
_SPACE = b" \t\r\n"


@frozen
class Layout:
    """How a file is to be read: its compression (empty for none), its format, and the delimiter of CSV."""

    compression: str
    format: Format
    delimiter: str = ""


def find_layout(head: bytes, source: str, read_more: Callable[[], bytes]) -> Layout:
    """Find how to read a file by its first bytes; `read_more` returns a longer beginning, the same one at its end.

    Raises `UsageError`, with the remedy, for what cannot be read.
    """
    compression = find_compression(head)
    if not compression:
        return _find_plain_layout(head, source, read_more)
    inner = decompress_head(head, compression, source)
    while not inner and len(longer := read_more()) > len(head):
        head = longer
        inner = decompress_head(head, compression, source)
    if find_compression(inner):
        raise UsageError(f"{source}: is compressed twice: decompress it once")
    found = _find_plain_layout(inner, source, lambda: decompress_head(read_more(), compression, source))
    if found.format == "parquet":
        raise UsageError(f"{source}: is a Parquet file, compressed as a whole: decompress it")
    return evolve(found, compression=compression)


def read_stream(stream: BinaryIO, source: str, layout: Layout, position: Callable[[], int]) -> Iterator[Line]:
    """Yield the events of an open file; one that is damaged ends with a line that names the problem.

    `position` returns how many bytes of the file were read, for progress.
    """
    number = 0
    plain = open_decompressed(stream, layout.compression, source)
    lines = _read_plain(plain, source, layout, position)
    if not layout.compression:
        yield from lines
        return
    try:
        for line in lines:
            number = line.number
            yield evolve(line, end=position())
    except DAMAGES:
        problem = f"the {layout.compression} data is cut off or damaged; nothing after it was read"
        yield Line(source, number + 1, b"", position(), problem)


def _find_plain_layout(head: bytes, source: str, read_more: Callable[[], bytes]) -> Layout:
    if head.startswith(_PARQUET):
        return Layout("", "parquet")
    _refuse_unreadable(head, source)
    text = _strip(head)
    if text.startswith(b"["):
        return Layout("", "array")
    if text.startswith(b"{"):
        return Layout("", "objects" if _is_indented(text, read_more) else "lines")
    header = text.partition(b"\n")[0].decode("utf-8", "replace")
    delimiter = tables.find_delimiter(header)
    if delimiter is None:
        return Layout("", "lines")
    if "\ufffd" in header:
        raise UsageError(f"{source}: is CSV that is not UTF-8: save it as UTF-8")
    tables.check_columns(source, tables.read_header(header, delimiter))
    return Layout("", "csv", delimiter)


def _read_plain(stream: BinaryIO, source: str, layout: Layout, position: Callable[[], int]) -> Iterator[Line]:
    if layout.format == "array":
        return json_values.read_array(stream, source, position)
    if layout.format == "objects":
        return json_values.read_objects(stream, source, position)
    if layout.format == "csv":
        return tables.read_csv(stream, source, layout.delimiter, position)
    return read_lines(stream, source)


def _refuse_unreadable(head: bytes, source: str) -> None:
    text = _strip(head)
    for magic, (what, remedy) in _UNREADABLE.items():
        if (text if magic == b"<" else head).startswith(magic):
            raise UsageError(f"{source}: is {what}: {remedy}")
    if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        raise UsageError(f"{source}: is a tar archive: unpack it and pass the folder")
    if b"\0" in head.partition(b"\n")[0]:
        raise UsageError(f"{source}: is binary: pass JSON Lines, JSON, CSV or Parquet, compressed or not")


def _is_indented(text: bytes, read_more: Callable[[], bytes]) -> bool:
    """Return whether the first object is written over several lines.

    JSON Lines may begin with a broken line, so an incomplete first line alone is not enough: the second one must look
    like the inside of an object.
    """
    first, second = _first_lines(text)
    while not first and len(text) < LONGEST and len(longer := _strip(read_more())) > len(text):
        first, second = _first_lines(text := longer)
    try:
        orjson.loads(first or text)
    except orjson.JSONDecodeError:
        while not second and len(text) < LONGEST and len(longer := _strip(read_more())) > len(text):
            first, second = _first_lines(text := longer)
        return second[:1] in (b'"', b"}", b"]") or (bool(second) and first.rstrip().endswith((b"[", b"{")))
    return False


def _first_lines(text: bytes) -> tuple[bytes, bytes]:
    """Return the first line, empty where its end is not there, and what follows it."""
    first, newline, rest = text.partition(b"\n")
    return (first, rest.lstrip(_SPACE)) if newline else (b"", b"")


def _strip(head: bytes) -> bytes:
    return head.removeprefix(BOM).lstrip(_SPACE)
