"""Gathering differences: equal ones become one row with a count."""

from typing import Any

from klavier.comparison.report import PARTS, Case, Difference, DifferenceKind, Part

_AMOUNTS = ("value", "currency")
"""The fields of events that revenue reports add up."""

_Key = tuple[Part, DifferenceKind, str, str, str, str]


class Rows:
    """The rows so far; `most_cases` is how many cases each keeps, None for all."""

    def __init__(self, most_cases: int | None = None) -> None:
        self._most = most_cases
        self._counts: dict[_Key, int] = {}
        self._wholes: dict[_Key, int] = {}
        self._cases: dict[_Key, list[Case]] = {}

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
        of: int = 0,
    ) -> None:
        """Count one case."""
        key = (part, kind, name, other, where, detail)
        count = self._counts[key] = self._counts.get(key, 0) + 1
        self._wholes[key] = of
        if self._most is None or count <= self._most:
            self._cases.setdefault(key, []).append(case)

    def add_value(self, part: Part, name: str, case: Case, **more: Any) -> None:
        """Count a value that only one side has, or that differs: None stands for having none."""
        if case.right is None:
            self.add(part, "only_left", name, case, **more)
        elif case.left is None:
            self.add(part, "only_right", name, case, **more)
        else:
            self.add(part, "changed", name, case, **more)

    def finish(self) -> tuple[Difference, ...]:
        """Return the rows by part, then place, the most frequent first."""
        found = [
            Difference(*key, count, max(count, self._wholes[key]), tuple(self._cases.get(key, ())))
            for key, count in self._counts.items()
        ]
        found.sort(key=_order)
        return tuple(found)


def _order(row: Difference) -> tuple[Any, ...]:
    """Return what rows are sorted by: amounts come before the other fields of events."""
    is_minor = row.part == "event_fields" and row.name not in _AMOUNTS
    return (PARTS.index(row.part), is_minor, row.where, -row.count, row.name, row.other, row.detail)
