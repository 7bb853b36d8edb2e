"""Compressed files: which compression it is, by the first bytes, and the stream of what they hold."""

import bz2
import gzip
import io
import lzma
import zlib
from typing import Any, BinaryIO, cast

from klavier.errors import UsageError

_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
_BUFFER = 2**16
_GZIP_HEADER = zlib.MAX_WBITS | 16
"""Makes zlib expect gzip's header."""

DAMAGES: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, OSError, ValueError)
"""What the decompressors raise for damaged data; zstandard's own error is a ValueError here."""


class DamagedError(ValueError):
    """The data is no whole zstd stream."""


def find_compression(head: bytes) -> str:
    """Return the name of the compression of a file with these first bytes; empty for none."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


def decompress_head(head: bytes, compression: str, source: str) -> bytes:
    """Return what the first bytes of a compressed file hold, at least in part; it may be empty for few bytes.

    Raises `UsageError` for damaged data, and where the library is missing.
    """
    try:
        found: bytes = _decompressor(compression, source).decompress(head)
    except UsageError:
        raise
    except Exception:  # noqa: BLE001 -- each library raises its own error
        raise UsageError(f"{source}: the {compression} data is damaged: write the file again") from None
    return found


def open_decompressed(stream: BinaryIO, compression: str, source: str) -> BinaryIO:
    """Return the decompressed stream; raises `UsageError` where the library is missing."""
    if compression == "gzip":
        return io.BufferedReader(gzip.GzipFile(fileobj=stream), _BUFFER)
    if compression == "bzip2":
        return cast("BinaryIO", bz2.BZ2File(stream))
    if compression == "xz":
        return cast("BinaryIO", lzma.LZMAFile(stream))
    if compression == "zstd":
        return io.BufferedReader(_ZstdReader(stream, _import_zstandard(source)), _BUFFER)
    return stream


class _ZstdReader(io.RawIOBase):
    """zstandard's reader, which raises at the end of data that is cut off: its own takes that for the end."""

    def __init__(self, stream: BinaryIO, zstandard: Any) -> None:
        self._stream = stream
        self._library = zstandard
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._found = b""
        self._is_within_frame = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._found:
            compressed = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = self._library.ZstdDecompressor().decompressobj()
                self._is_within_frame = False
            compressed = compressed or self._stream.read(_BUFFER)
            if not compressed:
                if self._is_within_frame:
                    raise DamagedError("the data is cut off")
                return 0
            self._is_within_frame = True
            try:
                self._found = self._frame.decompress(compressed)
            except self._library.ZstdError:
                raise DamagedError("the data is damaged") from None
        part, self._found = self._found[: len(buffer)], self._found[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _decompressor(compression: str, source: str) -> Any:
    if compression == "gzip":
        return zlib.decompressobj(_GZIP_HEADER)
    if compression == "bzip2":
        return bz2.BZ2Decompressor()
    if compression == "xz":
        return lzma.LZMADecompressor()
    return _import_zstandard(source).ZstdDecompressor().decompressobj()


def _import_zstandard(source: str) -> Any:
    try:
        import zstandard  # noqa: PLC0415 -- an extra
    except ImportError:
        raise UsageError(f"{source}: zstd needs zstandard; try: pip install 'klavier[zstd]'") from None
    return zstandard
