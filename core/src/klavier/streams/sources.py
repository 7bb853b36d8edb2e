"""Sources of events: files, folders, patterns, pipes and standard input, checked before anything is sent."""

import fnmatch
import os
import re
import stat
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from glob import has_magic
from pathlib import Path
from typing import BinaryIO

import orjson
from attrs import frozen

from klavier.errors import EventError, UsageError
from klavier.events.model import Event
from klavier.streams import tables
from klavier.streams.formats import Layout, find_layout, read_stream
from klavier.streams.lines import Line, read_lines
from klavier.streams.pipe import Pipe

STDIN = "-"
_HEAD = 2**16
"""Bytes that are read to find a file's format: enough for the first lines and the header of a table."""

_NUMBER = re.compile(r"\d+")
_DAY = re.compile(r"(?P<month>\d\d)-(?P<day>\d\d)-(?P<year>\d{4})")
"""A folder of RudderStack's archive, `rudder-logs/SOURCE/MM-DD-YYYY/`: its name does not sort by time."""


@frozen
class _File:
    """A file whose layout was found; None for a pipe, which is looked at when it is read."""

    name: str
    layout: Layout | None


class Sources:
    """Files, pipes and standard input, one after the other.

    A folder stands for the files in it, at any depth, and a pattern with `*`, `?` or `[` for the files that match.
    They are read in the order of their names; days in the names of RudderStack's archive are ordered by time.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Look at each file; raises `UsageError`, which names the file and the remedy, for one that cannot be read."""
        if names.count(STDIN) > 1:
            raise UsageError("standard input can be read only once: pass - once")
        self._files = [_check(name, is_named=name in names) for name in find_files(names)]
        self._current: Pipe | BinaryIO | None = None

    @property
    def names(self) -> list[str]:
        """The files, after folders and patterns were replaced by what they stand for."""
        return [file.name for file in self._files]

    @property
    def size(self) -> int | None:
        """The bytes of all files together; None where one of them is a pipe."""
        if any(file.layout is None for file in self._files):
            return None
        return sum(Path(file.name).stat().st_size for file in self._files)

    def lines(self) -> Generator[Line]:
        """Yield the events of each source in turn."""
        for file in self._files:
            if file.layout is None:
                yield from self._read_pipe(file.name)
            elif file.layout.format == "parquet":
                yield from tables.read_parquet(file.name)
            else:
                with _open(file.name) as stream:
                    self._current = stream
                    yield from read_stream(stream, file.name, file.layout, stream.tell)

    @property
    def asked(self) -> Callable[[], bool] | None:
        """What returns whether the next line can be read without blocking; None where each of them can."""
        return None if self.size is not None else self.is_ready

    def is_ready(self) -> bool:
        """Return whether the next line is there; False at the end of a file, whatever comes after it."""
        current = self._current
        if current is None or isinstance(current, Pipe):
            return current is not None and current.is_ready()
        return current.tell() < os.fstat(current.fileno()).st_size

    def _read_pipe(self, name: str) -> Iterator[Line]:
        source = "standard input" if name == STDIN else name
        stream = _standard_input() if name == STDIN else _open(name)
        try:
            pipe = self._current = Pipe(stream)
            layout = find_layout(pipe.peek(), source, pipe.peek_further)
            if layout.format == "parquet":
                raise UsageError(f"{source}: Parquet is read from its end: pass the name of a file, not a pipe")
            if layout == Layout("", "lines"):
                yield from read_lines(pipe, source)
            else:
                yield from read_stream(pipe.to_binary(), source, layout, lambda: 0)
        finally:
            if name != STDIN:
                stream.close()


def find_files(names: Iterable[str]) -> list[str]:
    """Replace folders and patterns by the files that they stand for; raises `UsageError` for one without any."""
    found: list[str] = []
    for name in names:
        if name == STDIN:
            found.append(name)
        elif os.path.isdir(name):  # noqa: PTH112 -- unlike Path.is_dir it raises for no name
            files = _match(name, ["**"], (".", "_"))  # `_` begins the markers of Spark and Hadoop
            found += files or _refuse(f"{name}: is a folder without files; pass a file of events")
        elif has_magic(name) and not os.path.exists(name):  # noqa: PTH110 -- as above
            files = _match("", Path(name).parts, (".",))
            found += files or _refuse(f"{name}: matches no file; pass a file of events")
        else:
            found.append(name)
    return found


