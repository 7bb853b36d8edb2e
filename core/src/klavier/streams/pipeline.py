"""From lines to outcomes: read, transform, translate and deliver a stream of events with flat memory.

Events are handed to the vendor in the batches that its own servers would make.  One line that is no event, one event
that is refused, one plugin that fails: none of them stops the rest.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from klavier.errors import EventError, PluginError
from klavier.events.model import Event
from klavier.events.reader import parse_line
from klavier.flows.drivers import Send, deliver, plan
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, failed, rejected
from klavier.streams.crew import Crew
from klavier.streams.lines import Line

if TYPE_CHECKING:
    from klavier.plugins import Plugins
    from klavier.vendor import BrowserCall, Delivery, Vendor

_AHEAD = 8
"""How many lines are read ahead for each connection, so that a slow delivery does not hold up the others."""

_POSITION = re.compile(r" at (?:column|byte) \d+")


@frozen(slots=False)  # without slots it is made faster, and there is one for every line
class Result:
    """What became of one line.

    `event` is None for a line that is no event.  `cause` is the reason of the outcome without the place of this line,
    so that equal causes can be counted together.  What a delivery did, its `requests` with the `statuses` of their
    replies (0 for none) and its `browser_calls`, stands with the first of its events; the others name that line in
    `sent_with`.
    """

    line: Line
    event: Event | None
    outcome: Outcome
    cause: str = ""
    requests: tuple[Request, ...] = field(default=(), repr=False)
    statuses: tuple[int, ...] = ()
    browser_calls: "tuple[BrowserCall, ...]" = field(default=(), repr=False)
    sent_with: int | None = None


def read(line: Line, plugins: "Plugins | None" = None) -> Event | Result:
    """Parse a line, in a format that klavier or one of the plugins knows; gives the result of one that is no event."""
    if line.problem:
        return Result(line, None, rejected(f"{line.place}: {line.problem}"), line.problem)
    try:
        return parse_line(line.text, plugins=plugins)
    except EventError as error:
        return Result(line, None, rejected(f"{line.place}: {error}"), _POSITION.sub("", error.problem))


class Observers:
    """Shows results to the plugins that observe outcomes; what goes wrong there changes no outcome."""

    def __init__(self, plugins: "Plugins | None", vendor: str) -> None:
        self.faults: Counter[str] = Counter()
        """How often each plugin failed to take note of an outcome."""
        self._plugins = plugins
        self._vendor = vendor

    def see(self, result: Result) -> None:
        """Show a result; a line that is no event is none of the plugins' business."""
        if self._plugins is None or result.event is None:
            return
        try:
            self._plugins.observe(result.event, self._vendor, result.outcome)
        except PluginError as error:
            self.faults[str(error)] += 1


@define(eq=False)
class _Slot:
    """A line on its way: it gets its event, and then its result."""

    line: Line
    event: Event | None = None
    result: Result | None = None


