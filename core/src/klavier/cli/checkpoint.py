"""The checkpoint of `klavier send`: how far a run came, in a file, so that a later run can continue from there.

Results come in the order of the lines, so the number of lines with a result is the position: what comes after them is
still to be sent.  The file also holds the counts, so that the last summary covers the whole input, each line once.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from attrs import define, evolve, field

from klavier.cli.private_files import open_private
from klavier.cli.summary import Summary
from klavier.errors import UsageError
from klavier.streams.lines import Line
from klavier.streams.result import Result

ENDING = ".progress"
_INTERVAL = 0.1
"""Seconds between two writes while results come slowly."""
_MOST_UNWRITTEN = 500
"""Results after which the file is written before further lines are read, however short the interval was."""

_VERSION = 2
_REMEDY = "delete that file to send everything from the beginning"


@define(eq=False)
class Checkpoint:
    """How far a run over `sources` came; `done` is how many lines had a result when the file was opened.

    `count_requests` returns the requests of this run, `flush_rejects` the size of the file of rejects, in bytes.
    """

    path: Path
    vendor: str
    address: str
    sources: list[str]
    summary: Summary = field(factory=Summary)
    done: int = 0
    rejected_bytes: int = 0
    count_requests: Callable[[], int] = lambda: 0
    flush_rejects: Callable[[], int] = lambda: 0
    _digest: str = ""
    _last: Line | None = None
    _unwritten: int = 0
    _written_at: float = 0.0

    def lines(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Yield the lines that are still to be sent; raises `UsageError` if the input was changed."""
        for number in range(1, self.done + 1):
            line = next(lines, None)
            if line is None:
                raise UsageError(f"{self.path}: {self.done:,} lines are done, and the input has fewer; {_REMEDY}")
            if number == self.done and _digest(line) != self._digest:
                raise UsageError(f"{self.path}: {line.place} has changed; {_REMEDY}")
        for line in lines:
            if self._unwritten and (self._unwritten >= _MOST_UNWRITTEN or self._is_due()):
                self.write()
            yield line

    def add(self, result: Result) -> None:
        """Record a result that was counted and written."""
        self._last = result.line
        self._unwritten += 1
        if self._is_due():
            self.write()

    def write(self, *, is_complete: bool = False) -> None:  # noqa: ARG002 -- results come in order: complete or not
        """Write the file, unless it is up to date."""
        if self._last is None or not self._unwritten:
            return
        summary = self.summary.as_data()
        summary["requests"] += self.count_requests()
        content = {
            "version": _VERSION,
            "vendor": self.vendor,
            "address": self.address,
            "input": self.sources,
            "digest": _digest(self._last),
            "rejects": self.flush_rejects(),
            "summary": summary,
        }
        new = _draft(self.path)
        with open_private(new) as file:
            file.write(orjson.dumps(content))
        new.replace(self.path)
        self._unwritten, self._written_at = 0, time.monotonic()

    def _is_due(self) -> bool:
        return time.monotonic() - self._written_at >= _INTERVAL


def open_checkpoint(path: Path, vendor: str, address: str, sources: Sequence[str]) -> Checkpoint:
    """Read how far an earlier run came, or start at the beginning where there is no file.

    Raises `UsageError` for a file that is damaged, that belongs to another input, vendor or address, or that cannot be
    written: nothing is sent whose position could not be recorded.
    """
    checkpoint = Checkpoint(path, vendor, address, list(sources))
    with open_private(_draft(path)):
        pass
    _draft(path).unlink()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return checkpoint
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        found = orjson.loads(content)
        if found["version"] != _VERSION:
            raise ValueError("another version")  # noqa: TRY301 -- handled like a damaged file
        summary = Summary.from_data(found["summary"])
        digest, rejects = str(found["digest"]), int(found["rejects"])
        before = {name: found[name] for name in ("vendor", "address", "input")}
    except Exception:  # noqa: BLE001 -- whatever is wrong with the content
        raise UsageError(f"{path}: not a progress file of klavier send, or damaged; {_REMEDY}") from None
    for name, now in (("vendor", vendor), ("address", address), ("input", list(sources))):
        if before[name] != now:
            raise UsageError(f"{path}: belongs to another {name} ({_shown(before[name])}); {_REMEDY}")
    return evolve(checkpoint, summary=summary, done=summary.total, digest=digest, rejected_bytes=rejects)


def _draft(path: Path) -> Path:
    """Return the path of the file that replaces the old one when it is complete."""
    return path.with_name(f"{path.name}.new")


def _digest(line: Line) -> str:
    return hashlib.sha256(line.text or line.problem.encode()).hexdigest()[:32]


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
