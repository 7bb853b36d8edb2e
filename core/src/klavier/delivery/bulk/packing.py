"""Fill bodies: as many items as fit, never one identity twice, what belongs together in one."""

from collections.abc import Collection, Hashable, Iterable
from typing import Any

from klavier.delivery.bulk.kinds import BulkKind, look_at
from klavier.klaviyo.limits import BODY_BYTES
from klavier.klaviyo.request import Request

_WRAPPING = 200
"""Bytes that an item of a bulk body may have more than the request it came from."""

UNIT_BYTES = 2_000_000
"""How much of one person's events goes into one body at most."""


class Row:
    """One request on its way, with whatever its sender knows it by.

    `kind` and `group` say what it can share a body with, `identities` what no other row of that body may have too,
    `count` how many items it is, `size` how many bytes.  A request that goes `alone` has no kind.
    """

    __slots__ = ("count", "group", "identities", "kind", "request", "sender", "size")

    kind: BulkKind | None
    group: Hashable | None

    def __init__(self, request: Request, sender: Any, *, alone: bool) -> None:
        """Wrap a request; its items are made when a body is sent."""
        self.request = request
        self.sender = sender
        found = None if alone else look_at(request)
        if found is None:
            self.kind = self.group = None
            self.identities: Collection[Hashable] = ()
            self.count, self.size = 1, 0
            return
        self.kind, (self.group, self.identities, self.count) = found
        self.size = len(request.body) + _WRAPPING


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
    first = 0  # no body before it has room for anything
    for unit in units:
        at = first
        for identity in unit.identities:
            at = max(at, taken.get(identity, -1) + 1)
        count, size = kind.limit - unit.count, BODY_BYTES - unit.size
        while at < len(bodies) and (bodies[at].count > count or bodies[at].size > size):
            at += 1
        if at == len(bodies):
            bodies.append(Body())
        body = bodies[at]
        body.add(unit)
        for identity in unit.identities:
            taken[identity] = at
        while first < len(bodies) and bodies[first].count >= kind.limit:
            first += 1
        if first == most:
            break
    return bodies
