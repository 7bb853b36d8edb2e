"""Pipes and standard input: streams whose next line may not be there yet."""

import io
import select
from typing import Any, BinaryIO

_CHUNK = 2**16
"""Bytes of one read: the capacity of a pipe on Linux."""


class Pipe:
    """A stream of lines that knows whether the next line can be read without blocking.

    It reads past the stream's own buffer, whose content cannot be asked for.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Read this stream, of which nothing was read before."""
        self._stream: Any = getattr(stream, "raw", stream)
        self._chunk = b""
        self._at = 0

    def is_ready(self) -> bool:
        """Return whether the next line can be read without blocking.

        A line whose first bytes are there counts as ready.  So does a stream that cannot be asked, such as a pipe on
        Windows.
        """
        if self._chunk.find(b"\n", self._at) >= 0:
            return True
        try:
            return bool(select.select([self._stream], [], [], 0)[0])
        except (OSError, ValueError):
            return True

    def peek(self) -> bytes:
        """Return the next bytes without consuming them; waits for the first of them, empty only at the end."""
        if self._at == len(self._chunk):
            self._read_chunk()
        return self._chunk[self._at :]

    def peek_further(self) -> bytes:
        """Wait for more bytes and return all that were not consumed."""
        rest = self.peek()
        self._read_chunk()
        self._chunk = rest + self._chunk
        return self._chunk

    def readline(self, limit: int) -> bytes:
        """Return the next line with its end, or the first `limit` bytes of a longer one; empty at the end."""
        parts: list[bytes] = []
        while limit > 0:
            if self._at == len(self._chunk) and not self._read_chunk():
                break
            end = self._chunk.find(b"\n", self._at, self._at + limit) + 1 or min(len(self._chunk), self._at + limit)
            part = self._chunk[self._at : end]
            parts.append(part)
            self._at = end
            limit -= len(part)
            if part.endswith(b"\n"):
                break
        return b"".join(parts)

    def to_binary(self) -> io.BufferedReader:
        """Return what was not consumed, and the rest of the stream, as a file object."""
        return io.BufferedReader(_Prefixed(self.peek(), self._stream))

    def _read_chunk(self) -> bool:
        """Wait for more bytes; False at the end."""
        while (chunk := self._stream.read(_CHUNK)) is None:  # the stream is non-blocking, but we wait
            select.select([self._stream], [], [])
        self._chunk, self._at = chunk, 0
        return bool(chunk)


class _Prefixed(io.RawIOBase):
    """Some bytes, and after them those of a stream."""

    def __init__(self, prefix: bytes, stream: Any) -> None:
        self._prefix = prefix
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._prefix or self._stream.read(len(buffer)) or b""
        part, self._prefix = found[: len(buffer)], found[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)
