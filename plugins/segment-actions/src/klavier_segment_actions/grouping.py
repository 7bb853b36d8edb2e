"""Which events are sent in one batch, so that requests of one profile keep the order of its events.

Events are assigned to layers.  A profile's later event is never in an earlier layer, and a batch belongs to one layer;
deliveries are then returned layer by layer.  So no two batches wait for each other, and each is as full as the order
of events allows.
"""

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from attrs import define, field

from klavier.events.model import Event

T = TypeVar("T")

NO_PROFILE = "nobody"
"""The ordering key of events without an identifier; they have no order among them."""

_FIRST = -1
"""The layer before all others."""


@define(eq=False)
class Group(Generic[T]):
    """Events of one layer that are sent together; `kind` is what they have in common."""

    layer: int
    kind: Hashable
    room: int
    events: list[Event] = field(factory=list)
    keys: list[str] = field(factory=list)
    contents: list[T] = field(factory=list)


class Grouping(Generic[T]):
    """Collects events into groups; one instance for each call of `deliveries`."""

    def __init__(self) -> None:
        self._groups: list[Group[T]] = []
        self._open: dict[Hashable, list[tuple[int, int]]] = {}
        """For each kind the groups that have room: layer and index, sorted."""
        self._last: dict[str, Group[T]] = {}
        """The group of each profile's latest event."""

    def add(self, event: Event, key: str, content: T, kind: Hashable, size: int, *, unique: bool) -> None:  # noqa: PLR0913 -- all that grouping depends on
        """Add an event to a group of its kind of at most `size` events; `unique` allows a profile once in a group."""
        last = self._last.get(key) if key != NO_PROFILE else None
        if last is not None and not unique and last.kind == kind and last.room > 0:
            group = last
        else:
            group = self._open_group(kind, 0 if last is None else last.layer + 1, size)
        _append(group, event, key, content)
        group.room -= 1
        if group.room == 0:
            self._close(group)
        if key != NO_PROFILE:
            self._last[key] = group

    def add_idle(self, event: Event, key: str, content: T) -> None:
        """Add an event that sends nothing to the profile's latest group, beyond its size; else before all groups."""
        last = self._last.get(key) if key != NO_PROFILE else None
        if last is None:
            last = Group(_FIRST, None, 0)
            self._groups.append(last)
        _append(last, event, key, content)

    def in_order(self) -> Iterator[Group[T]]:
        """Return the groups layer by layer."""
        return iter(sorted(self._groups, key=lambda group: group.layer))

    def _open_group(self, kind: Hashable, earliest: int, size: int) -> Group[T]:
        places = self._open.get(kind)
        if places is None:
            places = self._open[kind] = []
        if places and earliest == 0:
            return self._groups[places[0][1]]
        found = bisect_left(places, (earliest, -1))
        if found < len(places):
            return self._groups[places[found][1]]
        group: Group[T] = Group(earliest, kind, size)
        self._groups.append(group)
        insort(places, (earliest, len(self._groups) - 1))
        return group

    def _close(self, group: Group[T]) -> None:
        places = self._open[group.kind]
        index = bisect_left(places, (group.layer, -1))
        while self._groups[places[index][1]] is not group:
            index += 1
        del places[index]


def _append(group: Group[T], event: Event, key: str, content: T) -> None:
    group.events.append(event)
    group.keys.append(key)
    group.contents.append(content)
