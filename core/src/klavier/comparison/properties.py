"""Comparing the properties of many pairs of objects: which names are renamed, missing or changed.

What is inside a property, such as the products of an order, is compared in the same way.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from klavier.comparison.cases import add_case, first_cases, is_wanted
from klavier.comparison.renames import Pair, Shape, find_renames
from klavier.comparison.report import Case, DifferenceKind
from klavier.comparison.values import change, is_same, is_telling
from klavier.comparison.values import frozen as frozen_value

if TYPE_CHECKING:
    from klavier.comparison.matching import Match
    from klavier.comparison.snapshot import StoredProfile


@define(eq=False)  # never changed; frozen it would take twice as long to make, and every event has one
class Compared:
    """The properties of two matched objects, with their profile, whose name only the cases need, and input event."""

    left: Mapping[str, Any] = field(repr=False)
    right: Mapping[str, Any] = field(repr=False)
    line: int | None
    owner: "Match | StoredProfile" = field(repr=False)


@frozen
class PropertyRow:
    """One difference: its kind, the name, the other name where it is renamed, how values differ, and its cases."""

    kind: DifferenceKind
    name: str
    other: str
    detail: str
    count: int
    cases: list[Case] = field(repr=False)


_MOST_INSIDE = 3
"""Differences inside a property that a row lists."""

_INSIDE: Mapping[str, str] = {
    "renamed": "{} → {}",
    "only_left": "{} missing",
    "only_right": "{} new",
    "changed": "{} differs",
}

Equals = tuple[str, ...]
"""The names on the other side that have the same value in the same objects."""


class Counted:
    """How often something was met, and the first cases."""

    __slots__ = ("cases", "count")

    def __init__(self, count: int = 0, cases: list[Case] | None = None) -> None:
        self.count = count
        self.cases = [] if cases is None else cases

    def add(self, pair: Compared, left: Any, right: Any, most: int | None) -> None:
        """Count one case."""
        self.count += 1
        if is_wanted(self.cases, pair.line, most):
            add_case(self.cases, Case(pair.line, pair.owner.name, left, right), most)

    def merge(self, other: "Counted", most: int | None) -> None:
        """Add what another shard counted."""
        self.count += other.count
        self.cases = first_cases([*self.cases, *other.cases], most)


class PropertyTally:
    """What differs between objects, counted so that the tallies of several shards can be added up.

    Which name is another one's new name depends on all objects, and so is decided by `rows`: until then each name that
    only one side has is counted by the names of the other side with the same value.
    """

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.objects = 0
        self.shapes: Counter[Shape] = Counter()
        """Objects by the names that only the left and only the right has, where both have some."""
        self.lefts: defaultdict[tuple[str, Equals], Counted] = defaultdict(Counted)
        """By name; a case's right value is a mapping of all names with the same value."""
        self.rights: defaultdict[tuple[str, Equals], Counted] = defaultdict(Counted)
        self.telling: set[Pair] = set()
        """Pairs of names with a distinctive value in common."""
        self.changed: defaultdict[tuple[str, str], Counted] = defaultdict(Counted)
        """By name, and in which way values differ."""
        self.inside: dict[str, PropertyTally] = {}
        """What is in the values of a name that differ in no simpler way."""

    def add(self, pair: Compared) -> None:
        """Compare two objects."""
        self.objects += 1
        left, right = pair.left, pair.right
        for name, value in left.items():
            if name not in right:
                continue
            other = right[name]
            if (type(value) is not str or value != other) and not is_same(value, other):
                self._add_changed(pair, name)
        if left.keys() != right.keys():
            self._add_unpaired(pair, _without(left, right), _without(right, left))

    def merge(self, other: "PropertyTally") -> None:
        """Add the tally of another shard."""
        self.objects += other.objects
        self.shapes.update(other.shapes)
        self.telling |= other.telling
        for key, counted in other.lefts.items():
            self.lefts[key].merge(counted, self.most)
        for key, counted in other.rights.items():
            self.rights[key].merge(counted, self.most)
        for pair, counted in other.changed.items():
            self.changed[pair].merge(counted, self.most)
        for name, tally in other.inside.items():
            self.inside.setdefault(name, PropertyTally(0)).merge(tally)

    def rows(self) -> Iterator[PropertyRow]:
        """Return what differs."""
        for (name, how), counted in self.changed.items():
            detail = how or (self.inside[name].text() if name in self.inside else "")
            yield PropertyRow("changed", name, "", detail, counted.count, counted.cases)
        equal: Counter[Pair] = Counter()
        for (name, equals), counted in self.lefts.items():
            equal.update({(name, other): counted.count for other in equals})
        renames = find_renames(self.shapes, equal, self.telling)
        yield from _renamed(self.lefts, renames)
        yield from _unpaired("only_left", self.lefts, renames)
        yield from _unpaired("only_right", self.rights, {other: name for name, other in renames.items()})

    def text(self) -> str:
        """Describe what differs most often; empty where nothing does."""
        found: Counter[str] = Counter()
        for row in self.rows():
            text = _INSIDE[row.kind].format(row.name, row.other)
            found[f"{text} ({row.detail})" if row.detail else text] += row.count
        shown = sorted(found, key=lambda text: (-found[text], text))
        more = ", ..." if len(shown) > _MOST_INSIDE else ""
        return f"inside: {', '.join(shown[:_MOST_INSIDE])}{more}" if shown else ""

    def _add_changed(self, pair: Compared, name: str) -> None:
        """Count a value that differs; where it does in no simple way, compare what is inside, arrays item by item."""
        left, right = pair.left[name], pair.right[name]
        how = change(left, right)
        self.changed[name, how].add(pair, left, right, self.most)
        if how:
            return
        for one, other in zip(left, right, strict=True) if isinstance(left, list) else [(left, right)]:
            if isinstance(one, dict) and isinstance(other, dict):
                if name not in self.inside:
                    self.inside[name] = PropertyTally(0)
                self.inside[name].add(Compared(one, other, pair.line, pair.owner))

    def _add_unpaired(self, pair: Compared, left: dict[str, Any], right: dict[str, Any]) -> None:
        """Count the names that only one side has."""
        equals: defaultdict[str, list[str]] = defaultdict(list)
        by_value: defaultdict[Hashable, list[str]] = defaultdict(list)
        if left and right:
            self.shapes[tuple(left), tuple(right)] += 1
            for name, value in right.items():
                by_value[frozen_value(value)].append(name)
        for name, value in left.items():
            same = by_value.get(frozen_value(value), ()) if by_value else ()
            for other in same:
                equals[other].append(name)
                if (name, other) not in self.telling and is_telling(value):
                    self.telling.add((name, other))
            values = {other: right[other] for other in same}
            self.lefts[name, tuple(same)].add(pair, value, values, self.most)
        for name, value in right.items():
            self.rights[name, tuple(equals.get(name, ()))].add(pair, None, value, self.most)


def _without(these: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in these.items() if name not in others}


def _renamed(lefts: Mapping[tuple[str, Equals], Counted], renames: Mapping[str, str]) -> Iterator[PropertyRow]:
    found: defaultdict[str, Counted] = defaultdict(Counted)
    for (name, equals), counted in lefts.items():
        other = renames.get(name)
        if other in equals:
            cases = [evolve(case, right=case.right[other]) for case in counted.cases]
            found[name].merge(Counted(counted.count, cases), None)
    for name, counted in found.items():
        yield PropertyRow("renamed", name, renames[name], "", counted.count, counted.cases)


def _unpaired(
    kind: DifferenceKind, names: Mapping[tuple[str, Equals], Counted], partners: Mapping[str, str]
) -> Iterator[PropertyRow]:
    found: defaultdict[str, Counted] = defaultdict(Counted)
    for (name, equals), counted in names.items():
        if partners.get(name) not in equals:
            cases = [evolve(case, right=None) for case in counted.cases] if kind == "only_left" else counted.cases
            found[name].merge(Counted(counted.count, cases), None)
    for name, counted in found.items():
        yield PropertyRow(kind, name, "", "", counted.count, counted.cases)
