"""What track calls come to, made in one go."""

from collections.abc import Callable, Mapping

from klavier.events.model import JsonObject, Track
from klavier_rudderstack.parcel import Refused
from klavier_rudderstack.replay.content import ContentSlots
from klavier_rudderstack.replay.expression import Make, give_up, write
from klavier_rudderstack.replay.person import PersonSlots
from klavier_rudderstack.replay.shapes import Shape, Shapes
from klavier_rudderstack.replay.slot import Names, hold

Document = Callable[[Track, list[str]], JsonObject]
"""Makes the document of a create event request and adds to the notes; raises `Refused`."""

_NOBODY: JsonObject = {}


class ReplayedTrack:
    """Makes the same documents as `general`, only faster; `metric_of` tells ecommerce events where there are any."""

    def __init__(
        self,
        general: Document,
        person: PersonSlots,
        content: ContentSlots,
        metric_of: Callable[[object], str | None] | None,
    ) -> None:
        self._general, self._person, self._content, self._metric_of = general, person, content, metric_of
        self._shapes: Shapes[Make] = Shapes()

    def at_once(self, event: Track) -> JsonObject | None:
        """Make the document of an event of a known shape; None where the general way has to be gone."""
        payload, context, properties = event.payload, event.context, event.properties
        own, user = payload.get("traits"), context.get("traits", _NOBODY)
        # An event that a plugin made may have properties of its own.
        if user.__class__ is not dict or properties is not payload.get("properties"):
            return None
        metric = None if self._metric_of is None else self._metric_of(payload.get("event"))
        if own is None:  # no name is None
            own, shape = _NOBODY, (metric, *payload, None, *context, None, *user, None, *properties)
        elif own.__class__ is dict:
            shape = (metric, *payload, None, *context, None, *own, None, *user, None, *properties)
        else:
            return None
        make = self._shapes.get(shape)
        if make is None:
            holders = {"payload": payload, "context": context, "own": own, "user": user, "properties": properties}
            self._meet(shape, holders)
            return None
        found: JsonObject | None = make(payload, context, own, user, properties, event.message_id, event.timestamp)
        return found

    def _meet(self, shape: Shape, holders: Mapping[str, JsonObject]) -> None:
        names = {holder: tuple(held) for holder, held in holders.items()}
        self._shapes.meet(shape, len(shape), lambda: self._write(names, shape[0]))

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
