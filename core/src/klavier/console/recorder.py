"""What went through lately: events a minute by source and outcome, and the last events with their requests."""

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


@frozen
class Recorded:
    """One event that has its outcome; `number` counts them, `sent` are the last attempt's requests with replies."""

    number: int
    at: float
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

    def on_result(self, result: Result) -> None:
        """Note the final outcome of an event."""
        entry, event, now = result.entry, result.event, self._now()
        size = len(entry.payload)
        is_kept = size <= _LARGEST
        with self._lock:
            source = self._sources.pop(entry.message_id, UNKNOWN)
            recorded = Recorded(
                number=next(self._numbers),
                at=now,
                source=source,
                event_type="" if event is None else event.type,
                name=str(getattr(event, "event", None) or getattr(event, "name", None) or ""),
                outcome=result.outcome,
                seconds=max(0.0, now - entry.accepted),
                tries=entry.tries + 1,
                payload=entry.payload if is_kept else None,
                sent=tuple(result.sent) if is_kept else (),
            )
            self._minute(now).counts[source, result.outcome.kind] += 1
            self._events.append(recorded)
            self._bytes += size if is_kept else 0
            while len(self._events) > MOST_EVENTS or self._bytes > _MOST_BYTES:
                self._bytes -= len(self._events.popleft().payload or b"")

    def events(self, most: int) -> list[Recorded]:
        """Return the last events, the newest first."""
        with self._lock:
            return list(itertools.islice(reversed(self._events), most))

    def find(self, number: int) -> Recorded | None:
        """Return one of the last events; None where it is no longer kept."""
        with self._lock:
            return next((event for event in self._events if event.number == number), None)

    def minutes(self) -> list[Minute]:
        """Return the last hour as minutes without gaps, the present one last."""
        with self._lock:
            last = int(self._now() // 60) * 60
            known = {minute.start: minute for minute in self._minutes}
            return [_copy(known.get(start), start) for start in _starts(last)]

    def _minute(self, now: float) -> Minute:
        start = int(now // 60) * 60
        if not self._minutes or self._minutes[-1].start < start:
            self._minutes.append(Minute(start))
        return self._minutes[-1]


def _starts(last: int) -> Iterator[int]:
    yield from range(last - 60 * (MINUTES - 1), last + 1, 60)


def _copy(minute: Minute | None, start: int) -> Minute:
    return Minute(start) if minute is None else Minute(start, Counter(minute.arrived), Counter(minute.counts))
