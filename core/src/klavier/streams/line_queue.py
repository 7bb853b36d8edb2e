"""Lines on their way from where they are read to their results: a queue that fills itself as it empties."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from attrs import define

from klavier.events.model import Event
from klavier.outbox import Coming, Entry, MemoryQueue, Settlement
from klavier.outbox.base import UNLIMITED
from klavier.outcome import Outcome
from klavier.streams.lines import BOM, Line
from klavier.streams.pipeline import Result

ROOM = 50_000_000
"""Bytes of memory that lines may take while they are under way; so the whole program stays below 120 MB."""

PER_LINE, PER_BYTE = 8_000, 10
"""What a line takes, whatever is in it, and what each byte of it takes: text, event, request and body, as measured."""


@define(eq=False)
class _Held:
    """A line that was read, and how it ended as far as that is known."""

    line: Line
    unread: Result | None
    ended: tuple[Event | None, Outcome] | None = None

    @property
    def is_known(self) -> bool:
        return self.unread is not None or self.ended is not None

    @property
    def takes(self) -> int:
        return PER_LINE + PER_BYTE * len(self.line.text)


class LineQueue:
    """The `Queue` of one run over lines; it belongs to one thread.

    `read` gives the ordering key of a line, or the result of one that is no event.  A line takes room from when it is
    read until `take` gives its result, so however many lines there are, no more are held than `ROOM` has room for.
    Where lines may have to be waited for, as those of a pipe, `is_ready` tells whether the next one can be had without
    a wait; one that is not there is waited for only while nothing is held: who waits for a line takes no replies.
    """

    def __init__(
        self,
        lines: Iterable[Line],
        read: Callable[[Line], str | Result],
        *,
        is_ready: Callable[[], bool] | None = None,
    ) -> None:
        self.news = asyncio.Event()
        """Set when there may be something to take, or nothing more will come."""
        self.error: Exception | None = None
        """What was raised instead of a line: it ends the lines, and those before it keep their results."""
        self._lines = iter(lines)
        self._read = read
        self._is_ready = is_ready
        self._is_over = False
        self._room = ROOM
        self._last = 0
        self._queue = MemoryQueue()
        self._held: deque[_Held] = deque()
        self._by_place: dict[int, _Held] = {}

    @property
    def is_done(self) -> bool:
        """Whether every line was read and every result taken."""
        return self._is_over and not self._held

    @property
    def coming(self) -> Coming:
        """Whether more lines will be read: at once where there are results to take, which makes room for them."""
        if self._is_over:
            return "no"
        return "at once" if self._held and self._held[0].is_known else "later"

    def read(self, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries after a position, for which lines are read as long as there is room."""
        before = self._last
        fresh = self._read_on(limit)
        return fresh if after >= before else self._queue.read(after, limit, max_bytes)

    def read_key(self, key: str, after: int, limit: int, max_bytes: int = UNLIMITED) -> list[Entry]:
        """Return the next entries of one ordering key after a position, of those that were read."""
        return self._queue.read_key(key, after, limit, max_bytes)

    def settle(self, settlements: Iterable[Settlement], done: Iterable[int] = ()) -> None:
        """Apply how attempts ended; `done` are positions of entries that only leave."""
        self._queue.settle(settlements, done)

    def mark_translating(self, seqs: Sequence[int]) -> None:
        """Do nothing: no line outlives the process."""

    def note(self, event: Event | None, entry: Entry, outcome: Outcome) -> None:
        """Take note of an outcome."""
        self._by_place.pop(entry.seq).ended = (event, outcome)
        self.news.set()

    def take(self, result: Callable[[Line, Event | None, Outcome], Result]) -> Iterator[Result]:
        """Give the results that are known, in the order of the lines, up to the first one that is not."""
        held = self._held
        while held and held[0].is_known:
            first = held.popleft()
            self._room += first.takes
            if first.ended is not None:
                yield result(first.line, *first.ended)
            elif first.unread is not None:
                yield first.unread

    def _read_on(self, limit: int) -> list[Entry]:
        fresh: list[Entry] = []
        while len(fresh) < limit and self._room > 0 and not self._is_over:
            if self._held and self._is_ready is not None and not self._is_ready():
                break
            self._next(fresh)
        if self._is_over or (self._held and self._held[0].unread is not None):
            self.news.set()
        return fresh

    def _next(self, fresh: list[Entry]) -> None:
        """Read a line, and add its entry where it is an event."""
        try:
            line = next(self._lines, None)
        except Exception as error:  # noqa: BLE001 -- it is raised again when what came before has its results
            line, self.error = None, error
        if line is None:
            self._is_over = True
            return
        self._last += 1
        key = self._read(line)
        held = _Held(line, key if isinstance(key, Result) else None)
        self._held.append(held)
        self._room -= held.takes
        if not isinstance(key, Result):
            # The place stands for the message id: two lines with one id are two lines all the same.
            entry = Entry(self._last, "", key, line.text.removeprefix(BOM), 0.0)
            self._by_place[self._last] = held
            self._queue.add(entry)
            fresh.append(entry)
