"""Comparing the properties of many pairs of objects: which names are renamed, missing or changed.

What is inside a property, such as the products of an order, is compared in the same way.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from klavier.comparison.renames import Unpaired, find_renames
from klavier.comparison.report import Case, DifferenceKind
from klavier.comparison.values import change, is_same


@frozen(eq=False)
class Compared:
    """The properties of two matched objects, with their profile and input event."""

    left: Mapping[str, Any] = field(repr=False)
    right: Mapping[str, Any] = field(repr=False)
    line: int | None
    person: str = field(repr=False)


Report = Callable[[DifferenceKind, str, str, Case, str], None]
"""Receives each difference: its kind, the name, the other name where it is renamed, the case and the detail."""


_MOST_INSIDE = 3
"""Differences inside a property that a row lists."""

_INSIDE: Mapping[str, str] = {
    "renamed": "{} → {}",
    "only_left": "{} missing",
    "only_right": "{} new",
    "changed": "{} differs",
}


def compare_properties(objects: Sequence[Compared], report: Report) -> None:
    """Report all that differs between these objects."""
    unpaired: list[tuple[Compared, Unpaired]] = []
    changed: defaultdict[str, list[Compared]] = defaultdict(list)
    for pair in objects:
        left, right = pair.left, pair.right
        for name in left.keys() & right.keys():
            if not is_same(left[name], right[name]):
                changed[name].append(pair)
        if left.keys() != right.keys():
            unpaired.append((pair, Unpaired(_without(left, right), _without(right, left))))
    for name, pairs in changed.items():
        _report_changed(name, pairs, report)
    renames = find_renames([found for _, found in unpaired if found.left and found.right])
    for pair, found in unpaired:
        _report_unpaired(pair, found, renames, report)


def _without(these: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in these.items() if name not in others}


def _report_changed(name: str, pairs: Sequence[Compared], report: Report) -> None:
    """Describe in which way each differs; where there is no other, in which places most of them differ inside."""
    found = [(pair, change(pair.left[name], pair.right[name])) for pair in pairs]
    inside = _inside([inner for pair, how in found if not how for inner in _inner(pair, name)])
    for pair, how in found:
        report("changed", name, "", Case(pair.line, pair.person, pair.left[name], pair.right[name]), how or inside)


def _inner(pair: Compared, name: str) -> Iterator[Compared]:
    """Return the objects in a property, those of an array each with its counterpart."""
    left, right = pair.left[name], pair.right[name]
    inner = zip(left, right, strict=True) if isinstance(left, list) else [(left, right)]
    for one, other in inner:
        if isinstance(one, dict) and isinstance(other, dict):
            yield Compared(one, other, pair.line, pair.person)


def _inside(objects: Sequence[Compared]) -> str:
    """Describe what differs most often between these objects; empty where there are none."""
    found: Counter[str] = Counter()

    def report(kind: DifferenceKind, name: str, other: str, _: Case, detail: str) -> None:
        text = _INSIDE[kind].format(name, other)
        found[f"{text} ({detail})" if detail else text] += 1

    compare_properties(objects, report)
    shown = sorted(found, key=lambda text: (-found[text], text))
    more = ", ..." if len(shown) > _MOST_INSIDE else ""
    return f"inside: {', '.join(shown[:_MOST_INSIDE])}{more}" if shown else ""


def _report_unpaired(pair: Compared, found: Unpaired, renames: Mapping[str, str], report: Report) -> None:
    taken: set[str] = set()
    for name, value in found.left.items():
        other = renames.get(name)
        if other is not None and other in found.right and is_same(value, found.right[other]):
            taken.add(other)
            report("renamed", name, other, Case(pair.line, pair.person, value, found.right[other]), "")
        else:
            report("only_left", name, "", Case(pair.line, pair.person, value, None), "")
    for name, value in found.right.items():
        if name not in taken:
            report("only_right", name, "", Case(pair.line, pair.person, None, value), "")
