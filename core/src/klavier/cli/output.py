"""Write many results to standard output: in large pieces from a file, one by one from a pipe."""

import sys
from types import TracebackType
from typing import BinaryIO, Self

_PIECE = 64 * 1024


class Output:
    """Standard output, as bytes; the end of the block writes what is left."""

    def __init__(self, *, is_eager: bool) -> None:
        sys.stdout.flush()  # what was written as text comes first
        self._stream: BinaryIO = sys.stdout.buffer
        self._is_eager = is_eager or self._stream.isatty()
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, piece: bytes) -> None:
        """Write some bytes now or soon."""
        self._waiting.append(piece)
        self._size += len(piece)
        if self._is_eager or self._size >= _PIECE:
            self.flush()

    def write_line(self, text: str) -> None:
        """Write a line of text; a character that standard output cannot show becomes its escape."""
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self.write(f"{text}\n".encode(encoding, "backslashreplace"))

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting, self._size = b"".join(self._waiting), [], 0
        self._stream.write(waiting)
        self._stream.flush()

    def __enter__(self) -> Self:
        """Return the object itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what waits, except where nobody reads it any more."""
        if not isinstance(error, BrokenPipeError):
            self.flush()
