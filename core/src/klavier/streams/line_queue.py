"""The queue of a run over lines: it reads further lines as the results of earlier ones are taken."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from attrs import define

from klavier.events.model import Event
from klavier.outbox import Coming, Entry, MemoryQueue, Settlement
from klavier.outbox.base import UNLIMITED
from klavier.outcome import Outcome, failed
from klavier.streams.lines import BOM, Line
from klavier.streams.result import Result

CAPACITY = 50_000_000
"""Bytes of memory for lines without a result.

Found by measuring: the process of `klavier send` then stays below 120 MB (tests/cli/test_resume.py).  More capacity
makes runs no faster, since the worker needs only enough lines to fill its connections and bodies.
"""

PER_LINE, PER_BYTE = 8_000, 10
"""Bytes of memory for each line, and for each byte of its text: text, event, request and body, as measured."""


NOT_STARTED = failed("not started: the run was stopped")
"""Stands for the outcome of lines after a stop; the queue returns no result for them."""


@define(eq=False)
class _Held:
    """A line that was read and whose result was not taken: its event, and its result once it is known."""

    line: Line
    event: Event | None = None
    result: Result | None = None

    @property
    def size(self) -> int:
        return PER_LINE + PER_BYTE * len(self.line.text)


class _Stop:
    """Where a run stops: after the last line that had started when `is_asked` first returned True."""

    def __init__(self, is_asked: Callable[[], bool]) -> None:
        self.is_reached = False
        """Whether a line without a result was taken: the lines after it get none either."""
        self._is_asked = is_asked
        self._last_started = 0
        self._after: int | None = None

    def may_start(self, seq: int) -> bool:
        """Return whether the line at a position may start, and note that it does."""
        if self._after is None and self._is_asked():
            self._after = self._last_started
        if self._after is not None and seq > self._after:
            return False
        self._last_started = max(self._last_started, seq)
        return True


class LineQueue:
    """The worker's queue for one run over lines.  It belongs to one thread.

    `read` returns the event of a line and its ordering key, or the result of a line that is no event.  A line uses
    capacity from when it is read until its result is taken, so memory is bounded however many lines there are.

    `is_ready` returns whether the next line can be read without blocking; without it every line can.  A line that is
    not ready is waited for only while no other line is held, since replies are not received during that wait.

    When `is_stopping` returns True, the lines after the last started one are not started any more and get no result.
    So the lines with a result are always the first ones, and a later run can continue after them.
    """

    def __init__(
        self,
        lines: Iterable[Line],
        read: Callable[[Line], tuple[Event, str] | Result],
        *,
        is_ready: Callable[[], bool] | None = None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.changed = asyncio.Event()
        """Set when there may be results to take, or when no more lines will come."""
        self.error: Exception | None = None
        """What reading the lines raised: it ends the lines, and those before it keep their results."""
        self._lines = iter(lines)
        self._read = read
        self._is_ready = is_ready
        self._stop = _Stop(is_stopping)
        self._is_over = False
        self._capacity = CAPACITY
        self._last = 0
        self._queue = MemoryQueue()
        self._held: deque[_Held] = deque()
        self._by_seq: dict[int, _Held] = {}

    @property
    def is_done(self) -> bool:
        """Whether every line was read and every result taken."""
        return self._is_over and not self._held

    @property
    def coming(self) -> Coming:
        """Whether more lines will be read: at once where results can be taken, which frees capacity."""
        if self._is_over:
            return "no"
        return "at once" if self._held and self._held[0].result is not None else "later"

    def read(self, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries after a position; reads lines for them while there is capacity."""
        before = self._last
        fresh = self._read_lines(limit)
        return fresh if after >= before else self._queue.read(after, limit, max_bytes)

    def read_key(self, key: str, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries of one ordering key after a position, of the lines that were read."""
        return self._queue.read_key(key, after, limit, max_bytes)

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = ()) -> None:
        """Record how attempts ended; `done` are positions of entries that only leave."""
        self._queue.settle(settlements, done)

    def mark_translating(self, seqs: Sequence[int]) -> None:
        """Do nothing: no line outlives the process."""

    def start(self, entry: Entry) -> Event | Outcome:
        """Return the event of an entry whose attempt starts, or `NOT_STARTED` after a stop."""
        if not self._stop.may_start(entry.seq):
            return NOT_STARTED
        event = self._by_seq[entry.seq].event
        if event is None:
            raise AssertionError("an entry with a result is not started again")
        return event

    def finish(self, event: Event | None, entry: Entry, outcome: Outcome) -> None:
        """Record the final outcome of an entry; `event` is what was sent, None for the event that was read."""
        held = self._by_seq.pop(entry.seq)
        held.result = Result(held.line, held.event if event is None else event, outcome, outcome.reason)
        held.event = None
        self.changed.set()

    def take(self) -> Iterator[Result]:
        """Return the known results in the order of the lines, up to the first line without one."""
        held = self._held
        while held and (result := held[0].result) is not None:
            self._capacity += held.popleft().size
            if result.outcome is NOT_STARTED:
                self._stop.is_reached = True
            if not self._stop.is_reached:  # lines after it, such as one that is no event, get no result either
                yield result

    def _read_lines(self, limit: int) -> list[Entry]:
        fresh: list[Entry] = []
        while len(fresh) < limit and self._capacity > 0 and not self._is_over:
            if self._held and self._is_ready is not None and not self._is_ready():
                break
            self._read_line(fresh)
        if self._is_over or (self._held and self._held[0].result is not None):
            self.changed.set()
        return fresh

    def _read_line(self, fresh: list[Entry]) -> None:
        """Read a line, and add its entry to `fresh` where it is an event."""
        try:
            line = next(self._lines, None)
        except Exception as error:  # noqa: BLE001 -- it is raised again when the lines before it have their results
            line, self.error = None, error
        if line is None:
            self._is_over = True
            return
        self._last += 1
        found = self._read(line)
        held = _Held(line, result=found) if isinstance(found, Result) else _Held(line, found[0])
        self._held.append(held)
        self._capacity -= held.size
        if not isinstance(found, Result):
            # No message id: two lines with the same one are delivered twice, as the input says.
            entry = Entry(self._last, "", found[1], line.text.removeprefix(BOM), 0.0)
            self._by_seq[self._last] = held
            self._queue.add(entry)
            fresh.append(entry)
