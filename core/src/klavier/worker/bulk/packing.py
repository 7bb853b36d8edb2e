"""Fill bodies: as many items as fit, never one identity twice, what belongs together in one."""

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any

import orjson

from klavier.klaviyo.limits import BODY_BYTES
from klavier.klaviyo.request import Request
from klavier.worker.bulk.endpoints import BulkKind, kind_of

UNIT_BYTES = 2_000_000
"""How much of one person's events goes into one body at most."""

_ITEM_BYTES = 100
"""How much longer an item of a body may be than the body of its own request, in bytes: that of an event is by 72."""


class Row:
    """One request on its way, with whatever its sender knows it by.

    `kind` and `group` say what it can share a body with, `identities` what no other row of that body may have too,
    `items` what it is there, `count` how many items that is, `size` how many bytes.  A request that goes `alone` has no
    kind, and so has one that cannot be written.
    """

    __slots__ = ("count", "group", "identities", "items", "kind", "request", "sender", "size")

    kind: BulkKind | None
    group: Hashable | None
    identities: Collection[Hashable]

    def __init__(self, request: Request, sender: Any, *, alone: bool) -> None:
        """Wrap a request, and measure what it is in a body."""
        self.request = request
        self.sender = sender
        kind = None if alone else kind_of(request)
        if kind is not None:
            try:
                found = kind.look(request)
                if found is not None:
                    self.group, self.identities, self.items = found
                    # An item says little more than a request of its own, which was written to be measured already.
                    self.size = len(request.body) + _ITEM_BYTES * len(self.items)
                    self.kind, self.count = kind, len(self.items)
                    return
            except (KeyError, TypeError, ValueError, AttributeError):
                pass  # not the shape that the endpoint takes: who sends it alone says what is wrong
        self.kind = self.group = None
        self.identities, self.items = (), []
        self.count, self.size = 1, 0


class Unit:
    """Rows that stay in one body: a person's events in their order, or one request.

    `weight` is how many of the person's events wait behind them, `since` when they came, in seconds.
    """

    __slots__ = ("count", "identities", "kind", "rows", "since", "size", "weight")

    def __init__(self, row: Row) -> None:
        """Begin a unit with its first row."""
        self.rows = [row]
        self.kind = row.kind
        self.weight = 0
        self.since = 0.0
        self.count = row.count
        self.size = row.size
        self.identities = set(row.identities)

    def takes(self, row: Row) -> bool:
        """Add a row if it can share a body with those before it."""
        kind = row.kind
        if kind is None or not kind.keeps_order or row.group != self.rows[0].group:
            return False
        count, size = self.count + row.count, self.size + row.size
        if count > kind.limit or size > UNIT_BYTES or not self.identities.isdisjoint(row.identities):
            return False
        self.count, self.size = count, size
        self.identities.update(row.identities)
        self.rows.append(row)
        return True


class Body:
    """A body that is being filled."""

    __slots__ = ("count", "rows", "size", "units")

    def __init__(self) -> None:
        """Begin an empty one."""
        self.units: list[Unit] = []
        self.rows: list[Row] = []
        self.count = self.size = 0

    def add(self, unit: Unit) -> None:
        """Put a unit in."""
        self.units.append(unit)
        self.rows += unit.rows
        self.count += unit.count
        self.size += unit.size


def pack(kind: BulkKind, units: Iterable[Unit], most: int | None = None) -> list[Body]:
    """Give the bodies that hold all units, each unit in the first body with room for it.

    What shares an identity with an earlier unit goes into a later body than that unit.
    With `most`, units are looked at until so many bodies are full; the others then hold only a part of what is left.
    """
    bodies: list[Body] = []
    taken: dict[Hashable, int] = {}
    is_new = taken.keys().isdisjoint
    first = room = 0  # no body before the first has room for anything
    for unit in units:
        room = room or BODY_BYTES - _wrapping(kind, unit.rows[0].request)
        at = first
        if not is_new(unit.identities):
            at = max(first, *[taken.get(identity, -1) + 1 for identity in unit.identities])
        count, size = kind.limit - unit.count, room - unit.size
        while at < len(bodies) and (bodies[at].count > count or bodies[at].size > size):
            at += 1
        if at == len(bodies):
            bodies.append(Body())
        body = bodies[at]
        body.add(unit)
        for identity in unit.identities:
            taken[identity] = at
        if body.count >= kind.limit:
            while first < len(bodies) and bodies[first].count >= kind.limit:
                first += 1
            if first == most:
                break
    return bodies


def in_one(kind: BulkKind, rows: Sequence[Row]) -> Request:
    """Say rows in one call."""
    return kind.request(rows[0].request, [item for row in rows for item in row.items])


def _wrapping(kind: BulkKind, first: Request) -> int:
    """Count the bytes of a body without its items."""
    return len(orjson.dumps(kind.body(first.json, ())))
