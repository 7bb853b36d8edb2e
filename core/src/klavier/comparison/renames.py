"""Which properties stand under another name on the other side: the same values, in every object that has both."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

from klavier.comparison.similarity import are_similar, names

Pair = tuple[str, str]
"""A name on the left and one on the right."""

Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""The names that of two objects only the left one has, and those that only the right one has."""


def find_renames(shapes: Mapping[Shape, int], equal: Counter[Pair], telling: Collection[Pair]) -> dict[str, str]:
    """Return the right name of each left name that stands for the same.

    `shapes` counts objects, `equal` how often two names have the same value, and `telling` are the pairs that have a
    distinctive one in common.
    The values must be the same wherever an object has both names, which must be in half of the objects that have
    either; values that occur everywhere, such as true, count only where the names are similar too.
    """
    lefts, rights, met = _count(shapes, equal)
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for pair in sorted(equal, key=lambda pair: (-equal[pair], -names(*pair), sorted(pair), pair)):
        ours, theirs = pair
        often = 2 * equal[pair] >= max(lefts[ours], rights[theirs])
        sure = equal[pair] == met[pair] and (pair in telling or are_similar(ours, theirs))
        if often and sure and ours not in chosen and theirs not in taken:
            chosen[ours] = theirs
            taken.add(theirs)
    return chosen


def _count(shapes: Mapping[Shape, int], pairs: Collection[Pair]) -> tuple[Counter[str], Counter[str], Counter[Pair]]:
    """Count the objects that have a left name, a right name, and both names of a pair, whatever their values."""
    others: defaultdict[str, list[str]] = defaultdict(list)
    for ours, theirs in pairs:
        others[ours].append(theirs)
    lefts: Counter[str] = Counter()
    rights: Counter[str] = Counter()
    met: Counter[Pair] = Counter()
    for (left, right), count in shapes.items():
        for name in right:
            rights[name] += count
        for name in left:
            lefts[name] += count
            for other in others.get(name, ()):
                if other in right:
                    met[name, other] += count
    return lefts, rights, met
