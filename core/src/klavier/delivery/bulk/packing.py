"""Fill bodies: as many items as fit, never one identity twice, what belongs together in one."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from klavier.delivery.bulk.kinds import BulkKind, kind_of_request
from klavier.klaviyo.limits import BODY_BYTES
from klavier.klaviyo.request import Request

_WRAPPING = 200
"""Bytes that an item of a bulk body may have more than the request it came from."""


class Row:
    """One request on its way, with whatever its sender knows it by.

    `kind` and `group` say what it can share a body with; a request that goes `alone` has neither.
    """

    __slots__ = ("_identities", "_items", "group", "kind", "request", "sender")

    def __init__(self, request: Request, sender: Any, *, alone: bool) -> None:
        """Wrap a request; its items are made when a body is packed."""
        found = None if alone else kind_of_request(request)
        self.kind: BulkKind | None = found[0] if found else None
        self.group: Hashable | None = found[1] if found else None
        self.request = request
        self.sender = sender
        self._items: list[Any] | None = None
        self._identities: frozenset[Hashable] | None = None

    def items(self, kind: BulkKind) -> list[Any]:
        """Give the request's items for a bulk body of its kind, made once."""
        if self._items is None:
            self._items = kind.items(self.request.json)
        return self._items

    def identities(self, kind: BulkKind) -> frozenset[Hashable]:
        """Give what no other row of its body may share, found once."""
        if self._identities is None:
            self._identities = frozenset().union(*map(kind.identities, self.items(kind)))
        return self._identities


class _Body:
    """A body that is being filled."""

    def __init__(self, kind: BulkKind) -> None:
        self.rows: list[Row] = []
        self.taken: set[Hashable] = set()
        self._kind = kind
        self._count = self._size = 0

    def has_room(self, count: int, size: int) -> bool:
        """Tell whether so many items and bytes fit; anything fits into an empty body."""
        return not self.rows or (self._count + count <= self._kind.limit and self._size + size <= BODY_BYTES)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.taken |= row.identities(self._kind)
        self._count += len(row.items(self._kind))
        self._size += _size(row)


def pack(kind: BulkKind, units: Iterable[Sequence[Row]]) -> Iterator[list[Row]]:
    """Give the bodies that hold all units, each unit in the first body with room for it.

    A unit's rows stay in one body (a person's events in their order) unless they do not fit into one.  What shares an
    identity with an earlier row goes into a later body than that row.
    """
    bodies: list[_Body] = []
    for unit in units:
        first = 0
        for piece in _pieces(kind, unit):
            first = _place(kind, bodies, piece, first)
    return (body.rows for body in bodies)


def _place(kind: BulkKind, bodies: list[_Body], rows: Sequence[Row], first: int) -> int:
    """Put rows into one body, `first` or later; gives which."""
    count, size = sum(len(row.items(kind)) for row in rows), sum(map(_size, rows))
    own = frozenset().union(*(row.identities(kind) for row in rows))
    found = len(bodies)
    for index in range(len(bodies) - 1, first - 1, -1):
        if not bodies[index].taken.isdisjoint(own):
            break
        if bodies[index].has_room(count, size):
            found = index
    if found == len(bodies):
        bodies.append(_Body(kind))
    for row in rows:
        bodies[found].add(row)
    return found


def _pieces(kind: BulkKind, unit: Sequence[Row]) -> list[Sequence[Row]]:
    """Give what has to stay together: the whole unit where it fits into one body, else row by row."""
    whole = sum(len(row.items(kind)) for row in unit) <= kind.limit and sum(map(_size, unit)) <= BODY_BYTES
    distinct = sum(len(row.identities(kind)) for row in unit) == len(
        frozenset().union(*(row.identities(kind) for row in unit))
    )
    return [unit] if whole and distinct else [[row] for row in unit]


def _size(row: Row) -> int:
    return len(row.request.body) + _WRAPPING
