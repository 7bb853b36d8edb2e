"""Items of ecommerce events renamed in one go."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from klavier.events.model import JsonObject
from klavier_rudderstack.replay.expression import Make, give_up, write
from klavier_rudderstack.replay.shapes import Shapes
from klavier_rudderstack.replay.slot import ANY, TRUE, Slot, hold

Rename = Callable[[JsonObject], JsonObject]
"""Renames the members of one object."""


class ReplayedItem:
    """Renames the parameters of items as `general` does, only faster; `by_value` are those whose values decide."""

    def __init__(self, general: Rename, by_value: AbstractSet[str]) -> None:
        self._general, self._by_value = general, by_value
        self._shapes: Shapes[Make] = Shapes()

    def rename(self, item: JsonObject) -> JsonObject:
        """Rename the parameters of one item."""
        shape = tuple(item)
        make = self._shapes.get(shape)
        if make is None:
            self._shapes.meet(shape, len(shape), lambda: self._write(shape))
        else:
            found: JsonObject | None = make(item)
            if found is not None:
                return found
        return self._general(item)

    def _write(self, shape: tuple[str, ...]) -> Make:
        slots = [
            Slot("item", name, f"#{number}", TRUE if name in self._by_value else ANY)
            for number, name in enumerate(shape)
        ]
        return write(self._general(hold(slots)["item"]), {"item": shape}, slots) if slots else give_up
