"""Gathering differences: equal ones become one row with a count; those of several shards can be added up."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from klavier.comparison.cases import add_case, first_cases
from klavier.comparison.list_states import ListStates
from klavier.comparison.properties import PropertyTally
from klavier.comparison.report import KINDS, PARTS, Case, Difference, DifferenceKind, Part
from klavier.comparison.traits import TRAITS, trait_row

_AMOUNTS = ("value", "currency")
"""The fields of events that revenue reports add up."""

_Key = tuple[Part, DifferenceKind, str, str, str, str]

Totals = int | tuple[str, ...]
"""Out of how many a row is: a number, or the names of totals that `Rows.total` adds up; the greatest counts."""


class Rows:
    """The rows so far; `most_cases` is how many cases each keeps, the first ones, None for all.

    Nothing that depends on all events is decided before `finish`, so that the rows of shards can be added up before.
    """

    def __init__(self, most_cases: int | None = None) -> None:
        self.most = most_cases
        self.counts: Counter[_Key] = Counter()
        self.wholes: dict[_Key, Totals] = {}
        self.cases: dict[_Key, list[Case]] = {}
        self.unless: dict[_Key, str] = {}
        """The totals in whose presence a row is no difference."""
        self.totals: Counter[str] = Counter()
        self.tallies: dict[str, PropertyTally] = {}
        self.lists = ListStates()

    def add(  # noqa: PLR0913 -- a row has that many columns
        self,
        part: Part,
        kind: DifferenceKind,
        name: str,
        case: Case,
        *,
        other: str = "",
        where: str = "",
        detail: str = "",
        of: Totals = 0,
        unless: str = "",
    ) -> None:
        """Count one case; with `unless` it counts only where nothing is added to that total."""
        key = (part, kind, name, other, where, detail)
        self.counts[key] += 1
        self.wholes[key] = of
        if unless:
            self.unless[key] = unless
        add_case(self.cases.setdefault(key, []), case, self.most)

    def add_value(self, part: Part, name: str, case: Case, **more: Any) -> None:
        """Count a value that only one side has, or that differs: None stands for having none."""
        if case.right is None:
            self.add(part, "only_left", name, case, **more)
        elif case.left is None:
            self.add(part, "only_right", name, case, **more)
        else:
            self.add(part, "changed", name, case, **more)

    def total(self, name: str, count: int) -> tuple[str, ...]:
        """Add to a total; returns what `of` takes."""
        self.totals[name] += count
        return (name,)

    def tally(self, where: str) -> PropertyTally:
        """Return the tally of the properties of events of a metric, or of profiles where it is `TRAITS`."""
        found = self.tallies.get(where)
        if found is None:
            found = self.tallies[where] = PropertyTally(self.most)
        return found

    def merge(self, other: "Rows") -> None:
        """Add the rows of another shard."""
        self.counts.update(other.counts)
        self.wholes.update(other.wholes)
        self.unless.update(other.unless)
        self.totals.update(other.totals)
        for key, cases in other.cases.items():
            self.cases[key] = first_cases([*self.cases.get(key, ()), *cases], self.most)
        for where, tally in other.tallies.items():
            self.tally(where).merge(tally)
        self.lists.merge(other.lists)

    def finish(self) -> tuple[Difference, ...]:
        """Return the rows by part, then place, the most frequent first."""
        found = [*self._counted(), *self._tallied(), *self.lists.rows()]
        found.sort(key=_order)
        return tuple(found)

    def _counted(self) -> Iterator[Difference]:
        for key, count in self.counts.items():
            of = self.wholes[key]
            whole = of if isinstance(of, int) else max(self.totals[name] for name in of)
            if not self.totals[self.unless.get(key, "")]:
                cases = first_cases(self.cases.get(key, []), self.most)
                yield Difference(*key, count, max(count, whole), tuple(cases))

    def _tallied(self) -> Iterator[Difference]:
        for where, tally in self.tallies.items():
            for row in tally.rows():
                part: Part = "event_properties"
                name, other, place = row.name, row.other, where
                if where == TRAITS:
                    part, name, other = trait_row(name, other)
                    place = ""
                cases = tuple(first_cases(row.cases, self.most))
                of = max(row.count, tally.objects)
                yield Difference(part, row.kind, name, other, place, row.detail, row.count, of, cases)


def _order(row: Difference) -> tuple[Any, ...]:
    """Return what rows are sorted by: amounts come before the other fields of events."""
    is_minor = row.part == "event_fields" and row.name not in _AMOUNTS
    place = (PARTS.index(row.part), is_minor, row.where, -row.count, row.name, row.other, row.detail)
    return (*place, KINDS.index(row.kind))
