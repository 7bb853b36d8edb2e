"""Profiles made in one go."""

from collections.abc import Callable, Mapping

from klavier.events.model import Event, JsonObject
from klavier_rudderstack.parcel import Refused
from klavier_rudderstack.replay.expression import Make, give_up, write
from klavier_rudderstack.replay.person import PersonSlots
from klavier_rudderstack.replay.shapes import Shape, Shapes
from klavier_rudderstack.replay.slot import Guard, Names, Slot, hold
from klavier_rudderstack.tables.traits import CONTROL

Profile = Callable[[Event, list[str]], JsonObject]
"""Makes a profile of an event and adds to the notes; raises `Refused`."""

_NOBODY: JsonObject = {}


class ReplayedProfile:
    """Makes the same profiles as `general`, only faster.

    `note` is the one that `general` may make where all guards hold: that the anonymous id is left out, where it differs
    from the external id.
    """

    def __init__(self, general: Profile, slots: PersonSlots, note: str) -> None:
        self._general, self.slots, self._note = general, slots, note
        is_silent = slots.properties.isdisjoint
        self._properties = Guard("type({0}) is dict and not is_silent({0})", names={"is_silent": is_silent})
        self._shapes: Shapes[tuple[Make, tuple[str, ...], bool]] = Shapes()

    def __call__(self, event: Event, notes: list[str]) -> JsonObject:
        """Make the profile of an event."""
        found = self.at_once(event)
        if found is None:
            return self._general(event, notes)
        data, said, _ = found
        notes.extend(said)
        return data

    def at_once(self, event: Event) -> tuple[JsonObject, tuple[str, ...], bool] | None:
        """Make the profile of an event of a known shape; None where the general way has to be gone.

        Gives the notes too, and whether a trait may steer subscriptions.
        """
        payload, context = event.payload, event.context
        own, user = payload.get("traits", _NOBODY), context.get("traits", _NOBODY)
        if own.__class__ is not dict or user.__class__ is not dict:
            return None
        shape = (*payload, None, *context, None, *own, None, *user)  # no name is None
        found = self._shapes.get(shape)
        if found is None:
            self._meet(shape, {"payload": payload, "context": context, "own": own, "user": user}, event.__class__)
            return None
        make, said, steers = found
        data: JsonObject | None = make(payload, context, own, user)
        return None if data is None else (data, said, steers)

    def _meet(self, shape: Shape, holders: Mapping[str, JsonObject], kind: type[Event]) -> None:
        names = {holder: tuple(held) for holder, held in holders.items()}
        steers = not CONTROL.isdisjoint((*names["own"], *names["user"]))
        self._shapes.meet(shape, len(shape), lambda: (*self._write(names, kind), steers))

    def _write(self, names: Names, kind: type[Event]) -> tuple[Make, tuple[str, ...]]:
        """Write the function for a shape; one that gives None where values decide too much."""
        slots = self.slots.of(names)
        if not slots:
            return give_up, ()
        if "properties" in names["payload"]:
            slots.append(Slot("payload", "properties", None, self._properties))
        notes: list[str] = []
        held = hold(slots)
        try:
            data = self._general(kind(held["payload"], context=held["context"]), notes)
        except Refused:
            return give_up, ()
        if set(notes) - {self._note}:
            return give_up, ()
        anonymous = [slot for slot in slots if slot.attribute == "anonymous_id"] if notes else []
        external = [slot for slot in slots if slot.attribute == "external_id"]
        unlike = [(one, other) for one in anonymous for other in external]
        return write(data, names, slots, unlike), tuple(notes)
