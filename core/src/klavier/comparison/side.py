"""One side of a comparison: a vendor, its sandbox, and the outcome and source of each event."""

from collections import Counter
from copy import copy
from typing import TYPE_CHECKING

from klavier.comparison.provenance import Numbered, Provenance
from klavier.comparison.report import Note
from klavier.flows.drivers import deliver, plan
from klavier.klaviyo.operations import find_operation
from klavier.outcome import Kind, Outcome
from klavier.sandbox import FakeClock, Sandbox

if TYPE_CHECKING:
    from klavier.events.model import Event
    from klavier.klaviyo.request import Request
    from klavier.klaviyo.response import Response
    from klavier.plugins import Plugins
    from klavier.sandbox.account import OptIn
    from klavier.vendor import Delivery, Vendor


class Outcomes:
    """The outcomes of one side: how many there are of each kind, their notes, and which events were not delivered."""

    def __init__(self) -> None:
        self.kinds: Counter[Kind] = Counter()
        self.dropped: dict[int, Outcome] = {}
        """The outcomes of the events that were not delivered, by number."""
        self._notes: dict[str, Note] = {}

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of outcomes, the most frequent first."""
        return tuple(sorted(self._notes.values(), key=lambda note: (-note.count, note.text)))

    def add(self, number: int, outcome: Outcome) -> None:
        """Count the outcome of an event."""
        self.kinds[outcome.kind] += 1
        if outcome.kind != "delivered":
            self.dropped[number] = outcome
        for text in dict.fromkeys(outcome.notes) if outcome.notes else ():
            seen = self._notes.get(text)
            self._notes[text] = Note(text, seen.count + 1 if seen else 1, min(seen.first, number) if seen else number)


class Side:
    """Delivers numbered events in the batches that the vendor's own servers would make."""

    def __init__(self, name: str, vendor: "Vendor", plugins: "Plugins | None", start: float, opt_in: "OptIn") -> None:
        self.name = name
        self.vendor = vendor
        self.outcomes = Outcomes()
        self.calls: Counter[tuple[str, str, str]] = Counter()
        """By operation, method and path."""
        self.browser_calls = 0
        self._plugins = plugins
        self._start = start
        self._clock = FakeClock(start)
        self.sandbox = Sandbox(None, None, self._clock, opt_in=opt_in, unknown_lists="create", record_calls=False)
        self.provenance = Provenance(self.sandbox.account.profiles)
        self._waiting: list[Numbered] = []

    def add(self, number: int, event: "Event") -> None:
        """Add an event; it is delivered when a batch is full."""
        self._waiting.append((number, event))
        if len(self._waiting) >= self.vendor.batch_size:
            self.flush()

    def flush(self) -> None:
        """Deliver the events that wait."""
        waiting, self._waiting = self._waiting, []
        numbers: dict[int, int] = {}
        events: list[Event] = []
        for number, event in waiting:
            changed = event if self._plugins is None else self._plugins.transform(event, self.vendor.name)
            if isinstance(changed, Outcome):
                self.outcomes.add(number, changed)
                continue
            # Outcomes are matched by the identity of events, and a caller may pass one event twice.
            own = copy(changed) if id(changed) in numbers else changed
            numbers[id(own)] = number
            events.append(own)
        for delivery in plan(self.vendor, events) if events else ():
            self._deliver(delivery, numbers)

    def _deliver(self, delivery: "Delivery", numbers: dict[int, int]) -> None:
        events = [(numbers[id(event)], event) for event in delivery.events]
        self._clock.now = self._start + events[0][0]
        self.browser_calls += len(delivery.browser_calls)
        for (number, _), outcome in zip(events, deliver(delivery, self._send), strict=True):
            self.outcomes.add(number, outcome)
        self.provenance.record(events)

    def _send(self, request: "Request") -> "Response":
        operation = find_operation(request.method, request.path)
        self.calls[(operation.name, operation.method, operation.path) if operation else _unknown(request)] += 1
        return self.sandbox.send(request)


def _unknown(request: "Request") -> tuple[str, str, str]:
    return "unknown", request.method, "another path"
