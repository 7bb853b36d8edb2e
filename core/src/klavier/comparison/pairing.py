"""Pair events: which event of the right is the counterpart of an event of the left.

Only events that came from the same input event are paired. Those of one metric go together; what is left over, such as
`Placed Order` on one side and `Order Completed` on the other, is paired by the values of the events.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from attrs import field, frozen

from klavier.comparison import similarity
from klavier.comparison.similarity import ValueSet
from klavier.comparison.snapshot import StoredEvent


@frozen(eq=False)
class Pairing:
    """Events with their counterparts, and those that have none."""

    pairs: list[tuple[StoredEvent, StoredEvent]] = field(factory=list)
    only_left: list[StoredEvent] = field(factory=list)
    only_right: list[StoredEvent] = field(factory=list)


@frozen(eq=False)
class _Open:
    """The events of one input event that have no counterpart yet."""

    left: list[StoredEvent]
    right: list[StoredEvent]


def pair_events(left: list[StoredEvent], right: list[StoredEvent]) -> Pairing:
    """Pair events, both sorted by input event."""
    found = Pairing()
    for ours, theirs in _by_line(left, right):
        if len(ours) == len(theirs) == 1:  # nearly always: nothing to choose
            found.pairs.append((ours[0], theirs[0]))
        else:
            _pair_others(_pair_same_metrics(ours, theirs, found.pairs), found)
    return _pair_by_id(found)


def _by_line(
    left: list[StoredEvent], right: list[StoredEvent]
) -> Iterator[tuple[list[StoredEvent], list[StoredEvent]]]:
    by_line = attrgetter("line")
    ours = {line: list(events) for line, events in groupby(left, by_line)}
    theirs = {line: list(events) for line, events in groupby(right, by_line)}
    for line in sorted(ours.keys() | theirs.keys()):
        yield ours.get(line, []), theirs.get(line, [])


def _pair_same_metrics(
    left: list[StoredEvent], right: list[StoredEvent], pairs: list[tuple[StoredEvent, StoredEvent]]
) -> _Open:
    still = _Open([], [])
    for title in dict.fromkeys(event.title for event in (*left, *right)):
        ours = [event for event in left if event.title == title]
        theirs = [event for event in right if event.title == title]
        rest = _pair_best(ours, theirs, pairs)
        still.left.extend(rest.left)
        still.right.extend(rest.right)
    return still


def _pair_best(
    left: list[StoredEvent], right: list[StoredEvent], pairs: list[tuple[StoredEvent, StoredEvent]]
) -> _Open:
    """Pair as many as there are on both sides; returns the rest."""
    if not left or not right:
        return _Open(left, right)
    if len(left) == len(right) == 1:
        pairs.append((left[0], right[0]))
        return _Open([], [])
    taken_left, taken_right = set(), set()
    values = _Values()
    for i, j in similarity.best_pairs(left, right, values.shared_weight):
        pairs.append((left[i], right[j]))
        taken_left.add(i)
        taken_right.add(j)
    return _Open(
        [event for place, event in enumerate(left) if place not in taken_left],
        [event for place, event in enumerate(right) if place not in taken_right],
    )


def _pair_others(case: _Open, found: Pairing) -> None:
    """Pair what has no counterpart of its own metric, the metrics whose events share the most first.

    Each input event is decided alone: the others may be in another shard, and so must not matter.
    """
    rest_left, rest_right = case.left, case.right
    is_open = bool(rest_left and rest_right) and max(len(rest_left), len(rest_right)) > 1
    for ours, theirs in _partners(case) if is_open else ():
        rest = _pair_best(
            [event for event in rest_left if event.title == ours],
            [event for event in rest_right if event.title == theirs],
            found.pairs,
        )
        rest_left = [event for event in rest_left if event.title != ours] + rest.left
        rest_right = [event for event in rest_right if event.title != theirs] + rest.right
    if len(rest_left) == len(rest_right) == 1:
        found.pairs.append((rest_left[0], rest_right[0]))
        return
    found.only_left.extend(rest_left)
    found.only_right.extend(rest_right)


def _partners(case: _Open) -> list[tuple[str, str]]:
    """Choose which metric of the left is which of the right: those whose events share the most."""
    values = _Values()
    scores = {
        (ours.title, theirs.title): values.shared_weight(ours, theirs)
        for ours in _first_of_each(case.left)
        for theirs in _first_of_each(case.right)
    }
    ranked = sorted(scores.items(), key=lambda item: (-item[1], -similarity.names(*item[0]), sorted(item[0]), item[0]))
    chosen: list[tuple[str, str]] = []
    taken_left, taken_right = set(), set()
    for pair, score in ranked:
        if score > 0 and pair[0] not in taken_left and pair[1] not in taken_right:
            chosen.append(pair)
            taken_left.add(pair[0])
            taken_right.add(pair[1])
    return chosen


def _pair_by_id(found: Pairing) -> Pairing:
    """Pair what Klaviyo knows as one event, though the sides made it of different input events that repeat an id."""
    there: defaultdict[tuple[str, str], list[StoredEvent]] = defaultdict(list)
    for held in found.only_right:
        if held.event.unique_id is not None:
            there[held.title, held.event.unique_id].append(held)
    if not there:
        return found
    only_left, gone = [], set()
    for held in found.only_left:
        same = there.get((held.title, held.event.unique_id or ""))
        if same:
            gone.add(id(same[0]))
            found.pairs.append((held, same.pop(0)))
        else:
            only_left.append(held)
    return Pairing(found.pairs, only_left, [held for held in found.only_right if id(held) not in gone])


def _first_of_each(events: list[StoredEvent]) -> list[StoredEvent]:
    return list({event.title: event for event in reversed(events)}.values())


class _Values:
    """The values of events, each read once."""

    def __init__(self) -> None:
        self._known: dict[int, ValueSet] = {}

    def shared_weight(self, left: StoredEvent, right: StoredEvent) -> float:
        """Return the weight of the values that two events share, under whatever names."""
        return self._of(left).shared_weight(self._of(right))

    def _of(self, held: StoredEvent) -> ValueSet:
        found = self._known.get(id(held))
        if found is None:
            event = held.event
            found = self._known[id(held)] = ValueSet([*event.properties.values(), event.value, event.unique_id])
        return found
