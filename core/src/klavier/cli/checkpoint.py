"""How far `klavier send` came, kept in a file, so that a run that was ended in any way can go on from there.

Outcomes come in the order of the lines, so the number of those that are told says all: what comes after them is still
to be sent.  The file also keeps the counts, so that the last summary tells of the whole input, and each line once.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from attrs import define, evolve, field

from klavier.cli.summary import Tally
from klavier.errors import UsageError
from klavier.streams.lines import Line
from klavier.streams.pipeline import Result

ENDING = ".progress"
_OFTEN = 0.1
"""Seconds between two writings while results trickle."""
_MANY = 500
"""How many unwritten results are written down before further lines are read, however short it has been."""

_VERSION = 1
_AFRESH = "delete that file to send everything from the beginning"


@define(eq=False)
class Progress:
    """The progress of one run over `sources`; `done` is how many lines had been settled when it was opened.

    `extra` gives the requests that no result shows, `rejects` the bytes of the file of rejects, flushed.
    """

    path: Path
    vendor: str
    address: str
    sources: list[str]
    tally: Tally = field(factory=Tally)
    done: int = 0
    rejected_bytes: int = 0
    extra: Callable[[], int] = lambda: 0
    rejects: Callable[[], int] = lambda: 0
    _digest: str = ""
    _last: Line | None = None
    _unwritten: int = 0
    _written_at: float = 0.0

    def lines(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Give the lines that are still to be sent; raises `UsageError` where the input is not what it was."""
        for number in range(1, self.done + 1):
            line = next(lines, None)
            if line is None:
                raise UsageError(
                    f"{self.path}: {self.done:,} lines were settled before, and now there are fewer; {_AFRESH}"
                )
            if number == self.done and _digest(line) != self._digest:
                raise UsageError(f"{self.path}: {line.place} is not what it was; {_AFRESH}")
        for line in lines:
            if self._unwritten and (self._unwritten >= _MANY or self._is_time()):
                self.write()
            yield line

    def note(self, result: Result) -> None:
        """Take note that a result was told."""
        self._last = result.line
        self._unwritten += 1
        if self._is_time():
            self.write()

    def write(self) -> None:
        """Write down what was told so far; does nothing where that is on the disk already."""
        if self._last is None or not self._unwritten:
            return
        told = self.tally.as_data()
        told["requests"] += self.extra()
        kept = {
            "version": _VERSION,
            "vendor": self.vendor,
            "address": self.address,
            "input": self.sources,
            "digest": _digest(self._last),
            "rejects": self.rejects(),
            "tally": told,
        }
        beside = self.path.with_name(f"{self.path.name}.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(kept))
        beside.replace(self.path)
        self._unwritten, self._written_at = 0, time.monotonic()

    def _is_time(self) -> bool:
        return time.monotonic() - self._written_at >= _OFTEN


def open_progress(path: Path, vendor: str, address: str, sources: Sequence[str]) -> Progress:
    """Read how far an earlier run came, or begin at the beginning.

    Raises `UsageError` for a file that is damaged, or that was kept for another input, vendor or address.
    """
    progress = Progress(path, vendor, address, list(sources))
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return progress
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        kept = orjson.loads(content)
        if kept["version"] != _VERSION:
            raise ValueError("another version")  # noqa: TRY301 -- as damaged as the rest
        tally = Tally.of_data(kept["tally"])
        digest, rejects = str(kept["digest"]), int(kept["rejects"])
        before = {name: kept[name] for name in ("vendor", "address", "input")}
    except Exception:  # noqa: BLE001 -- whatever is wrong with what stands in it
        raise UsageError(f"{path}: is no progress of klavier send, or it is damaged; {_AFRESH}") from None
    for name, now in (("vendor", vendor), ("address", address), ("input", list(sources))):
        if before[name] != now:
            raise UsageError(f"{path}: was kept for another {name} ({_shown(before[name])}); {_AFRESH}")
    return evolve(progress, tally=tally, done=tally.total, digest=digest, rejected_bytes=rejects)


def _digest(line: Line) -> str:
    return hashlib.sha256(line.text or line.problem.encode()).hexdigest()[:32]


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
