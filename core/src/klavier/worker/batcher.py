"""Requests that wait to be sent, and which of them go together in one call."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from typing import Protocol

from attrs import define, field

from klavier.klaviyo.operations import M
from klavier.klaviyo.request import Request
from klavier.worker.bulk import BulkKind, Row, Unit, pack
from klavier.worker.fair_queue import URGENT, FairQueue
from klavier.worker.rate_limiter import BURST_SECONDS

_LATELY = 5.0
"""For how many seconds the others are modest after an urgent request came."""

_SPACE = BURST_SECONDS / M.burst
"""How far apart bodies of events go where units are urgent: as many as ever, but ten at once would wait together."""

_REPLY = 0.1
"""About how long a reply takes, in seconds."""

_LONG = 5.0
"""The wait for a body, in seconds, from which on the last events of all go without one."""

_FADING = 0.99
"""What is left, with each unit that comes, of the memory of the heaviest one."""


class Door(Protocol):
    """Who counts what is sent."""

    def admit(self, request: Request, *, modest: bool) -> bool:
        """Count a request as sent now; False where it may not be.  A `modest` one leaves quota to others."""
        ...


class Gate(Door, Protocol):
    """Who knows as well whether a request may be sent now."""

    def is_open(self, request: Request) -> bool:
        """Tell whether a request like this one may be sent now."""
        ...

    def wait(self, request: Request) -> float:
        """Give the seconds until a request like this one may be sent, as far as limits go; 0.0 for now."""
        ...


@define(eq=False)
class Parcel:
    """What is sent in one go: rows of one kind in a body, or rows each by itself, one after the other (`kind` None).

    `weight` is how many entries wait behind rows that go each by itself.
    """

    kind: BulkKind | None
    rows: list[Row]
    weight: int = 0


@define(eq=False)
class _Group:
    """Requests that share a call (`kind`), or that go alone to one endpoint (`kind` None)."""

    kind: BulkKind | None
    turns: FairQueue[Unit] = field(factory=FairQueue)
    items: int = 0
    peak: float = 0.0
    """How many entries waited behind the heaviest unit lately."""
    pressed: float = -_LATELY
    """When an urgent unit came last."""
    spaced_until: float = 0.0
    """When the next body may go, where bodies are spaced."""

    def add(self, unit: Unit) -> None:
        self.peak = max(unit.weight, self.peak * _FADING)
        if unit.weight >= URGENT and self.is_urgent(unit):
            self.pressed = unit.since
        self.turns.add(unit, unit.weight)
        self.items += unit.count

    def reweigh(self, weight_of: Callable[[Unit], int]) -> None:
        """Take in that units became heavier; `weight_of` gives 0 for those that did not."""

        def reweighed(unit: Unit) -> int:
            weight = weight_of(unit)
            if weight:
                unit.weight = weight
                self.peak = max(weight, self.peak)
            return weight

        self.turns.reweigh(reweighed)

    def leave(self, units: Sequence[Unit]) -> None:
        self.turns.leave(units)
        self.items -= sum(unit.count for unit in units)

    @property
    def since(self) -> float:
        """When the unit came that waits longest."""
        oldest = self.turns.oldest()
        return 0.0 if oldest is None else oldest.since

    def call(self, now: float) -> tuple[Request, bool]:
        """Give a call like the one that is sent next, and whether it is modest."""
        heaviest = self.turns.heaviest()
        unit = heaviest if heaviest is not None and self.is_urgent(heaviest) else self.turns.first()
        if unit is None:
            raise AssertionError("a group without units is not kept")
        first = unit.rows[0].request
        return (first, self.modest(now, unit)) if self.kind is None else (_call(self.kind, first, self.items), False)

    @property
    def lone(self) -> Unit | None:
        """What many entries wait for, and would wait for a body to be filled; it is sent alone."""
        unit = self.turns.heaviest()
        if self.kind is None or self.kind.keeps_order or unit is None or not self.is_urgent(unit):
            return None
        return unit

    def hurried(self, now: float, linger: float, gate: Gate, *, last: bool) -> Unit | None:
        """Give a person's events where sending them one after the other takes less time than a body's wait.

        Only an urgent person's, and the `last` of all when the quota for bodies is long used up: to save calls comes
        first.
        """
        unit = self.turns.heaviest() or self.turns.oldest()
        if self.kind is None or not self.kind.keeps_order or unit is None:
            return None
        urgent = self.is_urgent(unit)
        if self.full and not urgent:
            return None
        wait = gate.wait(_call(self.kind, unit.rows[0].request, self.items))
        if urgent:
            wait = max(wait, self.spacing(now), 0.0 if self.full else self.due(linger) - now)
        elif wait < _LONG or not last:
            return None
        return unit if wait > _REPLY * len(unit.rows) else None

    def is_urgent(self, unit: Unit) -> bool:
        """Tell whether a unit is among those that set how long all takes."""
        return unit.weight >= max(URGENT, self.peak / 2)

    def modest(self, now: float, unit: Unit) -> bool:
        """Tell whether a unit is to leave a part of the quota to urgent ones; in a body there is room for both."""
        return now - self.pressed < _LATELY and not self.is_urgent(unit)

    def spaces(self, now: float) -> bool:
        """Tell whether bodies go one by one: an urgent person's next events need the reply to those before them.

        Ten bodies that go at once have place for that person once, ten that go one by one up to ten times.
        """
        return self.kind is not None and self.kind.keeps_order and now - self.pressed < _LATELY

    def spacing(self, now: float) -> float:
        """Give the seconds until the next body may go, as far as it is spaced; a clock set back holds nothing."""
        wait = self.spaced_until - now
        return wait if 0 < wait <= _SPACE else 0.0

    def due(self, linger: float) -> float:
        """Give when it has waited long enough: four times as early where many entries wait behind one of its units."""
        return self.since + (linger if self.turns.heaviest() is None else linger / 4)

    @property
    def full(self) -> bool:
        """Whether there is a full body, or a request that goes alone."""
        return self.kind is None or self.items >= self.kind.limit


class Pool:
    """Requests by the call they can share, each in its turn.

    With `combine`, requests that Klaviyo's bulk endpoints can say are kept until they fill a body or have waited for
    `linger` seconds; without it every request is a parcel of its own.
    """

    def __init__(self, *, combine: bool, linger: float) -> None:
        self._combine = combine
        self._linger = linger
        self._groups: dict[Hashable, _Group] = {}

    def row(self, request: Request, sender: object, *, bulkable: bool) -> Row:
        """Wrap a request; only a `bulkable` one is combined, and only where this pool combines."""
        return Row(request, sender, alone=not (self._combine and bulkable))

    def add(self, unit: Unit, now: float) -> None:
        """Take in what stays in one body: one request, or several of one person that share a group."""
        first = unit.rows[0]
        key: Hashable = first.group or _endpoint(first.request.method, first.request.path)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(unit.kind)
        unit.since = now
        group.add(unit)

    def reweigh(self, weight_of: Callable[[Unit], int]) -> None:
        """Take in that units became heavier while they wait; `weight_of` gives 0 for those that did not."""
        for group in self._groups.values():
            group.reweigh(weight_of)

    def ready(self, now: float, gate: Gate, *, starved: bool, idle: bool, last: bool) -> Iterator[Parcel]:
        """Give parcels that may be sent now, each counted by the gate.

        Full bodies go at once.  Others go when nothing more is to be expected soon (`starved`) and they have waited;
        and when nothing is under way (`idle`) and none is full the oldest goes: its replies may fill the others.
        The `last` of all may go one by one.
        """
        oldest = None
        if idle and self._groups and not any(group.full for group in self._groups.values()):
            oldest = min(self._groups.values(), key=lambda group: group.since)
        for key, group in list(self._groups.items()):
            if group.kind is None:
                while (parcel := self._alone(group, gate, now)) is not None:
                    yield parcel
            else:
                yield from self._urgent(group, gate, now, last=last)
                due = group is oldest or (starved and now >= group.due(self._linger))
                may_go = (due or group.full) and group.spacing(now) <= 0
                if group.items and may_go and gate.is_open(group.call(now)[0]):
                    yield from self._bodies(group, group.kind, gate, now, due=due)
            if not group.items:
                del self._groups[key]

    def one_alone(self, now: float, door: Door) -> Parcel | None:
        """Give one request that goes alone and may be sent now; None where there is none."""
        for key, group in self._groups.items():
            parcel = self._alone(group, door, now) if group.kind is None else None
            if parcel is not None:
                if not group.items:
                    del self._groups[key]
                return parcel
        return None

    def next_linger(self, now: float) -> float | None:
        """Give the next moment at which a group that is not full will have waited long enough, or is spaced no more."""
        groups = [group for group in self._groups.values() if group.kind is not None]
        moments = [group.due(self._linger) for group in groups] + [group.spaced_until for group in groups]
        return min((moment for moment in moments if moment > now), default=None)

    def calls(self, now: float, *, starved: bool) -> Iterator[tuple[Request, bool]]:
        """Give the calls that only the pacer holds back, each with whether it is modest: to ask when they may go."""
        for group in self._groups.values():
            if group.spacing(now) > 0:
                continue
            if group.full or (starved and now >= group.due(self._linger)):
                yield group.call(now)
            elif (unit := group.lone) is not None:
                yield unit.rows[0].request, False

    def _alone(self, group: _Group, door: Door, now: float) -> Parcel | None:
        turns = group.turns
        unit = turns.first()
        if unit is None:
            return None
        if door.admit(unit.rows[0].request, modest=group.modest(now, unit)):
            turns.take()
        else:
            unit = turns.heaviest()
            if unit is None or not door.admit(unit.rows[0].request, modest=group.modest(now, unit)):
                return None
            turns.take_heaviest()
        group.items -= 1
        return Parcel(None, unit.rows, unit.weight)

    def _urgent(self, group: _Group, gate: Gate, now: float, *, last: bool) -> Iterator[Parcel]:
        while (unit := group.lone or group.hurried(now, self._linger, gate, last=last)) is not None:
            if not gate.admit(unit.rows[0].request, modest=False):
                return
            _ = group.turns.take_heaviest() or group.turns.take()
            group.items -= unit.count
            yield Parcel(None, unit.rows, unit.weight)

    def _bodies(self, group: _Group, kind: BulkKind, gate: Gate, now: float, *, due: bool) -> Iterator[Parcel]:
        spaced = group.spaces(now)
        bodies = pack(kind, group.turns, most=1 if spaced else None)
        sent: list[Unit] = []
        for index, body in enumerate(bodies):
            full = index < len(bodies) - 1 or body.count >= kind.limit
            call = _call(kind, body.rows[0].request, len(body.rows))
            if not (full or due) or not gate.admit(call, modest=False):
                break
            sent += body.units
            yield Parcel(kind, body.rows)
            if spaced:
                group.spaced_until = now + _SPACE
                break
        group.leave(sent)


def _call(kind: BulkKind, first: Request, rows: int) -> Request:
    """Give what is counted when rows are sent: one row goes by itself, several by the bulk operation."""
    return first if rows == 1 else Request(kind.operation.method, kind.path(first))


@lru_cache(maxsize=1024)
def _endpoint(method: str, path: str) -> tuple[str, ...]:
    """Put calls of one endpoint together, whatever id is in their path."""
    return ("alone", method, *path.split("/")[:3])
