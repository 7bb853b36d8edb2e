"""The similarity of two names, or of two events; symmetric in its arguments."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from klavier.comparison.values import frozen, is_telling

_ALIKE = 0.5
"""From which similarity on two names may be spellings of one. Tried on property names of shops: `zip` and `zip_code`
have 0.5, `product_id` and `ProductID` 1.0, most names of different things less than 0.2. But `latitude` and `longitude`
have 0.53: no limit separates all, so names decide only where the values agree."""

_TRIVIAL_WEIGHT = 0.1
"""What a shared value weighs that occurs everywhere. There are eight of them (`is_telling`), so that all together weigh
less than one distinctive value: keep it below an eighth."""

_MOST_PAIRS = 2500
"""Pairs that are looked at one by one; larger sets are paired in order. Fifty objects of twenty properties on each side
take 7 ms, and the time grows with the number of pairs."""

T = TypeVar("T")


@lru_cache(maxsize=20_000)
def names(left: str, right: str) -> float:
    """Return the similarity of two names, from 0 to 1: the share of their letter pairs that both have."""
    one, other = _letters(left), _letters(right)
    if one == other:
        return 1.0
    first, second = _bigrams(one), _bigrams(other)
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 0.0


def are_similar(left: str, right: str) -> bool:
    """Return whether two names are probably two spellings of one name, such as `product_id` and `ProductID`."""
    return names(left, right) >= _ALIKE


class ValueSet:
    """The values of an object without their names: distinctive ones, and ones that occur everywhere."""

    __slots__ = ("telling", "trivial")

    def __init__(self, values: Iterable[Any]) -> None:
        telling: set[Hashable] = set()
        trivial: set[Hashable] = set()
        for value in values:
            (telling if is_telling(value) else trivial).add(frozen(value))
        self.telling, self.trivial = frozenset(telling), frozenset(trivial)

    def shared_weight(self, other: "ValueSet") -> float:
        """Return the weight of the values that two objects share."""
        shared = len(self.telling & other.telling)
        return shared + _TRIVIAL_WEIGHT * len(self.trivial & other.trivial)


def best_pairs(left: Sequence[T], right: Sequence[T], score: Callable[[T, T], float]) -> Iterator[tuple[int, int]]:
    """Pair items one to one, the most similar first; returns their places. Many items are paired in order."""
    if len(left) * len(right) > _MOST_PAIRS:
        yield from zip(range(len(left)), range(len(right)), strict=False)
        return
    scored = [(-score(one, other), i, j) for i, one in enumerate(left) for j, other in enumerate(right)]
    # What ties is taken in an order that does not depend on which side is called left.
    scored.sort(key=lambda item: (item[0], item[1] + item[2], abs(item[1] - item[2])))
    free_left, free_right = set(range(len(left))), set(range(len(right)))
    for _, i, j in scored:
        if i in free_left and j in free_right:
            free_left.discard(i)
            free_right.discard(j)
            yield i, j


def _letters(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def _bigrams(text: str) -> Counter[str]:
    return Counter(text[place : place + 2] for place in range(len(text) - 1))
