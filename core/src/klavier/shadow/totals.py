"""Add up the differences of many short comparisons, in bounded memory."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from klavier.comparison.report import Comparison, Difference

MOST_ROWS = 1000
"""Different differences that are counted; beyond, they are counted together. Each takes about 500 bytes."""

_Row = tuple[str, str, str, str, str, str]


class Totals:
    """How often each difference was met, and how many events and outcomes there were."""

    def __init__(self) -> None:
        self.events = 0
        self.outcomes: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        """The outcomes of both vendors, by kind."""
        self.more = 0
        """Differences that were met after there were `MOST_ROWS` different ones."""
        self._rows: Counter[_Row] = Counter()

    def add(self, found: Comparison) -> None:
        """Add a comparison."""
        self.events += found.events
        for totals, side in zip(self.outcomes, (found.left, found.right), strict=True):
            totals.update(side.outcomes)
        for row in found.differences:
            key = _key(row)
            if key in self._rows or len(self._rows) < MOST_ROWS:
                self._rows[key] += row.count
            else:
                self.more += row.count

    def rows(self, most: int) -> Iterator[dict[str, Any]]:
        """Yield the most frequent differences, with the names of `klavier.comparison.report.Difference`."""
        for (part, kind, name, other, where, detail), count in self._rows.most_common(most):
            yield {
                "part": part,
                "kind": kind,
                "name": name,
                "other": other,
                "where": where,
                "detail": detail,
                "count": count,
            }

    @property
    def differences(self) -> int:
        """How many differences were met."""
        return sum(self._rows.values()) + self.more


def _key(row: Difference) -> _Row:
    return (row.part, row.kind, row.name, row.other, row.where, row.detail)
