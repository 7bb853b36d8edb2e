"""What the console shows at one moment: the state in one sentence, the figures, the charts, the lists."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from klavier.console.chart import Chart, draw
from klavier.console.dead_letters import Cause, group_by_cause
from klavier.console.recorder import Minute, Recorded, Recorder
from klavier.console.shadow import ShownShadow, read_shadow
from klavier.console.waiting import ShownWaiting, read_waiting
from klavier.errors import OutboxError
from klavier.outcome import KINDS
from klavier.worker.status import Limits, Status, read_status

if TYPE_CHECKING:
    from klavier.worker.leased_worker import LeasedWorker

SHOWN_EVENTS = 12
"""Events in the list: what people see without scrolling for long."""

_MOST_SOURCES = 5
"""Sources with a color of their own; more could not be distinguished."""

_OTHERS = "others"
_FRESH_SECONDS = 0.9
"""How long figures are shown: everybody who looks shares the work of one second."""

_LETTERS_SECONDS = 2.0
"""How long dead letters are shown while their number is the same: reading a thousand takes up to 20 ms."""

Level = Literal["good", "calm", "warn", "bad"]


@frozen
class Headline:
    """How things are, in one sentence, and what to do about it."""

    level: Level
    title: str
    text: str


@frozen
class Figures:
    """All that the live part of the page shows."""

    status: Status
    headline: Headline
    outcomes: Chart
    arrivals: Chart
    by_source: list[tuple[str, Counter[str]]]
    """Sources with their counts of outcomes, and of events that `arrived`, in the last hour."""
    start: float
    """The Unix time at which the charts begin."""
    events: list[Recorded] = field(repr=False)
    waiting: list[ShownWaiting]
    causes: list[Cause]

    @property
    def refused(self) -> list[tuple[str, int]]:
        """The sources whose events were refused, with how many since the start."""
        return [] if self.status.worker is None else self.status.worker.refused

    @property
    def shadow(self) -> ShownShadow | None:
        """What the shadow found; None where there is none."""
        return None if self.status.worker is None else read_shadow(self.status.worker.parts.get("shadow"))


class FigureReader:
    """Reads figures, at most once a second; belongs to one event loop."""

    def __init__(self, worker: "LeasedWorker", recorder: Recorder, *, delivers: bool) -> None:
        self._worker = worker
        self._recorder = recorder
        self._delivers = delivers
        self._lock = asyncio.Lock()
        self._read_at = 0.0
        self._figures: Figures | None = None
        self._causes: list[Cause] = []
        self._known: object = None
        self._causes_at = 0.0

    async def read(self, *, fresh: bool = False) -> Figures:
        """Return the figures of this second, or `fresh` ones; raises `OutboxError` where the outbox cannot be read."""
        async with self._lock:
            now = time.monotonic()
            if self._figures is None or fresh or now - self._read_at >= _FRESH_SECONDS:
                report = await self._worker.fetch_report()
                outbox = self._worker.config.outbox
                status = await asyncio.to_thread(read_status, outbox, report)
                known = (status.dead, status.dead_causes)
                if fresh or self._known != known or now - self._causes_at >= _LETTERS_SECONDS:
                    self._causes = await asyncio.to_thread(group_by_cause, outbox) if status.dead else []
                    self._known, self._causes_at = known, now
                waiting = await asyncio.to_thread(read_waiting, outbox, self._recorder, status.time)
                self._figures = self._make(status, waiting)
                self._read_at = now
            return self._figures

    def _make(self, status: Status, waiting: list[ShownWaiting]) -> Figures:
        minutes = self._recorder.minutes()
        known = {} if status.worker is None else {item.at: item.outcomes for item in status.worker.minutes}
        outcomes = [known.get(minute.start, {}) for minute in minutes]
        sums = sum((minute.arrived for minute in minutes), Counter[str]())
        names = [name for name, _ in sums.most_common(_MOST_SOURCES)]
        arrivals = [_merge(minute.arrived, names) for minute in minutes]
        others = [_OTHERS] if len(sums) > len(names) else []
        return Figures(
            status=status,
            headline=_describe(status, delivers=self._delivers, has_seen=bool(sums)),
            outcomes=draw(outcomes, KINDS, KINDS),
            arrivals=draw(
                arrivals,
                [*sorted(names), *others],
                [f"source-{index}" for index in range(1, 7)][: len(names) + len(others)],
            ),
            by_source=_by_source(minutes),
            start=minutes[0].start,
            events=self._recorder.events(SHOWN_EVENTS),
            waiting=waiting,
            causes=self._causes,
        )


def no_figures(error: OutboxError) -> Headline:
    """Return the headline for an outbox that cannot be read."""
    return Headline("bad", "The outbox cannot be read", f"{error}. Nothing is lost; it is tried again every second.")


def _describe(status: Status, *, delivers: bool, has_seen: bool) -> Headline:
    return _problem(status, delivers=delivers) or _calm(status, has_seen=has_seen)


def _problem(status: Status, *, delivers: bool) -> Headline | None:
    """Return the most important thing that is wrong; None while all is well."""
    return next(_problems(status, delivers=delivers), None)


def _problems(status: Status, *, delivers: bool) -> Iterator[Headline]:
    """Yield what is wrong, the most important first; without numbers that change, since it is read out when it does."""
    limits = Limits()
    is_alive = status.holder is not None and status.holder.is_alive
    worker = status.worker if is_alive else None
    if status.problem:
        yield Headline("bad", "Nothing more can be stored", f"{status.problem}. SDKs send their events again later.")
    if worker is not None and worker.paused is not None:
        text = f"{worker.paused.reason}. Events wait safely, and one is tried every half a minute."
        yield Headline("bad", "Delivery is paused", text)
    if status.waiting and not is_alive and not delivers:
        text = "This process only accepts events: start klavier run, or serve without --no-deliver."
        yield Headline("bad", "Nobody delivers", text)
    if worker is not None and worker.circuits:
        names = ", ".join(circuit.endpoint for circuit in worker.circuits)
        yield Headline("warn", "A part of Klaviyo does not answer", f"{names}: its events wait, all others are sent.")
    if status.waiting and (status.oldest_age or 0.0) > limits.max_age:
        text = "More arrive than Klaviyo takes, or delivery began again a short time ago."
        yield Headline("warn", "Events have waited for long", text)
    if status.free_bytes is not None and status.free_bytes < limits.min_free:
        yield Headline("warn", "The disk is nearly full", "Free some space, so that events can still be accepted.")
    if status.dead:
        text = "See under dead letters why; correct what is wrong, then retry them."
        yield Headline("warn", "Some events were not delivered", text)


def _calm(status: Status, *, has_seen: bool) -> Headline:
    if status.worker is None and status.holder is None:
        return Headline("calm", "Starting", "The process that delivers has not reported yet.")
    if not has_seen and not status.waiting and status.worker is not None and not status.worker.outcomes:
        return Headline("calm", "Ready for events", "None has arrived yet: point an SDK at this address.")
    vendor = "" if status.worker is None else f" as {status.worker.vendor} would"
    return Headline("good", "All is well", f"Events arrive, are stored, and are delivered to Klaviyo{vendor}.")


def _merge(counts: Counter[str], names: list[str]) -> Counter[str]:
    """Return counts with the sources that have no color of their own added up."""
    found: Counter[str] = Counter()
    for name, number in counts.items():
        found[name if name in names else _OTHERS] += number
    return found


def _by_source(minutes: Sequence[Minute]) -> list[tuple[str, Counter[str]]]:
    found: dict[str, Counter[str]] = {}
    for minute in minutes:
        for source, number in minute.arrived.items():
            found.setdefault(source, Counter())["arrived"] += number
        for (source, kind), number in minute.counts.items():
            found.setdefault(source, Counter())[kind] += number
    return sorted(found.items())
