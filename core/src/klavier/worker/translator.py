"""Translate outbox entries: read the payload, apply the plugins' transformations, start the flow the vendor plans."""

from collections.abc import Callable, Sequence

import orjson

from klavier.errors import EventError
from klavier.events.model import Event
from klavier.events.reader import read_payload
from klavier.flows.drivers import plan
from klavier.flows.execution import FlowExecution
from klavier.outbox.entry import Entry
from klavier.outcome import Outcome, failed, rejected
from klavier.plugins import Plugins
from klavier.strictjson import kind_of, read_text
from klavier.vendor import Vendor

MOST_INTERRUPTIONS = 3
"""How many workers may end while they translate an entry. One may be killed by chance, by an operator or for its memory
while it translates; three times the same event is the event's fault."""

REJECTED_KEY = "rejected"
"""The ordering key of what was stored although it is no event, so that its dead letter has the reason."""

Mark = Callable[[Sequence[int]], None]
"""Notes on disk which entries are being translated: `EntryQueue.mark_translating`."""


class Translator:
    """Translates entries with one vendor and the plugins' transformations.

    `mark` is called with the positions of the entries before they are translated.
    """

    def __init__(self, vendor: Vendor, plugins: Plugins, mark: Mark = lambda _: None) -> None:
        self._vendor = vendor
        self._plugins = plugins
        self.mark = mark

    @property
    def vendor(self) -> str:
        """The name of the vendor."""
        return self._vendor.name

    def start(self, entry: Entry) -> FlowExecution | Outcome:
        """Start the delivery of one entry, up to its first request; returns the outcome of one that has no delivery."""
        self.mark((entry.seq,))
        event = self._read(entry)
        if isinstance(event, Outcome):
            return event
        return FlowExecution(plan(self._vendor, (event,))[0])

    def start_together(
        self, entries: Sequence[Entry]
    ) -> tuple[list[tuple[FlowExecution, list[Entry]]], list[tuple[Entry, Outcome]]]:
        """Start the deliveries of entries that the vendor translates together, each up to its first request.

        Returns the flows with the entries they deliver, in the order of their outcomes, and the entries that have no
        delivery.
        """
        self.mark([entry.seq for entry in entries])
        known: list[tuple[Entry, Outcome]] = []
        entries_by_event: dict[int, Entry] = {}  # by the event's identity
        events: list[Event] = []
        for entry in entries:
            event = self._read(entry)
            if isinstance(event, Outcome):
                known.append((entry, event))
                continue
            entries_by_event[id(event)] = entry
            events.append(event)
        planned = plan(self._vendor, events) if events else ()
        flows = [(FlowExecution(each), [entries_by_event[id(event)] for event in each.events]) for each in planned]
        return flows, known

    def _read(self, entry: Entry) -> Event | Outcome:
        if entry.interrupted >= MOST_INTERRUPTIONS:
            return failed(f"translating the event ended the worker {entry.interrupted} times")
        event = self.read(entry)
        return event if isinstance(event, Outcome) else self._plugins.transform(event, self._vendor.name)

    def read(self, entry: Entry) -> Event | Outcome:
        """Read the payload, strict JSON but under `REJECTED_KEY`; returns the outcome of one that is no event."""
        try:
            payload = read_text(entry.payload) if entry.key == REJECTED_KEY else orjson.loads(entry.payload)
            if not isinstance(payload, dict):
                return rejected(f"the stored payload is no event: {kind_of(payload)}")
            return read_payload(payload, self._plugins)
        except orjson.JSONDecodeError:
            return rejected("the stored payload is no event: not JSON")
        except EventError as error:
            return rejected(f"the stored payload is no event: {error}")
