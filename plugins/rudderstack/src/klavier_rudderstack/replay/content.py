"""Which members of a track call come into its event besides those of the profile, and what has to hold of them."""

from collections.abc import Callable
from typing import Any

from klavier_rudderstack.mode import Mode
from klavier_rudderstack.replay import slot
from klavier_rudderstack.replay.slot import Guard, Names, Slot
from klavier_rudderstack.tables.ecommerce import EVENTS, ITEMS_FROM, PROPERTIES, VALUE

_BY_VALUE = frozenset({"event", "value_currency", "$event_id", "$value"})
"""Properties of which it is not enough to know that they are there."""
_TIME, _NUMBER, _CURRENCY, _NAME, _TEXT = "2000-01-01T00:00:00.000Z", 1234.5, "XTS", "the name", "={}"
"""The markers; what there may be more than one of is numbered."""


class ContentSlots:
    """The slots of an event's content; `renamed` is what the general way does with the items of an ecommerce event."""

    def __init__(self, mode: Mode, renamed: Callable[[Any], list[Any]]) -> None:
        self._imports, self._exact, self._renamed = mode.version.imports, mode.exact, renamed
        self._items = Guard("not ({0} := renamed({0}))", names={"renamed": renamed})

    def of(self, names: Names, metric: str | None) -> list[Slot]:
        """Give the slots of a track call, of an ecommerce event with its metric; none where values decide too much."""
        payload, properties = names["payload"], names["properties"]
        is_known = "event" in payload and ("messageId" in payload or self._exact)
        if not is_known or not _BY_VALUE.isdisjoint(properties):
            return []
        if any(sum(name in properties for name in of_one) > 1 for of_one in (VALUE, ITEMS_FROM)):
            return []
        found = [self._property(number, name, metric) for number, name in enumerate(properties)]
        name = next((name for name, its in EVENTS.items() if its == metric), _NAME)
        found.append(Slot("payload", "event", name, slot.METRIC_NAME if metric is None else slot.ANY))
        found.append(Slot("", "message_id", _TEXT, slot.UNIQUE_ID if "messageId" in payload else slot.ANY))
        return [*found, *self._time(payload)]

    def _time(self, payload: tuple[str, ...]) -> list[Slot]:
        guard = slot.TEXT if self._exact else slot.TIME
        if "timestamp" in payload:
            return [Slot("", "timestamp", _TIME, guard)]
        absent = Slot("", "timestamp", None, slot.NULL)
        is_original = self._imports and "originalTimestamp" in payload
        return [absent, Slot("payload", "originalTimestamp", _TIME, guard)] if is_original else [absent]

    def _property(self, number: int, name: str, metric: str | None) -> Slot:
        if name in VALUE:
            return Slot("properties", name, _NUMBER, slot.NUMBER if self._imports else slot.NUMBER_NOT_ZERO)
        if name == "currency" and self._imports:
            return Slot("properties", name, _CURRENCY, slot.CURRENCY)
        marker = _TEXT.format(number)
        if metric is None:
            return Slot("properties", name, marker)
        if name in ITEMS_FROM:
            items = [{"product_id": marker}]
            return Slot("properties", name, items, self._items, said=self._renamed(items))
        target = PROPERTIES[metric].get(name)
        guard = slot.ANY if target is None else slot.UNIQUE_ID if target == "$event_id" else slot.TRUE
        return Slot("properties", name, marker, guard)
