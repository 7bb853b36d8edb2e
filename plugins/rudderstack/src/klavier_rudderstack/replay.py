"""Profiles made in one go, for events with the members that other events had before.

An event's shape is the names of its members.  Where a shape comes again and again, the general way is gone once more
with a marker in the place of each value; where the markers come out is then written down as one function.  So every
rule stands in one place, and most events cost little more than their own members.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from attrs import evolve

from klavier.events.model import Event, JsonObject
from klavier_rudderstack.expression import Checks, Make, Slot, write
from klavier_rudderstack.integrations import options_of
from klavier_rudderstack.parcel import Refused
from klavier_rudderstack.tables.profile import Table

Profile = Callable[[Event, list[str]], JsonObject]
"""Makes a profile of an event and adds to the notes; raises `Refused`."""

Texts = Mapping[str, Callable[[str], bool]]
"""By attribute, what tells of a text that it is sent as it is."""

_Shape = tuple[tuple[str, ...], ...]

MET = 3
"""How often a shape is met before a function is written for it, which takes as long as ten or twenty events."""
MOST_SHAPES = 1000
"""Shapes that have a function; those that come later go the general way, and so does what comes once."""
_MOST_MEMBERS = 100

_HOLDERS = {"": "payload", "context": "context", "traits": "own", "context.traits": "user"}
"""The scopes of a table's places in the order of a shape, and what a function calls what they are in."""
_BY_VALUE = frozenset({"address", "location", "externalId"})
"""Members of which it is not enough to know that they are there."""
_MARKERS = {"email": "{}@example.org", "phone_number": "+14155550{:03}"}
_MARKER = "#{}"
_NOBODY: JsonObject = {}


class Replayed:
    """Makes the same profiles as `general`, which looks up the places of `table`, only faster.

    `own_traits` are no custom properties; `note` is the one that `general` may make where all is as `texts` want it:
    that the anonymous id is left out, where it differs from the external id.
    """

    def __init__(self, general: Profile, table: Table, own_traits: AbstractSet[str], texts: Texts, note: str) -> None:
        self._general, self._own_traits, self._texts, self._note = general, own_traits, texts, note
        self._attributes = {place: attribute for attribute, *places in table for place in places}
        said = {place.removeprefix("properties.") for place in self._attributes if place.startswith("properties.")}
        self._objects: Mapping[str, Callable[[JsonObject], bool]] = {
            "properties": frozenset(said).isdisjoint,
            "integrations": _has_no_options,
        }
        self._made: dict[_Shape, Make] = {}
        self._met: dict[_Shape, int] = {}

    def __call__(self, event: Event, notes: list[str]) -> JsonObject:
        """Make the profile of an event."""
        payload, context = event.payload, event.context
        own, user = payload.get("traits", _NOBODY), context.get("traits", _NOBODY)
        if own.__class__ is dict and user.__class__ is dict:
            shape = (tuple(payload), tuple(context), tuple(own), tuple(user))
            make = self._made.get(shape)
            if make is None:
                self._meet(shape, event)
            else:
                data = make(payload, context, own, user, notes)
                if data is not None:
                    return data
        return self._general(event, notes)

    def _meet(self, shape: _Shape, event: Event) -> None:
        """Count a shape, and write its function when it has been met often enough."""
        if len(self._made) >= MOST_SHAPES or sum(map(len, shape)) > _MOST_MEMBERS:
            return
        if len(self._met) >= MOST_SHAPES:
            self._met.clear()
        times = self._met[shape] = self._met.get(shape, 0) + 1
        if times >= MET:
            self._met.pop(shape, None)  # another thread may have met it at the same moment
            self._made[shape] = self._write(shape, event) or _unfit

    def _write(self, shape: _Shape, event: Event) -> Make | None:
        """Write the function for a shape; None where values decide too much."""
        slots = self._slots(shape)
        texts = {slot.attribute for slot in slots} - {None}
        if not texts:
            return None
        notes: list[str] = []
        try:
            data = self._general(_probe(event, slots), notes)
        except Refused:
            return None
        if set(notes) - {self._note}:
            return None
        anonymous = [slot for slot in slots if slot.attribute == "anonymous_id"] if notes else []
        external = [slot for slot in slots if slot.attribute == "external_id"]
        unlike = [(one, other) for one in anonymous for other in external]
        objects = {name: test for name, test in self._objects.items() if name in shape[0]}
        return write(data, slots, Checks(self._texts, objects), notes, unlike)

    def _slots(self, shape: _Shape) -> list[Slot]:
        """Give the members that come into a profile; none where some do that no function can be written for."""
        found: list[Slot] = []
        for (scope, holder), names in zip(_HOLDERS.items(), shape, strict=True):
            for name in names:
                attribute = self._attributes.get(f"{scope}.{name}" if scope else name)
                is_trait = scope.endswith("traits")
                if scope and (name in _BY_VALUE or (is_trait and "." in name)):
                    return []
                if attribute is not None or (is_trait and name not in self._own_traits):
                    marker = _MARKERS.get(attribute or "", _MARKER).format(len(found))
                    found.append(Slot(holder, name, attribute, marker))
        return found


def _probe(event: Event, slots: list[Slot]) -> Event:
    """Give an event that holds the slots' markers and nothing else."""
    own: JsonObject = {}
    user: JsonObject = {}
    context: JsonObject = {"traits": user}
    payload: JsonObject = {"context": context, "traits": own}
    holders = {"payload": payload, "context": context, "own": own, "user": user}
    for slot in slots:
        holders[slot.holder][slot.name] = slot.marker
    return evolve(event, payload=payload, context=context)


def _has_no_options(integrations: JsonObject) -> bool:
    return not options_of(integrations)


def _unfit(*_: Any) -> None:
    """Stand for the function of a shape for which none can be written."""
    return
