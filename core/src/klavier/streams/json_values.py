"""Split a stream of JSON into its values without reading it whole: the elements of an array, or object after object."""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from klavier.streams.lines import BOM, LONGEST, Line, split_line

_CHUNK = 2**16
_BETWEEN_VALUES = re.compile(rb'["{}\[\],]')
_WITHIN_VALUE = re.compile(rb'["{}\[\]]')
_WITHIN_STRING = re.compile(rb'["\\]')


def read_array(stream: BinaryIO, source: str, position: Callable[[], int]) -> Iterator[Line]:
    """Yield the elements of a JSON array, one in memory at a time; an array that is cut off ends with a problem."""
    return _read_values(stream, source, position, _Splitter(depth=1))


def read_objects(stream: BinaryIO, source: str, position: Callable[[], int]) -> Iterator[Line]:
    """Yield the objects of a file that holds one or several, each written over several lines."""
    return _read_values(stream, source, position, _Splitter(depth=0))


def _read_values(stream: BinaryIO, source: str, position: Callable[[], int], splitter: "_Splitter") -> Iterator[Line]:
    number = 0
    problem = ""
    while not problem:
        chunk = stream.read(_CHUNK)
        for text in splitter.feed(chunk):
            number += 1
            yield from split_line(Line(source, number, text, position(), unit="element"))
        if splitter.pending > LONGEST:
            problem = f"longer than {LONGEST} bytes: send smaller events, or one on each line"
        elif not chunk and splitter.is_incomplete:
            problem = "the JSON is cut off"
        elif splitter.is_over and splitter.pending:
            problem = "text follows the end of the array: write one array, or one object on each line"
        elif not chunk:
            return
    yield Line(source, number + 1, b"", position(), f"{problem}; nothing after it was read", "element")


class _Splitter:
    """Finds the values of a JSON text at one depth: 1 for the elements of an array, 0 for values one after the other.

    It only counts brackets outside strings; whoever parses the values finds what else is wrong.
    """

    def __init__(self, depth: int) -> None:
        self.is_over = False
        """Whether the array was closed."""
        self._value_depth = depth
        self._depth = 0
        self._is_in_string = False
        self._buffer = b""
        self._at = 0

    @property
    def pending(self) -> int:
        """How many bytes are held that belong to no value yet."""
        return len(self._buffer)

    @property
    def is_incomplete(self) -> bool:
        """Whether the text so far ends within a value or the array."""
        return not self.is_over and (self._depth > 0 or self._is_in_string or self.pending > 0)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Add text; yield the values that it completes."""
        self._buffer += chunk
        start = 0
        while (at := self._find_mark()) is not None:
            value = self._follow(self._buffer[at : at + 1], start, at)
            if value is not None:
                start = self._at
                value = value.removeprefix(BOM).strip(b" \t\r\n,")
                if value:
                    yield value
        rest = self._buffer[start:]
        self._buffer, self._at = (b"", 0) if not rest.strip() else (rest, self._at - start)

    def _find_mark(self) -> int | None:
        """Return the position of the next mark, and skip what is escaped; None at the end of the text so far."""
        while not self.is_over:
            if self._is_in_string:
                pattern = _WITHIN_STRING
            else:
                pattern = _BETWEEN_VALUES if self._depth == self._value_depth else _WITHIN_VALUE
            match = pattern.search(self._buffer, self._at)
            if match is None:
                self._at = len(self._buffer)
                return None
            at = match.start()
            if match[0] != b"\\":
                self._at = at + 1
                return at
            if at + 2 > len(self._buffer):  # what is escaped comes with the next chunk
                self._at = at
                return None
            self._at = at + 2
        return None

    def _follow(self, mark: bytes, start: int, at: int) -> bytes | None:
        """Count a mark; return the value that ends at it, empty where only the array begins."""
        if mark == b'"':
            self._is_in_string = not self._is_in_string
            return None
        if mark == b",":
            return self._buffer[start:at] if self._value_depth else None
        if mark in b"{[":
            self._depth += 1
            return b"" if self._depth == self._value_depth else None
        self._depth -= 1
        if self._depth < self._value_depth:
            self.is_over = True
            return self._buffer[start:at]
        return self._buffer[start : at + 1] if self._depth == self._value_depth == 0 else None
