"""Files of rows: which are tables, with which delimiter, and how compressed ones are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from klavier.errors import EventError, UsageError
from klavier.streams.compression import DAMAGES, find_compression, open_decompressed

_TABLES = {".csv": ",;\t|", ".tsv": "\t"}
"""The endings of tables, and their delimiters, the likeliest first."""
_COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst"})
_MAGIC = 8
"""The first bytes of each compression."""
_HEAD = 2**16
"""Bytes in which the header of a table ends."""
_PARQUET = b"PAR1"


@contextmanager
def open_rows(file: Path) -> Iterator[BinaryIO]:
    """Open a file of rows, decompressed by its first bytes; damaged data raises `EventError`."""
    with file.open("rb") as stream:
        compression = find_compression(stream.read(_MAGIC))
        stream.seek(0)
        if not compression:
            yield stream
            return
        try:
            yield open_decompressed(stream, compression, str(file))
        except DAMAGES:
            raise EventError(f"the {compression} data is damaged: write the file again", "") from None


def find_table(file: Path, lines: BinaryIO) -> str | None:
    """Return the delimiter of a table; None for JSON lines.

    Raises `UsageError`, with the remedy, for a file that is neither.
    """
    head = lines.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    ending = next((part for part in reversed(file.suffixes) if part.lower() not in _COMPRESSED), "").lower()
    if head.startswith(_PARQUET):
        raise UsageError(f"{file}: is a Parquet file; export the rows as CSV or as JSON lines")
    if b"\0" in head:
        raise UsageError(f"{file}: is neither CSV nor JSON lines in UTF-8; export the rows as CSV in UTF-8")
    if ending in _TABLES:
        header = head.split(b"\n", 1)[0].decode("utf-8", "replace")
        delimiters = _TABLES[ending]
        return next((delimiter for delimiter in delimiters if delimiter in header), delimiters[0])
    if head[:1] not in (b"{", b""):
        remedy = (
            "one object a line: jq -c '.[]'" if head[:1] == b"[" else "CSV in a file that ends in .csv, or JSON lines"
        )
        raise UsageError(f"{file}: is no file of JSON lines; write {remedy}")
    return None
