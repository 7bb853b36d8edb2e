"""Lines: the events of a source before they are parsed, one in memory at a time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import orjson
from attrs import evolve, field, frozen

from klavier.errors import EventError
from klavier.events.batch import split_batch
from klavier.strictjson import read_text

if TYPE_CHECKING:
    from klavier.events.model import Event

LONGEST = 16 * 2**20
"""Bytes of a line; Klaviyo accepts requests of up to 5 MB, so a longer line holds no event that could be sent."""

BOM = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8, which some programs write at the start."""


class Stream(Protocol):
    """What lines are read from."""

    def readline(self, limit: int, /) -> bytes:
        """Return the next line with its end, or the first `limit` bytes of a longer one; empty at the end."""
        ...


@frozen(slots=False)  # without slots it is made faster, and there is one for every line
class Line:
    """One event of a source: its place, and its JSON or the problem with it.

    `number` counts the source's `unit`s: lines, elements of an array, or rows.  `part` is the place in a batch, from 1;
    0 for a line that is no batch.  `end` is how many bytes of the source lie before the next line.  `event` is set
    where the source holds no JSON and the event was made in another way; `text` is then what is to be resent.
    """

    source: str
    number: int
    text: bytes = field(repr=False)
    end: int = 0
    problem: str = ""
    unit: str = "line"
    part: int = 0
    event: "Event | None" = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Where the line is, for messages."""
        part = f", event {self.part}" if self.part else ""
        return f"{self.source} {self.unit} {self.number}{part}"


def read_lines(stream: Stream, source: str) -> Iterator[Line]:
    """Yield the lines of JSON Lines, without line ends; blank lines count but are skipped, as is a byte order mark."""
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
            yield from split_line(Line(source, number, text, end))


def split_line(line: Line) -> Iterator[Line]:
    """Yield one line for each event of a batch, `{"batch": [...]}`; any other line as it is."""
    try:
        events = split_batch(read_text(line.text)) if b'"batch"' in line.text else None
    except EventError:
        events = None  # whoever parses the line reports it
    if events is None:
        yield line
        return
    for part, event in enumerate(events, 1):
        yield evolve(line, text=orjson.dumps(event), part=part)


def _skip_rest(stream: Stream) -> int:
    """Read up to the end of the line in pieces; return how many bytes that was."""
    skipped = 0
    while rest := stream.readline(LONGEST):
        skipped += len(rest)
        if rest.endswith(b"\n"):
            break
    return skipped