class _Log:
    """Sends the requests of one delivery, and remembers them with the statuses of their replies."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._requests: list[Request] = []
        self._statuses: list[int] = []

    def send(self, request: Request) -> Response:
        self._requests.append(request)
        self._statuses.append(0)
        reply = self._send(request)
        self._statuses[-1] = reply.status
        return reply

    def result(self, slot: _Slot, outcome: Outcome, calls: "tuple[BrowserCall, ...]") -> Result:
        return Result(
            slot.line, slot.event, outcome, outcome.reason, tuple(self._requests), tuple(self._statuses), calls
        )


@frozen
class _Underway:
    """A delivery that was begun, with what it sends and where its outcomes will be."""

    delivery: "Delivery"
    log: _Log
    outcomes: Future[tuple[Outcome, ...]]


@frozen
class _Batch:
    """Lines that were begun together."""

    slots: list[_Slot]
    underway: list[_Underway]

    @property
    def is_done(self) -> bool:
        """Whether nobody has to wait for it."""
        return all(begun.outcomes.done() for begun in self.underway)


class Pipeline:
    """One vendor, one way to send, and the plugins that look in; `run` may be called many times.

    `batch_size` is how many lines are handed to the vendor together, by default what its own servers do.
    `connections` is how many deliveries are under way at once, each in a thread; the order of each person's events is
    kept.  `send` is then called from many threads.
    """

    def __init__(
        self,
        vendor: "Vendor",
        send: Send,
        *,
        plugins: "Plugins | None" = None,
        batch_size: int | None = None,
        connections: int = 1,
    ) -> None:
        self.calls = 0
        """Requests that no result shows: none here."""
        self.observers = Observers(plugins, vendor.name)
        self._vendor = vendor
        self._send = send
        self._plugins = plugins
        self._size = max(1, vendor.batch_size if batch_size is None else batch_size)
        self._connections = connections

    def run(self, lines: Iterable[Line]) -> Iterator[Result]:
        """Give one result for each line, in order; no more than some batches of lines are held at a time."""
        if self._connections <= 1:
            for batch in self._batches(lines):
                yield from self._finish(self._begin(batch, None))
            return
        ahead = self._connections * _AHEAD // self._size + 1
        window: deque[_Batch] = deque()
        with Crew(self._connections) as crew:
            for batch in self._batches(lines):
                window.append(self._begin(batch, crew))
                while window and (len(window) > ahead or window[0].is_done):
                    yield from self._finish(window.popleft())
            while window:
                yield from self._finish(window.popleft())

    def _batches(self, lines: Iterable[Line]) -> Iterator[list[_Slot]]:
        batch: list[_Slot] = []
        for line in lines:
            batch.append(self._read(line))
            if len(batch) >= self._size:
                yield batch
                batch = []
        if batch:
            yield batch

    def _read(self, line: Line) -> _Slot:
        """Parse and transform one line; what ends here has its result already."""
        found = read(line, self._plugins)
        if isinstance(found, Result):
            return _Slot(line, result=found)
        changed = found if self._plugins is None else self._plugins.transform(found, self._vendor.name)
        if isinstance(changed, Outcome):
            return _Slot(line, result=Result(line, found, changed, changed.reason))
        return _Slot(line, changed)

    def _begin(self, slots: list[_Slot], crew: Crew | None) -> _Batch:
        """Hand the events to the vendor, and its deliveries to the crew, or deliver them on the spot."""
        events = [slot.event for slot in slots if slot.result is None and slot.event is not None]
        underway = []
        for delivery in plan(self._vendor, events) if events else ():
            log = _Log(self._send)
            job = partial(deliver, delivery, log.send)
            outcomes = _done(job()) if crew is None else crew.hand_out(delivery.keys, job)
            underway.append(_Underway(delivery, log, outcomes))
        return _Batch(slots, underway)

    def _finish(self, batch: _Batch) -> Iterator[Result]:
        """Wait for the outcomes of a batch and give its results in order."""
        waiting: dict[int, list[_Slot]] = {}
        for slot in batch.slots:
            if slot.result is None:
                waiting.setdefault(id(slot.event), []).append(slot)
        for begun in batch.underway:
            self._settle(begun, waiting)
        for slot in batch.slots:
            result = slot.result
            if result is None:  # a vendor that names one event twice leaves another one without
                result = Result(slot.line, slot.event, failed(f"vendor {self._vendor.name} forgot the event"))
            self.observers.see(result)
            yield result

    def _settle(self, begun: _Underway, waiting: dict[int, list[_Slot]]) -> None:
        first: int | None = None
        for event, outcome in zip(begun.delivery.events, begun.outcomes.result(), strict=True):
            slots = waiting.get(id(event))
            if not slots:  # a vendor that names an event twice: its first outcome stands
                continue
            slot = slots.pop(0)
            if first is None:
                first = slot.line.number
                slot.result = begun.log.result(slot, outcome, begun.delivery.browser_calls)
            else:
                slot.result = Result(slot.line, slot.event, outcome, outcome.reason, sent_with=first)


def _done(outcomes: tuple[Outcome, ...]) -> Future[tuple[Outcome, ...]]:
    future: Future[tuple[Outcome, ...]] = Future()
    future.set_result(outcomes)
    return future
