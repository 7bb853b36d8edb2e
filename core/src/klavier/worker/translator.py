"""From outbox entries to legs: read the payload, let plugins transform it, let the vendor plan its delivery."""

from collections.abc import Sequence

import orjson

from klavier.errors import EventError
from klavier.events.model import Event
from klavier.events.reader import read_payload
from klavier.flows.drivers import plan
from klavier.flows.execution import FlowExecution
from klavier.outbox.entry import Entry
from klavier.outcome import Outcome, rejected
from klavier.plugins import Plugins
from klavier.strictjson import kind_of
from klavier.vendor import Delivery, Vendor

Start = tuple[FlowExecution, list[Entry]]
"""A leg and the entries it delivers, in the order of its outcomes."""

Known = tuple[Entry, Outcome]
"""An entry whose outcome is known before anything is sent."""


class Translator:
    """Binds a vendor and the plugins' transformations."""

    def __init__(self, vendor: Vendor, plugins: Plugins) -> None:
        self._vendor = vendor
        self._plugins = plugins

    def plan(self, entry: Entry) -> Delivery | Outcome:
        """Let the vendor plan the delivery of one entry."""
        event = self._event(entry)
        return event if isinstance(event, Outcome) else next(iter(plan(self._vendor, (event,))))

    def start_together(self, entries: Sequence[Entry]) -> tuple[list[Start], list[Known]]:
        """Start the delivery of entries that the vendor is given at once, up to the first request of each leg."""
        known: list[Known] = []
        owners: dict[int, Entry] = {}
        events: list[Event] = []
        for entry in entries:
            event = self._event(entry)
            if isinstance(event, Outcome):
                known.append((entry, event))
                continue
            owners[id(event)] = entry
            events.append(event)
        planned = plan(self._vendor, events) if events else ()
        return [(FlowExecution(found), [owners[id(event)] for event in found.events]) for found in planned], known

    def _event(self, entry: Entry) -> Event | Outcome:
        event = self.read(entry)
        return event if isinstance(event, Outcome) else self._plugins.transform(event, self._vendor.name)

    def read(self, entry: Entry) -> Event | Outcome:
        """Read what was found to be clean JSON when it was accepted; gives the outcome of what is no event."""
        try:
            payload = orjson.loads(entry.payload)
            if not isinstance(payload, dict):
                return rejected(f"the stored payload is no event: {kind_of(payload)}")
            return read_payload(payload, self._plugins)
        except orjson.JSONDecodeError:
            return rejected("the stored payload is no event: not JSON")
        except EventError as error:
            return rejected(f"the stored payload is no event: {error}")
