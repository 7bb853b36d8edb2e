"""What went through lately: events a minute by source and outcome, and the last attempts with their requests."""

import itertools
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from threading import Lock

from attrs import define, field, frozen

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier.worker.in_flight import Result

MINUTES = 60
"""How many minutes are drawn."""

MOST_EVENTS = 200
"""The last events that are kept; people look at the first screen, and search no further than some."""

_MOST_BYTES = 2_000_000
"""Bytes of the payloads of the last events: with requests and replies they take up to ten times as much, 20 MB."""

_LARGEST = 64_000
"""Bytes of a payload that is kept; of a larger event only its outcome is."""

_MOST_SOURCES = 50_000
"""Accepted events whose source is known until their outcome: some 5 MB, and more than are in flight in bulk."""

UNKNOWN = "other"
"""The source of events that another process accepted, or that waited for longer than sources are known."""


@frozen(eq=False)
class Recorded:
    """How the last attempt of one event ended at a time `at`; `number` counts attempts, `sent` has its requests.

    `due` is when the event is tried again, None for one that has its outcome.
    """

    number: int
    seq: int
    at: float
    due: float | None
    source: str
    event_type: str
    name: str
    outcome: Outcome
    seconds: float
    tries: int
    payload: bytes | None = field(repr=False)
    sent: tuple[tuple[Request, Response], ...] = field(default=(), repr=False)


@define
class Minute:
    """The events of one minute, which began at `start` (Unix seconds).

    `arrived` counts accepted events by source, `counts` outcomes by source and kind.
    """

    start: int
    arrived: Counter[str] = field(factory=Counter)
    counts: Counter[tuple[str, str]] = field(factory=Counter)


class Recorder:
    """Watches what a gateway accepts and a worker delivers; bounded, and safe to use from several threads."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """`now` returns Unix seconds."""
        self._now = now
        self._lock = Lock()
        self._minutes: deque[Minute] = deque(maxlen=MINUTES)
        self._events: deque[Recorded] = deque()
        self._retried: dict[int, Recorded] = {}
        """Those of the last events that are tried again, by their positions in the outbox."""
        self._bytes = 0
        self._sources: OrderedDict[str, str] = OrderedDict()
        self._numbers = itertools.count(1)
        self.since = now()
        """When watching began, in Unix seconds."""

    def on_accepted(self, accepted: Iterable[tuple[str, str]]) -> None:
        """Note the sources of accepted events: pairs of message id and source."""
        with self._lock:
            arrived = self._minute(self._now()).arrived
            for message_id, source in accepted:
                self._sources[message_id] = source
                arrived[source] += 1
            while len(self._sources) > _MOST_SOURCES:
                self._sources.popitem(last=False)

    def on_result(self, result: Result, due: float | None = None) -> None:
        """Note how an attempt of an event ended; `due` is when it is tried again, None for its final outcome."""
        entry, event, now = result.entry, result.event, self._now()
        is_kept = len(entry.payload) <= _LARGEST
        with self._lock:
            source = self._sources.get(entry.message_id, UNKNOWN)
            if due is None:
                self._sources.pop(entry.message_id, None)
                self._minute(now).counts[source, result.outcome.kind] += 1
            recorded = Recorded(
                number=next(self._numbers),
                seq=entry.seq,
                at=now,
                due=due,
                source=source,
                event_type="" if event is None else event.type,
                name=str(getattr(event, "event", None) or getattr(event, "name", None) or ""),
                outcome=result.outcome,
                seconds=max(0.0, now - entry.accepted),
                tries=entry.tries + 1,
                payload=entry.payload if is_kept else None,
                sent=tuple(result.sent) if is_kept else (),
            )
            self._keep(recorded)

    def _keep(self, recorded: Recorded) -> None:
        """Add a record, in place of that of the event's attempt before; the oldest ones make room."""
        before = self._retried.pop(recorded.seq, None)
        if before is not None:
            self._events.remove(before)
            self._bytes -= len(before.payload or b"")
        if recorded.due is not None:
            self._retried[recorded.seq] = recorded
        self._events.append(recorded)
        self._bytes += len(recorded.payload or b"")
        while len(self._events) > MOST_EVENTS or self._bytes > _MOST_BYTES:
            oldest = self._events.popleft()
            self._bytes -= len(oldest.payload or b"")
            self._retried.pop(oldest.seq, None)

    def events(self, most: int) -> list[Recorded]:
        """Return the last events, the newest first."""
        with self._lock:
            return list(itertools.islice(reversed(self._events), most))

    def find(self, number: int) -> Recorded | None:
        """Return one of the last events; None where it is no longer kept."""
        with self._lock:
            return next((event for event in self._events if event.number == number), None)

    def retried(self, seq: int) -> Recorded | None:
        """Return the last attempt of an event that waits to be tried again; None where none is kept."""
        with self._lock:
            return self._retried.get(seq)

    def source(self, message_id: str) -> str:
        """Return the source of an event that waits."""
        with self._lock:
            return self._sources.get(message_id, UNKNOWN)

    def minutes(self) -> list[Minute]:
        """Return the last hour as minutes without gaps, the present one last."""
        with self._lock:
            last = int(self._now() // 60) * 60
            known = {minute.start: minute for minute in self._minutes}
            return [_copy(known.get(start), start) for start in _starts(last)]

    def _minute(self, now: float) -> Minute:
        start = int(now // 60) * 60
        # It is the last one unless the clock was set back.
        found = next((minute for minute in reversed(self._minutes) if minute.start == start), None)
        if found is None:
            found = Minute(start)
            self._minutes.append(found)
        return found


def _starts(last: int) -> Iterator[int]:
    yield from range(last - 60 * (MINUTES - 1), last + 1, 60)


def _copy(minute: Minute | None, start: int) -> Minute:
    return Minute(start) if minute is None else Minute(start, Counter(minute.arrived), Counter(minute.counts))
