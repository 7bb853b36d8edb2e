"""All items of ecommerce events renamed in one go."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

from klavier.events.model import JsonObject
from klavier_rudderstack.replay.expression import Make, give_up, write_all
from klavier_rudderstack.replay.shapes import Shapes
from klavier_rudderstack.replay.slot import ANY, TRUE, Slot, hold

Rename = Callable[[JsonObject], JsonObject]
"""Renames the members of one object."""


class ReplayedItems:
    """Renames the parameters of items as `general` does, only faster; `by_value` are those whose values decide."""

    def __init__(self, general: Rename, by_value: AbstractSet[str]) -> None:
        self._general, self._by_value = general, by_value
        self._shapes: Shapes[Make] = Shapes()

    def rename(self, items: list[Any]) -> list[JsonObject] | None:
        """Rename the parameters of items of one known shape; None where they have to be taken one by one."""
        first = items[0] if items else None
        if first.__class__ is not dict:
            return None
        shape = tuple(first)
        make = self._shapes.get(shape)
        if make is None:
            self._shapes.meet(shape, len(shape), lambda: self._write(shape))
            return None
        found: list[JsonObject] | None = make(items)
        return found

    def _write(self, shape: tuple[str, ...]) -> Make:
        slots = [
            Slot("item", name, f"#{number}", TRUE if name in self._by_value else ANY)
            for number, name in enumerate(shape)
        ]
        renamed = self._general(hold(slots)["item"])
        return write_all(renamed, shape, slots) if renamed else give_up
