"""The functions that were written for shapes, in bounded memory."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

MET = 3
"""How often a shape is met before a function is written for it, which takes as long as ten or twenty events."""
MOST_SHAPES = 1000
"""Shapes that have a function; those that come later go the general way, and so does what comes once."""
MOST_MEMBERS = 100
MOST_CHARACTERS = 10_000
"""Of all names in a shape."""

Made = TypeVar("Made")
Shape = tuple[Any, ...]


class Shapes(Generic[Made]):
    """What was made for each shape, for any number of threads."""

    def __init__(self) -> None:
        self._made: dict[Shape, Made] = {}
        self._met: dict[Shape, int] = {}
        self.get = self._made.get
        """Gives what was made for a shape; None for one that is to be met."""

    def meet(self, shape: Shape, size: int, make: Callable[[], Made]) -> None:
        """Count a shape of so many members, and make what it is to have when it has been met often enough."""
        if (
            len(self._made) >= MOST_SHAPES
            or size > MOST_MEMBERS
            or sum(map(len, filter(None, shape))) > MOST_CHARACTERS
        ):
            return
        if len(self._met) >= MOST_SHAPES:
            self._met.clear()
        times = self._met[shape] = self._met.get(shape, 0) + 1
        if times >= MET:
            self._met.pop(shape, None)  # another thread may have met it at the same moment
            self._made[shape] = make()
