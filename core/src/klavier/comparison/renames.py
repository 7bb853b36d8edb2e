"""Which properties stand under another name on the other side: the same values, in every object that has both."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from klavier.comparison.similarity import are_similar, names
from klavier.comparison.values import frozen as frozen_value
from klavier.comparison.values import is_telling

Properties = Mapping[str, Any]


@frozen(eq=False)
class Unpaired:
    """The properties of two objects whose names only one of them has."""

    left: Properties = field(repr=False)
    right: Properties = field(repr=False)


def find_renames(objects: Sequence[Unpaired]) -> dict[str, str]:
    """Return the right name of each left name that stands for the same.

    The values must be the same wherever an object has both names, which must be in half of the objects that have
    either; values that occur everywhere, such as true, count only where the names are similar too.
    """
    equal, telling = _equal_pairs(objects)
    met = _met(objects, equal)
    lefts: Counter[str] = Counter(name for found in objects for name in found.left)
    rights: Counter[str] = Counter(name for found in objects for name in found.right)
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for pair in sorted(equal, key=lambda pair: (-equal[pair], -names(*pair), sorted(pair))):
        ours, theirs = pair
        often = 2 * equal[pair] >= max(lefts[ours], rights[theirs])
        sure = equal[pair] == met[pair] and (pair in telling or are_similar(ours, theirs))
        if often and sure and ours not in chosen and theirs not in taken:
            chosen[ours] = theirs
            taken.add(theirs)
    return chosen


def _equal_pairs(objects: Sequence[Unpaired]) -> tuple[Counter[tuple[str, str]], set[tuple[str, str]]]:
    """Count how often two names have the same value, and collect the pairs with a distinctive one."""
    equal: Counter[tuple[str, str]] = Counter()
    telling: set[tuple[str, str]] = set()
    for found in objects:
        by_value: defaultdict[Hashable, list[str]] = defaultdict(list)
        for name, value in found.right.items():
            by_value[frozen_value(value)].append(name)
        for name, value in found.left.items():
            for other in by_value.get(frozen_value(value), ()):
                equal[name, other] += 1
                if is_telling(value):
                    telling.add((name, other))
    return equal, telling


def _met(objects: Sequence[Unpaired], pairs: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Count how often both names of a pair are there, whatever their values."""
    others: defaultdict[str, list[str]] = defaultdict(list)
    for ours, theirs in pairs:
        others[ours].append(theirs)
    met: Counter[tuple[str, str]] = Counter()
    for found in objects:
        for name in found.left:
            for other in others.get(name, ()):
                if other in found.right:
                    met[name, other] += 1
    return met
