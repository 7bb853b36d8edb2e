"""From lines to outcomes: read, transform, translate and deliver a stream of events with flat memory.

Events are handed to the vendor in the batches that its own servers would make.  One line that is no event, one event
that is refused, one plugin that fails: none of them stops the rest.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from klavier.delivery.drivers import Send, deliver, plan
from klavier.delivery.lines import Line
from klavier.errors import EventError, PluginError
from klavier.events.model import Event
from klavier.events.reader import parse_line
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, failed, rejected

if TYPE_CHECKING:
    from klavier.plugins import Plugins
    from klavier.vendor import BrowserCall, Vendor

_POSITION = re.compile(r" at (?:column|byte) \d+")


@frozen
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


@define(eq=False)
class _Slot:
    """A line on its way: it gets its event, and then its result."""

    line: Line
    event: Event | None = None
    result: Result | None = None

    def end(self, outcome: Outcome, cause: str | None = None) -> None:
        """Close the slot with an outcome that needs no delivery."""
        self.result = Result(self.line, self.event, outcome, outcome.reason if cause is None else cause)


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


class Pipeline:
    """One vendor, one way to send, and the plugins that look in; `run` may be called many times."""

    def __init__(
        self, vendor: "Vendor", send: Send, *, plugins: "Plugins | None" = None, batch_size: int | None = None
    ) -> None:
        self.observer_faults: Counter[str] = Counter()
        """How often each plugin failed to take note of an outcome; the outcomes stand all the same."""
        self._vendor = vendor
        self._send = send
        self._plugins = plugins
        self._size = max(1, vendor.batch_size if batch_size is None else batch_size)

    def run(self, lines: Iterable[Line]) -> Iterator[Result]:
        """Give one result for each line, in order; no more than one batch of lines is held at a time."""
        batch: list[_Slot] = []
        for line in lines:
            batch.append(self._read(line))
            if len(batch) >= self._size:
                yield from self._finish(batch)
                batch = []
        yield from self._finish(batch)

    def _read(self, line: Line) -> _Slot:
        """Parse and transform one line; what ends here has its result already."""
        slot = _Slot(line)
        if line.problem:
            slot.end(rejected(f"{line.place}: {line.problem}"), line.problem)
            return slot
        try:
            slot.event = parse_line(line.text)
        except EventError as error:
            slot.end(rejected(f"{line.place}: {error}"), _POSITION.sub("", error.problem))
            return slot
        if self._plugins is not None:
            self._transform(slot, slot.event, self._plugins)
        return slot

    def _transform(self, slot: _Slot, event: Event, plugins: "Plugins") -> None:
        changed: object = plugins.transform(event, self._vendor.name)
        if isinstance(changed, Outcome):
            slot.end(changed)
        elif isinstance(changed, Event):
            slot.event = changed
        else:
            slot.end(failed(f"a plugin transformed the event into a {type(changed).__name__}"))

    def _finish(self, batch: list[_Slot]) -> Iterator[Result]:
        open_slots: dict[int, list[_Slot]] = {}
        events: list[Event] = []
        for slot in batch:
            if slot.result is None and slot.event is not None:
                open_slots.setdefault(id(slot.event), []).append(slot)
                events.append(slot.event)
        if events:
            self._deliver(events, open_slots)
        for slot in batch:
            result = slot.result
            if result is None:  # a vendor that names an event twice leaves another one without
                slot.end(failed(f"vendor {self._vendor.name} gave no outcome for the event"))
                result = slot.result
            assert result is not None  # noqa: S101 -- `end` has just set it
            self._observe(result)
            yield result

    def _deliver(self, events: list[Event], slots: dict[int, list[_Slot]]) -> None:
        for delivery in plan(self._vendor, events):
            log = _Log(self._send)
            outcomes = deliver(delivery, log.send)
            waiting = [slots[id(event)].pop(0) if slots.get(id(event)) else None for event in delivery.events]
            first: int | None = None
            for slot, outcome in zip(waiting, outcomes, strict=True):
                if slot is None:  # a vendor that names an event twice: its first outcome stands
                    continue
                if first is None:
                    first = slot.line.number
                    slot.result = log.result(slot, outcome, delivery.browser_calls)
                else:
                    slot.result = Result(slot.line, slot.event, outcome, outcome.reason, sent_with=first)

    def _observe(self, result: Result) -> None:
        if self._plugins is None or result.event is None:
            return
        try:
            self._plugins.observe(result.event, self._vendor.name, result.outcome)
        except PluginError as error:
            self.observer_faults[str(error)] += 1
