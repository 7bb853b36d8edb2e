"""What the shadow found, as the console shows it."""

from collections.abc import Mapping
from typing import Any

from attrs import fields_dict, frozen

from klavier.comparison.report import Difference
from klavier.comparison.wording import PART_TITLES, how, what
from klavier.outcome import KINDS
from klavier.redaction import redact_text


@frozen
class ShownDifference:
    """One difference in words: what it is about, how the vendors differ, how often it was met."""

    title: str
    name: str
    where: str
    how: str
    count: int


@frozen
class ShownShadow:
    """The delivering vendor and its shadow, and the differences between them, the most frequent first.

    `outcomes` are kinds of outcomes that differ in number, with the count of each vendor.
    """

    left: str
    right: str
    since: float
    events: int
    passed_over: int
    errors: int
    differences: int
    outcomes: tuple[tuple[str, int, int], ...]
    rows: tuple[ShownDifference, ...]


def read_shadow(part: Any) -> ShownShadow | None:
    """Return what a worker reports of its shadow; None where it has none, or one of another version."""
    try:
        left, right = part["vendors"]
        mine, other = part["outcomes"]
        pairs = [(kind, mine.get(kind, 0), other.get(kind, 0)) for kind in KINDS]
        return ShownShadow(
            left=left,
            right=right,
            since=part["since"],
            events=part["events"],
            passed_over=part["passed_over"],
            errors=part["errors"],
            differences=part["differences"],
            outcomes=tuple(pair for pair in pairs if pair[1] != pair[2]),
            rows=tuple(_show(row, left, right) for row in part["rows"]),
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _show(row: Mapping[str, Any], left: str, right: str) -> ShownDifference:
    known = fields_dict(Difference)
    difference = Difference(**{name: value for name, value in row.items() if name in known})
    return ShownDifference(
        PART_TITLES[difference.part],
        redact_text(what(difference)),
        redact_text(difference.where),
        redact_text(how(difference, left, right)),
        difference.count,
    )
