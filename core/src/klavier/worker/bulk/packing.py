"""Fill bodies: as many items as fit, never one identity twice, what belongs together in one."""

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any, Protocol

import orjson

from klavier.klaviyo.limits import BODY_BYTES
from klavier.klaviyo.request import Request
from klavier.worker.bulk.endpoints import BulkKind, kind_of

UNIT_BYTES = 2_000_000
"""How much of one person's events goes into one body at most."""


class Sender(Protocol):
    """Who waits for the reply to a row."""

    def again(self) -> Request | None:
        """Make the request of the row once more, which was let go; None where it should not be able to."""
        ...


class Row:
    """One request on its way, with whatever its sender knows it by.

    `kind` and `group` say what it can share a body with, `identities` what no other row of that body may have too,
    `text` what it is there as JSON, `count` how many items it is, `size` how many bytes.  `call` is the request, or one
    like it without a body.  A request that goes `alone` has no kind, and so has one that cannot be written.
    """

    __slots__ = ("call", "count", "group", "identities", "kind", "sender", "size", "text")

    kind: BulkKind | None
    group: Hashable | None
    identities: Collection[Hashable]

    def __init__(self, request: Request, sender: Any, *, alone: bool) -> None:
        """Wrap a request, and write it as it will be said in a body: once, since it is measured by that too."""
        self.call = request
        self.sender = sender
        kind = None if alone else kind_of(request)
        if kind is not None:
            try:
                found = kind.look(request)
                if found is not None:
                    self.group, self.identities, items = found
                    self.text = text = orjson.dumps(items)[1:-1]  # a slice takes no more memory than it needs
                    self.kind, self.count, self.size = kind, len(items), len(text) + 1
                    return
            except (KeyError, TypeError, ValueError, AttributeError):
                pass  # not the shape that the endpoint takes: who sends it alone says what is wrong
        self.kind = self.group = None
        self.identities, self.text = (), b""
        self.count, self.size = 1, 0

    @property
    def request(self) -> Request:
        """The request; made again by the sender where it was let go."""
        kind = self.kind
        if kind is None or self.call is not kind.single:
            return self.call
        return self.sender.again() or in_one(kind, [self])  # a body of one row says the same

    def let_go(self) -> None:
        """Keep the text alone where that is all that is sent: many requests under way take much time to reach."""
        kind, call = self.kind, self.call
        if kind is None:
            if call.has_json and call.params is None:
                self.call = Request.of_text(call.method, call.path, call.body, call.revision)
        elif kind.single is not None:
            self.call = kind.single


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
        room = room or BODY_BYTES - _wrapping(kind, unit.rows[0].call)
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
    """Say rows in one call; its body is put together from what each row has written."""
    return kind.request(rows[0].call, b",".join([row.text for row in rows]))


def _wrapping(kind: BulkKind, first: Request) -> int:
    """Count the bytes of a body without its items."""
    return len(orjson.dumps(kind.body(first.json, ())))
