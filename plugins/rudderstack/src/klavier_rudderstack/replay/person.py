"""Which members of an event come into its profile."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from klavier_rudderstack.integrations import are_special
from klavier_rudderstack.replay.slot import NOT_NULL, TEXT, Guard, Names, Slot
from klavier_rudderstack.tables.profile import SAID_AS, Table

_SCOPES = {"payload": "", "context": "context", "own": "traits", "user": "context.traits"}
"""What holds the members, and the scopes of a table's places."""
_BY_VALUE = frozenset({"address", "location", "externalId", *SAID_AS})
"""Members of which it is not enough to know that they are there."""
_MARKERS = {"email": "{}@example.org", "phone_number": "+14155550{:03}"}
_MARKER = "#{}"
_NOT_SPECIAL = Guard("are_special({0})", names={"are_special": are_special})


class PersonSlots:
    """The slots of profiles whose attributes are looked up in the places of `table`.

    `own_traits` are no custom properties; `guards` says by attribute what has to hold besides that it is text.
    """

    def __init__(self, table: Table, own_traits: AbstractSet[str], guards: Mapping[str, Guard]) -> None:
        self._own_traits, self._guards = own_traits, guards
        self._attributes = {place: attribute for attribute, *places in table for place in places}
        said = (place.split(".", 1) for place in self._attributes)
        self.properties = frozenset(place[1] for place in said if place[0] == "properties")
        """The properties of an event that may be an attribute."""

    def of(self, names: Names) -> list[Slot]:
        """Give the slots of payload, context and traits; none where no function can be written."""
        found: list[Slot] = []
        for holder, scope in _SCOPES.items():
            is_trait = scope.endswith("traits")
            for name in names[holder]:
                attribute = self._attributes.get(f"{scope}.{name}" if scope else name, "")
                if scope and (name in _BY_VALUE or (is_trait and "." in name)):
                    return []
                if attribute or (is_trait and name not in self._own_traits):
                    marker = _MARKERS.get(attribute, _MARKER).format(len(found))
                    guard = self._guards.get(attribute, TEXT) if attribute else NOT_NULL
                    found.append(Slot(holder, name, marker, guard, attribute))
        if not any(slot.guard.pattern for slot in found):
            return []
        if "integrations" in names["payload"]:
            found.append(Slot("payload", "integrations", None, _NOT_SPECIAL))
        return found
