"""Where events come from: files, or standard input."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import orjson

from klavier.cli.pipe import Pipe
from klavier.errors import EventError, UsageError
from klavier.streams.lines import Line, read_lines

if TYPE_CHECKING:
    from klavier.events.model import Event

STDIN = "-"
_NUMBER = re.compile(r"\d+")


def check_readable(names: Sequence[str]) -> None:
    """Open each file before anything is sent; raises `UsageError` for one that cannot be read."""
    if names.count(STDIN) > 1:
        raise UsageError("standard input can be read only once: pass - once")
    for name in names:
        # A pipe can be opened only once, so it is left for later.
        if name != STDIN and not _is_pipe(name):
            _opened(name).close()


class Sources:
    """Files, pipes and standard input, one after the other."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._present: Pipe | BinaryIO | None = None

    def lines(self) -> Iterator[Line]:
        """Give the lines of each source in turn."""
        for name in self._names:
            with nullcontext(_standard_input()) if name == STDIN else _opened(name) as stream:
                self._present = Pipe(stream) if name == STDIN or _is_pipe(name) else stream
                yield from read_lines(self._present, "standard input" if name == STDIN else name)

    @property
    def asked(self) -> Callable[[], bool] | None:
        """Give what tells whether the next line can be had without a wait; None where each of them can."""
        return self.is_ready if size_of(self._names) is None else None

    def is_ready(self) -> bool:
        """Tell whether the next line is there; not at the end of a file, whatever comes after it."""
        present = self._present
        if present is None or isinstance(present, Pipe):
            return present is not None and present.is_ready()
        return present.tell() < os.fstat(present.fileno()).st_size


def lines_of(names: Sequence[str]) -> Iterator[Line]:
    """Give the lines of each source in turn."""
    return Sources(names).lines()


def rows_of(names: Sequence[str], read: Callable[[str], Iterable["Event"]]) -> Iterator[Line]:
    """Give the rows of each file in turn, as the lines of the events that `read` makes of them.

    What is no row ends its file: it is a line with a problem, so that it has its outcome and the rows before it theirs.
    """
    for name in names:
        number = 0
        try:
            for number, event in enumerate(read(name), 1):
                yield Line(name, number, orjson.dumps(event.payload))
        except EventError as error:
            place = _NUMBER.search(error.place)
            where = int(place[0]) if place else number + 1
            yield Line(name, where, b"", problem=f"{error.problem}; nothing after it was read")


def size_of(names: Sequence[str]) -> int | None:
    """Give the bytes of all sources together; None where one of them is no plain file."""
    files = [Path(name) for name in names]
    if STDIN in names or not all(file.is_file() for file in files):
        return None
    return sum(file.stat().st_size for file in files)


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise UsageError("standard input is closed; give the path of a JSON Lines file")
    return sys.stdin.buffer


def _is_pipe(name: str) -> bool:
    try:
        return Path(name).is_fifo()
    except (OSError, ValueError):
        return False


def _opened(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except FileNotFoundError:
        raise UsageError(f"{name}: there is no such file; give a JSON Lines file, or - for standard input") from None
    except IsADirectoryError:
        raise UsageError(f"{name}: is a folder; give a JSON Lines file in it") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the path cannot be used"
        raise UsageError(f"{name}: cannot be read: {why}") from None
