"""A fair queue: alternates between the oldest item and the one with the largest backlog.

The events of one profile are sent one after the other, so the profile with the most events decides how long a backlog
takes, unless each of its events is sent as soon as the one before it is done. The other profiles lose nothing: half of
all turns are theirs, and they need one turn where that profile needs a thousand.
"""

import heapq
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

LARGE_BACKLOG = 32
"""From how many waiting entries on the backlog of an item counts. Smaller ones end soon anyway, and most items are
smaller, so the heap stays short; values from 16 to 64 drain the backlogs of tests/worker/test_drain.py equally fast."""


class _Slot(Generic[T]):
    """An item's place in both orders; `taken` once it was popped by one of them."""

    __slots__ = ("backlog", "item", "taken")

    def __init__(self, item: T, backlog: int) -> None:
        self.item = item
        self.backlog = backlog
        self.taken = False


class FairQueue(Generic[T]):
    """Items in two orders: by age, and those with a large backlog by that too."""

    def __init__(self) -> None:
        self._by_age: deque[_Slot[T]] = deque()
        self._by_backlog: list[tuple[int, int, _Slot[T]]] = []
        self._ticket = 0
        self._largest_next = True

    def add(self, item: T, backlog: int = 0) -> None:
        """Add an item at the end; `backlog` is how many entries wait for it."""
        slot = _Slot(item, backlog)
        self._by_age.append(slot)
        self._index(slot)

    def put_back(self, items: Iterable[tuple[T, int]]) -> None:
        """Add items with their backlogs before all others, the first one first."""
        for item, backlog in reversed(list(items)):
            slot = _Slot(item, backlog)
            self._by_age.appendleft(slot)
            self._index(slot)

    def peek(self) -> T | None:
        """Return the item that `pop` would remove; None where there is none."""
        slot = self._next_slot()
        return None if slot is None else slot.item

    def pop(self) -> T | None:
        """Remove and return the next item: the one with the largest backlog and the oldest, in turns."""
        slot = self._next_slot()
        self._largest_next = not self._largest_next
        return None if slot is None else self._take(slot)

    def largest(self) -> T | None:
        """Return the item with the largest backlog, where that counts as large."""
        heap = self._by_backlog
        while heap and heap[0][2].taken:
            heapq.heappop(heap)
        return heap[0][2].item if heap else None

    def pop_largest(self) -> T | None:
        """Remove and return the item that `largest` returns, out of turn."""
        return None if self.largest() is None else self._take(self._by_backlog[0][2])

    def oldest(self) -> T | None:
        """Return the item that has waited longest."""
        by_age = self._by_age
        while by_age and by_age[0].taken:
            by_age.popleft()
        return by_age[0].item if by_age else None

    def _index(self, slot: _Slot[T]) -> None:
        if slot.backlog >= LARGE_BACKLOG:
            self._ticket += 1
            heapq.heappush(self._by_backlog, (-slot.backlog, self._ticket, slot))

    def _next_slot(self) -> _Slot[T] | None:
        if self._largest_next and self.largest() is not None:
            return self._by_backlog[0][2]
        return None if self.oldest() is None else self._by_age[0]

    def _take(self, slot: _Slot[T]) -> T:
        slot.taken = True
        return slot.item
