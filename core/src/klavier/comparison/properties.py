"""Comparing the properties of many pairs of objects: which names are renamed, missing or changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from klavier.comparison.renames import Unpaired, find_renames
from klavier.comparison.report import Case, DifferenceKind
from klavier.comparison.values import change, is_same


@frozen(eq=False)
class Compared:
    """The properties of two objects that are counterparts; whose they are, and their input event."""

    left: Mapping[str, Any] = field(repr=False)
    right: Mapping[str, Any] = field(repr=False)
    line: int | None
    person: str = field(repr=False)


Tell = Callable[[DifferenceKind, str, str, Case, str], None]
"""Takes each finding: its kind, the name, the other name where it is renamed, the case and the detail."""


def compare_properties(objects: Sequence[Compared], tell: Tell) -> None:
    """Tell all that differs between these objects."""
    unpaired: list[tuple[Compared, Unpaired]] = []
    for pair in objects:
        left, right = pair.left, pair.right
        for name in left.keys() & right.keys():
            if not is_same(left[name], right[name]):
                case = Case(pair.line, pair.person, left[name], right[name])
                tell("changed", name, "", case, change(left[name], right[name]))
        if left.keys() != right.keys():
            unpaired.append((pair, Unpaired(_without(left, right), _without(right, left))))
    renames = find_renames([found for _, found in unpaired if found.left and found.right])
    for pair, found in unpaired:
        _tell_unpaired(pair, found, renames, tell)


def _without(these: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in these.items() if name not in others}


def _tell_unpaired(pair: Compared, found: Unpaired, renames: Mapping[str, str], tell: Tell) -> None:
    taken: set[str] = set()
    for name, value in found.left.items():
        other = renames.get(name)
        if other is not None and other in found.right and is_same(value, found.right[other]):
            taken.add(other)
            tell("renamed", name, other, Case(pair.line, pair.person, value, found.right[other]), "")
        else:
            tell("only_left", name, "", Case(pair.line, pair.person, value, None), "")
    for name, value in found.right.items():
        if name not in taken:
            tell("only_right", name, "", Case(pair.line, pair.person, None, value), "")
