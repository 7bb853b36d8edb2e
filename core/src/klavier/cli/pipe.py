"""Pipes, and standard input: lines that may have to be waited for."""

import select
from typing import BinaryIO

_PIECE = 2**16
"""Bytes that are read at once, where there are so many: as many as a pipe usually holds."""


class Pipe:
    """A stream of lines that can be asked whether the next one is there.

    It reads past the stream's own buffer, which cannot be asked.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Read this stream, of which nothing was read before."""
        self._stream: BinaryIO = getattr(stream, "raw", stream)
        self._piece = b""
        self._at = 0

    def is_ready(self) -> bool:
        """Tell whether the next line can be had without a wait, as far as anybody can tell.

        Of what has only begun to come the rest comes soon; what cannot be asked, as pipes under Windows, is ready.
        """
        if self._piece.find(b"\n", self._at) >= 0:
            return True
        try:
            return bool(select.select([self._stream], [], [], 0)[0])
        except (OSError, ValueError):
            return True

    def readline(self, limit: int) -> bytes:
        """Give the next line with its end, or the first `limit` bytes of a longer one; nothing at the end of all."""
        parts: list[bytes] = []
        while limit > 0:
            if self._at == len(self._piece) and not self._read_on():
                break
            end = self._piece.find(b"\n", self._at, self._at + limit) + 1 or min(len(self._piece), self._at + limit)
            part = self._piece[self._at : end]
            parts.append(part)
            self._at = end
            limit -= len(part)
            if part.endswith(b"\n"):
                break
        return b"".join(parts)

    def _read_on(self) -> bool:
        """Wait for more; False at the end."""
        while (piece := self._stream.read(_PIECE)) is None:  # who opened it does not want to wait; we do
            select.select([self._stream], [], [])
        self._piece, self._at = piece, 0
        return bool(piece)
