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


def pack(kind: BulkKind, units: Iterable[Sequence[Row]]) -> Iterator[list[Row]]:
    """Give the bodies that hold all units in order.

    A unit's rows stay in one body (a person's events in their order) unless they do not fit into one.
    """
    body: list[Row] = []
    taken: set[Hashable] = set()
    count = size = 0
    for row, unit_count, unit_size in _pieces(kind, units):
        items = row.items(kind)
        identities = row.identities(kind)
        full = count + unit_count > kind.limit or size + unit_size > BODY_BYTES
        if body and (full or not taken.isdisjoint(identities)):
            yield body
            body, taken, count, size = [], set(), 0, 0
        body.append(row)
        taken |= identities
        count += len(items)
        size += len(row.request.body) + _WRAPPING
    if body:
        yield body


def _pieces(kind: BulkKind, units: Iterable[Sequence[Row]]) -> Iterator[tuple[Row, int, int]]:
    """Give each row with the room it needs: for the first row of a unit the whole unit's, where that fits a body."""
    for unit in units:
        count = sum(len(row.items(kind)) for row in unit)
        size = sum(len(row.request.body) + _WRAPPING for row in unit)
        whole = count <= kind.limit and size <= BODY_BYTES
        for index, row in enumerate(unit):
            if index == 0 and whole:
                yield row, count, size
            else:
                yield row, len(row.items(kind)), len(row.request.body) + _WRAPPING
