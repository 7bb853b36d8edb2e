"""Match profiles: which profiles of the two sides belong to the same person."""

from collections.abc import Hashable, Sequence

from attrs import field, frozen

from klavier.comparison.similarity import best_pairs
from klavier.comparison.snapshot import StoredProfile


@frozen(eq=False)
class Match:
    """One person: the profiles that both sides have of it."""

    left: list[StoredProfile] = field(factory=list)
    right: list[StoredProfile] = field(factory=list)

    @property
    def name(self) -> str:
        """Name the person by what most identifies it."""
        return (self.left or self.right)[0].name

    @property
    def line(self) -> int | None:
        """The number of the first input event that names the person."""
        lines = [min(stored.lines) for stored in (*self.left, *self.right) if stored.lines]
        return min(lines, default=None)

    def partners(self) -> list[tuple[StoredProfile, StoredProfile]]:
        """Pair the profiles one by one, the most similar first."""
        if len(self.left) == len(self.right) == 1:
            return [(self.left[0], self.right[0])]
        pairs = best_pairs(self.left, self.right, _similarity)
        return [(self.left[i], self.right[j]) for i, j in pairs]

    def groups(self) -> list[tuple[list[StoredProfile], list[StoredProfile]]]:
        """Return the profiles to compare with each other: one by one where the numbers agree, else all together."""
        if len(self.left) != len(self.right):
            return [(self.left, self.right)]
        return [([left], [right]) for left, right in self.partners()]


def match_profiles(left: Sequence[StoredProfile], right: Sequence[StoredProfile]) -> list[Match]:
    """Group the profiles of both sides that belong to the same person.

    They do where they have an identifier in common, or where one input event names both. Devices are compared only for
    profiles that then have no counterpart, since people share devices.
    """
    profiles = [*left, *right]
    sets = _Sets(len(profiles))
    owners: dict[Hashable, int] = {}
    for place, stored in enumerate(profiles):
        for mark in (*stored.strong, *stored.lines):
            sets.join(owners.setdefault(mark, place), place)
    _match_by_device(profiles, len(left), sets)
    found: dict[int, Match] = {}
    for place, stored in enumerate(profiles):
        match = found.setdefault(sets.root(place), Match())
        (match.left if place < len(left) else match.right).append(stored)
    return list(found.values())


class _Sets:
    """Disjoint sets of places."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def root(self, place: int) -> int:
        """Return the place that stands for the set of a place."""
        parents = self._parents
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    def join(self, one: int, other: int) -> None:
        """Make two sets one."""
        self._parents[self.root(one)] = self.root(other)


def _match_by_device(profiles: Sequence[StoredProfile], on_left: int, sets: _Sets) -> None:
    sides: dict[int, set[bool]] = {}
    for place in range(len(profiles)):
        sides.setdefault(sets.root(place), set()).add(place < on_left)
    alone = [place for place in range(len(profiles)) if len(sides[sets.root(place)]) == 1]
    wanted = {mark for place in alone for mark in profiles[place].weak}
    owners: dict[tuple[str, str, bool], int] = {}
    for place, stored in enumerate(profiles):
        for mark in wanted.intersection(stored.weak):
            owners.setdefault((*mark, place < on_left), place)
    for place in alone:
        for mark in profiles[place].weak:
            counterpart = owners.get((*mark, place >= on_left))
            if counterpart is not None:
                sets.join(place, counterpart)


def _similarity(left: StoredProfile, right: StoredProfile) -> float:
    shared = len({*left.strong} & {*right.strong}) * 10 + len({*left.weak} & {*right.weak})
    common = len(left.lines & right.lines)
    return shared + (common / max(len(left.lines), len(right.lines)) if common else 0)
