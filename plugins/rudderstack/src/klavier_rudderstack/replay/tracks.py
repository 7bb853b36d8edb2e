"""What track calls come to, made in one go."""

from collections.abc import Callable

from klavier.events.model import JsonObject, Track
from klavier_rudderstack.parcel import Refused
from klavier_rudderstack.replay.content import ContentSlots
from klavier_rudderstack.replay.expression import Make, give_up, write
from klavier_rudderstack.replay.person import PersonSlots
from klavier_rudderstack.replay.shapes import Shapes
from klavier_rudderstack.replay.slot import Names, hold

Document = Callable[[Track, list[str]], JsonObject]
"""Makes the document of a create event request and adds to the notes; raises `Refused`."""

_NOBODY: JsonObject = {}


class ReplayedTrack:
    """Makes the same documents as `general`, only faster; `metric_of` tells ecommerce events."""

    def __init__(
        self, general: Document, person: PersonSlots, content: ContentSlots, metric_of: Callable[[object], str | None]
    ) -> None:
        self._general, self._person, self._content, self._metric_of = general, person, content, metric_of
        self._shapes: Shapes[Make] = Shapes()

    def document(self, event: Track, notes: list[str]) -> JsonObject:
        """Make the document of an event."""
        payload, context, properties = event.payload, event.context, event.properties
        own, user = payload.get("traits", _NOBODY), context.get("traits", _NOBODY)
        # An event that a plugin made may have properties of its own.
        if type(own) is dict and type(user) is dict and properties is payload.get("properties"):
            metric = self._metric_of(payload.get("event"))
            shape = (metric, *payload, None, *context, None, *own, None, *user, None, *properties)  # no name is None
            make = self._shapes.get(shape)
            if make is None:
                holders = {"payload": payload, "context": context, "own": own, "user": user, "properties": properties}
                names = {holder: tuple(held) for holder, held in holders.items()}
                self._shapes.meet(shape, len(shape), lambda: self._write(names, metric))
            else:
                found: JsonObject | None = make(
                    payload, context, own, user, properties, event.message_id, event.timestamp
                )
                if found is not None:
                    return found
        return self._general(event, notes)

    def _write(self, names: Names, metric: str | None) -> Make:
        """Write the function for a shape; one that gives None where values decide too much."""
        person, content = self._person.of(names), self._content.of(names, metric)
        if not person or not content or not self._person.properties.isdisjoint(names["properties"]):
            return give_up
        slots = [*person, *content]
        held = hold(slots)
        held["payload"]["properties"] = held["properties"]
        if "messageId" in names["payload"]:
            held["payload"]["messageId"] = held[""]["message_id"]
        notes: list[str] = []
        try:
            found = self._general(
                Track(held["payload"], context=held["context"], properties=held["properties"], **held[""]), notes
            )
        except Refused:
            return give_up
        return give_up if notes else write(found, names, slots)
