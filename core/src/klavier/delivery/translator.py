"""From outbox entries to legs: read the payload, let plugins transform it, let the vendor plan its delivery."""

from collections.abc import Sequence

from attrs import field, frozen

from klavier.delivery.drivers import plan
from klavier.delivery.leg import Leg
from klavier.delivery.outbox.entry import Entry
from klavier.errors import EventError
from klavier.events.model import Event
from klavier.events.reader import parse_line
from klavier.outcome import Outcome, rejected
from klavier.plugins import Plugins
from klavier.vendor import Vendor


@frozen(eq=False)
class Translation:
    """What a try of some entries comes to: legs with the entries they deliver, and outcomes known at once."""

    legs: list[tuple[Leg, list[Entry]]] = field(factory=list)
    settled: list[tuple[Entry, Outcome]] = field(factory=list)
    events: dict[int, Event] = field(factory=dict)
    """The event of each entry, by its place."""


class Translator:
    """Binds a vendor and the plugins' transformations."""

    def __init__(self, vendor: Vendor, plugins: Plugins) -> None:
        self._vendor = vendor
        self._plugins = plugins

    def translate(self, entries: Sequence[Entry]) -> Translation:
        """Start the delivery of entries, up to the first request of each leg."""
        translation = Translation()
        owners: dict[int, Entry] = {}
        events: list[Event] = []
        for entry in entries:
            event = self._event(entry)
            if isinstance(event, Outcome):
                translation.settled.append((entry, event))
                continue
            translation.events[entry.seq] = event
            owners[id(event)] = entry
            events.append(event)
        if events:
            for delivery in plan(self._vendor, events):
                leg = Leg(delivery)
                translation.legs.append((leg, [owners[id(event)] for event in delivery.events]))
        return translation

    def _event(self, entry: Entry) -> Event | Outcome:
        try:
            event = parse_line(entry.payload, plugins=self._plugins)
        except EventError as error:
            return rejected(f"the stored payload is no event: {error}")
        return self._plugins.transform(event, self._vendor.name)
