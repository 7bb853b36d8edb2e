"""Requests that wait to be sent, and which of them go together in one call."""

from collections.abc import Hashable, Iterator, Sequence
from typing import Protocol

from attrs import define, field

from klavier.delivery.bulk import BulkKind, Row, pack
from klavier.klaviyo.request import Request


class Gate(Protocol):
    """Who knows whether a request may be sent now."""

    def is_open(self, request: Request) -> bool:
        """Tell whether a request like this one may be sent now."""
        ...

    def pass_through(self, request: Request) -> bool:
        """Count a request as sent now; False where it may not be."""
        ...


@define(eq=False)
class Parcel:
    """What is sent in one go: rows of one kind, or one row alone (`kind` None)."""

    kind: BulkKind | None
    rows: list[Row]


@define(eq=False)
class _Group:
    kind: BulkKind | None
    units: list[Sequence[Row]] = field(factory=list)
    rows: int = 0
    since: float = 0.0

    @property
    def call(self) -> Request:
        """A call like those that the group is sent by, to ask the pacer with."""
        return _call(self.kind, [row for unit in self.units[:2] for row in unit])

    @property
    def full(self) -> bool:
        """Whether there is a full body, or a request that goes alone."""
        return self.kind is None or self.rows >= self.kind.limit


class Pool:
    """Requests by the call they can share, in order of arrival.

    With `combine`, requests that Klaviyo's bulk endpoints can say are kept until they fill a body or have waited for
    `linger` seconds; without it every request is a parcel of its own.
    """

    def __init__(self, *, combine: bool, linger: float) -> None:
        self._combine = combine
        self._linger = linger
        self._groups: dict[Hashable, _Group] = {}
        self.rows = 0

    def row(self, request: Request, sender: object, *, bulkable: bool) -> Row:
        """Wrap a request; only a `bulkable` one is combined, and only where this pool combines."""
        return Row(request, sender, alone=not (self._combine and bulkable))

    def add(self, unit: Sequence[Row], now: float) -> None:
        """Take in rows that stay in one body: one request, or several of one person that share a group."""
        first = unit[0]
        key: Hashable = first.group or ("alone", first.request.method, _shape(first.request.path))
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(first.kind, since=now)
        group.units.append(unit)
        group.rows += len(unit)
        self.rows += len(unit)

    def ready(self, now: float, gate: Gate, *, starved: bool, idle: bool) -> Iterator[Parcel]:
        """Give parcels that may be sent now, each counted by the gate.

        Full bodies go at once.  Others go when nothing more is to be expected soon (`starved`) and they have waited;
        and when nothing is under way (`idle`) and none is full the oldest goes: its replies may fill the others.
        """
        oldest = None
        if idle and self._groups and not any(group.full for group in self._groups.values()):
            oldest = min(self._groups.values(), key=lambda group: group.since)
        for key, group in list(self._groups.items()):
            if not gate.is_open(group.call):
                continue
            due = group is oldest or (starved and now - group.since >= self._linger)
            yield from self._alone(group, gate) if group.kind is None else self._bodies(group, gate, due=due)
            if not group.units:
                del self._groups[key]

    def next_linger(self) -> float | None:
        """Give the moment at which the oldest group that is not full has waited long enough."""
        waits = [group.since + self._linger for group in self._groups.values() if group.kind is not None]
        return min(waits) if waits else None

    def calls(self) -> Iterator[Request]:
        """Give a call of each group, to ask the pacer when it may go."""
        return (group.call for group in self._groups.values())

    def _alone(self, group: _Group, gate: Gate) -> Iterator[Parcel]:
        done = 0
        for unit in group.units:
            if not gate.pass_through(unit[0].request):
                break
            done += 1
            self._leave(group, len(unit))
            yield Parcel(None, list(unit))
        del group.units[:done]

    def _bodies(self, group: _Group, gate: Gate, *, due: bool) -> Iterator[Parcel]:
        if group.kind is None or not (due or group.full):
            return
        bodies = list(pack(group.kind, group.units))
        kept: list[Sequence[Row]] = []
        for index, body in enumerate(bodies):
            full = index < len(bodies) - 1 or len(body) >= group.kind.limit
            if kept or not (full or due) or not gate.pass_through(_call(group.kind, body)):
                kept.append(body)
                continue
            self._leave(group, len(body))
            yield Parcel(group.kind, body)
        group.units = kept

    def _leave(self, group: _Group, rows: int) -> None:
        group.rows -= rows
        self.rows -= rows


def _call(kind: BulkKind | None, rows: Sequence[Row]) -> Request:
    """Give what is counted when rows are sent: one row goes by itself, several by the bulk endpoint."""
    first = rows[0].request
    return first if kind is None or len(rows) == 1 else Request(kind.method, kind.path or first.path)


def _shape(path: str) -> str:
    """Put calls of one endpoint together, whatever id is in their path."""
    return "/".join(path.split("/")[:3])
