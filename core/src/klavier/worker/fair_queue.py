"""Whose turn it is: the oldest's, and every other time that of whoever has the most behind it.

One person's events go one after the other, so a person with many of them sets how long a backlog takes, unless each is
sent as soon as the one before it is through.  The others lose nothing by it: they need one turn where that person needs
a thousand, and half of all turns are theirs.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

HEAVY = 32
"""How many entries have to wait behind an item for it to count by its weight."""


URGENT = 250
"""How many entries have to wait behind a unit for it to be urgent; the heaviest of them are, down to half as many."""


class _Place(Generic[T]):
    """Where an item with much behind it stands, in both orders; others stand in the queue as they are."""

    __slots__ = ("item", "left")

    def __init__(self, item: T) -> None:
        self.item = item
        self.left = False


class FairQueue(Generic[T]):
    """Items that wait; each is added with its weight, which is how many entries wait behind it."""

    def __init__(self) -> None:
        self._arrived: deque[T | _Place[T]] = deque()
        self._heavy: list[tuple[int, int, _Place[T]]] = []
        self._count = 0
        self._tie = 0
        self._by_weight = True

    def add(self, item: T, weight: int = 0) -> None:
        """Put an item at the end of the queue."""
        self._count += 1
        self._arrived.append(item if weight < HEAVY else self._push(_Place(item), weight))

    def reweigh(self, weight_of: Callable[[T], int]) -> None:
        """Let items that became heavier stand where they now belong; `weight_of` gives 0 for those that did not."""
        for index, standing in enumerate(self._arrived):
            item = _waiting(standing)
            if item is not None and (weight := weight_of(item)) >= HEAVY:
                place = standing if isinstance(standing, _Place) else _Place(item)
                self._arrived[index] = self._push(place, weight)

    def first(self) -> T | None:
        """Give the item whose turn it is; None where none waits."""
        heaviest = self._heaviest() if self._heavy and self._by_weight else None
        return self.oldest() if heaviest is None else heaviest.item

    def take(self) -> T | None:
        """Take the item whose turn it is; then it is another one's."""
        by_weight = self._by_weight
        self._by_weight = not by_weight
        if by_weight and self._heavy and (heaviest := self._heaviest()) is not None:
            return self._take(heaviest)
        arrived = self._arrived
        while arrived:
            standing = arrived.popleft()
            if not isinstance(standing, _Place):
                self._count -= 1
                return standing
            if not standing.left:
                return self._take(standing)
        return None

    def take_heaviest(self) -> T | None:
        """Take the item that `heaviest` gives, out of turn."""
        heaviest = self._heaviest()
        return None if heaviest is None else self._take(heaviest)

    def oldest(self) -> T | None:
        """Give the item that waits longest."""
        arrived = self._arrived
        while arrived:
            item = _waiting(arrived[0])
            if item is not None:
                return item
            arrived.popleft()
        return None

    def heaviest(self) -> T | None:
        """Give the item with the most behind it, where that is much."""
        place = self._heaviest() if self._heavy else None
        return None if place is None else place.item

    def leave(self, items: Iterable[T]) -> None:
        """Take these items, whosever turn it is."""
        gone = set(map(id, items))
        arrived = self._arrived
        while arrived and self._leaves(arrived[0], gone):  # most are the first ones
            arrived.popleft()
        if gone:
            self._arrived = deque(standing for standing in arrived if not self._leaves(standing, gone))
        self._heavy = [row for row in self._heavy if not row[2].left]
        heapq.heapify(self._heavy)

    def __iter__(self) -> Iterator[T]:
        """Give all items in the order of their turns; takes none."""
        by_age = (item for standing in self._arrived if (item := _waiting(standing)) is not None)
        if not self._heavy:
            yield from by_age
            return
        by_weight = iter([row[2].item for row in sorted(self._heavy) if not row[2].left])
        shown: set[int] = set()
        turn = self._by_weight
        for _ in range(self._count):
            item = next((item for item in by_weight if id(item) not in shown), None) if turn else None
            if item is None:
                item = next(item for item in by_age if id(item) not in shown)
            shown.add(id(item))
            yield item
            turn = not turn

    def __len__(self) -> int:
        """Count the items."""
        return self._count

    def _push(self, place: _Place[T], weight: int) -> _Place[T]:
        self._tie += 1
        heapq.heappush(self._heavy, (-weight, self._tie, place))
        return place

    def _heaviest(self) -> _Place[T] | None:
        while self._heavy and self._heavy[0][2].left:
            heapq.heappop(self._heavy)
        return self._heavy[0][2] if self._heavy else None

    def _take(self, place: _Place[T]) -> T:
        place.left = True
        self._count -= 1
        return place.item

    def _leaves(self, standing: T | _Place[T], gone: set[int]) -> bool:
        """Take what stands here if it is among those that go; gives whether nothing stands here any more."""
        if not isinstance(standing, _Place):
            if id(standing) not in gone:
                return False
            gone.discard(id(standing))
            self._count -= 1
        elif not standing.left:
            if id(standing.item) not in gone:
                return False
            gone.discard(id(self._take(standing)))
        return True


def _waiting(standing: T | _Place[T]) -> T | None:
    """Give the item that stands somewhere; None where it has left."""
    if isinstance(standing, _Place):
        return None if standing.left else standing.item
    return standing