def rows_of(names: Sequence[str], read: Callable[[str], Iterable[Event | Line]]) -> Generator[Line]:
    """Yield the rows of each file in turn; `read` returns what a plugin reads from a file: events and bad rows.

    All files are opened first, so that one which cannot be read is refused before anything is sent.
    """
    return _rows([(name, read(name)) for name in names])


def _rows(files: Iterable[tuple[str, Iterable[Event | Line]]]) -> Generator[Line]:
    for name, rows in files:
        number = 0
        try:
            for number, row in enumerate(rows, 1):
                if isinstance(row, Line):
                    yield row
                else:
                    yield Line(name, number, orjson.dumps(row.payload), unit="row", event=row)
        except EventError as error:  # raised by plugins that cannot read further
            place = _NUMBER.search(error.place)
            where = int(place[0]) if place else number + 1
            yield Line(name, where, b"", problem=f"{error.problem}; nothing after it was read", unit="row")


def _check(name: str, *, is_named: bool) -> _File:
    """Find the layout of a file; a pipe can be opened only once, so it is looked at later.

    A text file that was not named, but found in a folder, must begin as a file of events does.
    """
    if name == STDIN or _is_pipe(name):
        return _File(name, None)
    with _open(name) as stream:
        head = bytearray(stream.read(_HEAD))

        def read_more() -> bytes:
            head.extend(stream.read(_HEAD))
            return bytes(head)

        layout = find_layout(bytes(head), name, read_more)
        if layout == Layout("", "lines") and not is_named and bytes(head).strip()[:1] not in (b"", b"{"):
            raise UsageError(f"{name}: is no file of events; move it elsewhere, or pass the files by name")
    if layout.format == "parquet":
        tables.check_parquet(name)
    return _File(name, layout)


def _match(folder: str, pattern: Sequence[str], hidden: tuple[str, ...]) -> list[str]:
    """Return the files of `_files_in` in order; raises `UsageError` for a folder or file that cannot be read."""
    try:
        return _sorted(_files_in(folder, pattern, hidden, set()))
    except (OSError, ValueError) as error:
        raise _unreadable(str(getattr(error, "filename", None) or folder), error) from None


def _files_in(
    folder: str, pattern: Sequence[str], hidden: tuple[str, ...], read: set[tuple[Path, Sequence[str]]]
) -> Iterator[str]:
    """Yield the files below a folder whose path matches a pattern, given by its parts; `**` is any number of folders.

    Names that begin with one of `hidden` match only a part that does, too. A link stands for what it leads to; each
    folder is read once, so that a circle of links has an end. `glob` passes over what cannot be read.
    """
    place = (Path(folder).resolve(), tuple(pattern))
    if place in read:
        return
    read.add(place)
    part, *rest = pattern
    if part == "**":
        yield from _files_in(folder, rest or ["*"], hidden, read)
        part, rest = "*", list(pattern)
    for name in _names_in(folder, part, hidden):
        path = os.path.join(folder, name)  # noqa: PTH118 -- keeps the name as it was passed
        if not rest and _is_file(path):
            yield path
        elif rest and os.path.isdir(path):  # noqa: PTH112 -- as above
            yield from _files_in(path, rest, hidden, read)


def _names_in(folder: str, part: str, hidden: tuple[str, ...]) -> list[str]:
    if not has_magic(part):
        return [part]
    with os.scandir(folder or os.curdir) as entries:
        names = sorted(entry.name for entry in entries)
    return [name for name in fnmatch.filter(names, part) if part[0] in hidden or not name.startswith(hidden)]


def _is_file(path: str) -> bool:
    """Return whether a path is a file, or a link that leads nowhere; raises `OSError` where it cannot be looked at."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 -- Path.is_file is False for what cannot be read
    except FileNotFoundError:
        return os.path.islink(path)  # noqa: PTH114 -- as above


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: _DAY.sub(r"\g<year>-\g<month>-\g<day>", name))


def _unreadable(name: str, error: OSError | ValueError) -> UsageError:
    return UsageError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or 'the path cannot be used'}")


def _refuse(message: str) -> list[str]:
    raise UsageError(message)


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise UsageError("standard input is closed; pass a file of events")
    return sys.stdin.buffer


def _is_pipe(name: str) -> bool:
    try:
        return Path(name).is_fifo()
    except (OSError, ValueError):
        return False


def _open(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except FileNotFoundError:
        raise UsageError(f"{name}: there is no such file; pass a file of events, or - for standard input") from None
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from None
