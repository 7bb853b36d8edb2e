"""Read JSON Lines from a stream of bytes, one line in memory at a time."""

from collections.abc import Iterator
from typing import Protocol

from attrs import field, frozen

LONGEST = 16 * 2**20
"""Bytes of a line; Klaviyo takes requests of 5 MB, so a longer line holds no event that could be sent."""

BOM = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8, which some programs write at the start."""


class Stream(Protocol):
    """What lines are read from."""

    def readline(self, limit: int, /) -> bytes:
        """Give the next line with its end, or the first `limit` bytes of a longer one; nothing at the end."""
        ...


@frozen(slots=False)  # without slots it is made faster, and there is one for every line
class Line:
    """One line of a stream that is not blank: where it stood, and its bytes or why they were not kept.

    `end` is how many bytes of the stream lie behind it, its line end included.
    """

    source: str
    number: int
    text: bytes = field(repr=False)
    end: int = 0
    problem: str = ""

    @property
    def place(self) -> str:
        """Where the line stands, in words."""
        return f"{self.source} line {self.number}"


def read_lines(stream: Stream, source: str) -> Iterator[Line]:
    """Give the lines of a stream, without line ends; blank ones count but are passed over, so is a byte order mark."""
    number = end = 0
    while text := stream.readline(LONGEST + 1):
        number += 1
        end += len(text)
        if len(text) > LONGEST and not text.endswith(b"\n"):
            end += _skip_rest(stream)
            yield Line(source, number, b"", end, f"longer than {LONGEST} bytes; send smaller events")
            continue
        if number == 1:
            text = text.removeprefix(BOM)
        text = text.strip(b" \t\r\n")
        if text:
            yield Line(source, number, text, end)


def _skip_rest(stream: Stream) -> int:
    """Read up to the end of the line in pieces; gives how many bytes that was."""
    skipped = 0
    while rest := stream.readline(LONGEST):
        skipped += len(rest)
        if rest.endswith(b"\n"):
            break
    return skipped
