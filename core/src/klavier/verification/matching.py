"""Match events: which event of the account is the one that was predicted.

Within one profile an event is found by its unique id, else by its metric and second, else under another metric at the
same second where its values agree, else at another time where its values are the same. An event of the account that
repeats a matched one is a double.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from attrs import define, field, frozen

from klavier.comparison.similarity import ValueSet, best_pairs
from klavier.comparison.snapshot import StoredEvent
from klavier.verification.reading import Span

_LEAST_SHARED = 2
"""Distinctive values that two events at different times must share to be one event."""
_QUARTER, _FARTHEST_ZONES = 900, 26 * 3600
"""Time zones differ by whole quarters of an hour, and by 26 hours at most."""


StoredMetric = tuple[str, str | None]
"""The title of a metric of the account, and its integration."""


@frozen(eq=False)
class Matching:
    """Predicted events with those of the account."""

    pairs: list[tuple[StoredEvent, StoredEvent]] = field(factory=list)
    missing: list[StoredEvent] = field(factory=list)
    doubled: list[tuple[StoredEvent, StoredEvent]] = field(factory=list)
    """A predicted event, and a further one of the account that repeats it."""
    extra: list[StoredEvent] = field(factory=list)
    """Events of the account, of any metric and time, that are none of the predicted ones."""


@define(eq=False)  # never changed; frozen it would take twice as long to make, and every event has one
class Open:
    """The events of one person that are not matched yet."""

    predicted: list[StoredEvent]
    actual: list[StoredEvent]


def match_events(profiles: Iterable[tuple[Sequence[StoredEvent], Sequence[StoredEvent]]], span: Span) -> Matching:
    """Match the predicted events of each person, the first of the two, with those of the account.

    `span` is the time span that was predicted.
    """
    found = Matching()
    waiting: list[Open] = []
    for predicted, actual in profiles:
        left = Open(list(predicted), list(actual))
        pairs: list[tuple[StoredEvent, StoredEvent]] = []
        for key in (_by_id_and_metric, _by_id, _by_metric_and_time):
            left = _match_by(key, left, pairs)
        waiting.append(_take_doubles(left, pairs, found))
        found.pairs.extend(pairs)
    waiting = _match_renamed(waiting, found)
    for left in waiting:
        rest = _match_moved(left, found, span)
        found.missing.extend(rest.predicted)
        found.extra.extend(rest.actual)
    return found


def _by_id_and_metric(held: StoredEvent) -> Hashable:
    return None if held.event.unique_id is None else (held.title, held.event.unique_id)


def _by_id(held: StoredEvent) -> Hashable:
    return None if held.metric.service is not None else held.event.unique_id


def _by_metric_and_time(held: StoredEvent) -> Hashable:
    return (held.title, held.event.time) if held.event.dated else None


def _match_by(key: Callable[[StoredEvent], Hashable], left: Open, pairs: list[tuple[StoredEvent, StoredEvent]]) -> Open:
    """Pair events with the same key, the most similar first; return the rest."""
    if not left.predicted or not left.actual:
        return left
    by_key: defaultdict[Hashable, Open] = defaultdict(lambda: Open([], []))
    rest = Open([], [])
    for held in left.predicted:
        found = key(held)
        (rest if found is None else by_key[found]).predicted.append(held)
    for held in left.actual:
        found = key(held)
        (rest if found is None else by_key[found]).actual.append(held)
    for group in by_key.values():
        if len(group.predicted) == len(group.actual) == 1:  # nearly always: nothing to choose
            pairs.append((group.predicted[0], group.actual[0]))
            continue
        if not group.predicted or not group.actual:
            rest.predicted.extend(group.predicted)
            rest.actual.extend(group.actual)
            continue
        taken_left, taken_right = set(), set()
        for i, j in best_pairs(group.predicted, group.actual, _weight):
            pairs.append((group.predicted[i], group.actual[j]))
            taken_left.add(i)
            taken_right.add(j)
        rest.predicted.extend(held for place, held in enumerate(group.predicted) if place not in taken_left)
        rest.actual.extend(held for place, held in enumerate(group.actual) if place not in taken_right)
    return rest


def _take_doubles(left: Open, pairs: Sequence[tuple[StoredEvent, StoredEvent]], found: Matching) -> Open:
    """Take out the events of the account that repeat a matched one: its metric, second and most of its values."""
    if not left.actual:
        return left
    known: defaultdict[Hashable, list[tuple[StoredEvent, StoredEvent]]] = defaultdict(list)
    for pair in pairs:
        known[pair[1].title, pair[1].event.time].append(pair)
    rest = Open(left.predicted, [])
    for held in left.actual:
        repeated = next((pair for pair in known[held.title, held.event.time] if _repeats(held, pair[1])), None)
        if repeated is None:
            rest.actual.append(held)
        else:
            found.doubled.append((repeated[0], held))
    return rest


def _repeats(held: StoredEvent, matched: StoredEvent) -> bool:
    ours, theirs = _values(held).telling, _values(matched).telling
    return 2 * len(ours & theirs) >= max(len(ours), len(theirs))


def _match_renamed(waiting: Sequence[Open], found: Matching) -> list[Open]:
    """Pair events of one second under different metrics, one metric with one other, chosen over all people."""
    scores: Counter[tuple[str, StoredMetric]] = Counter()
    candidates: list[list[tuple[int, int]]] = []
    for left in waiting:
        pairs = [
            (i, j)
            for i, ours in enumerate(left.predicted)
            for j, theirs in enumerate(left.actual)
            if _may_be_renamed(ours, theirs)
        ]
        candidates.append(pairs)
        keys = ((left.predicted[i], left.actual[j]) for i, j in pairs)
        scores.update((ours.title, (theirs.title, theirs.metric.service)) for ours, theirs in keys)
    unmatched = Counter(held.title for left in waiting for held in left.predicted)
    totals = unmatched + Counter(ours.title for ours, _ in found.pairs)
    partners = _choose_partners(scores, unmatched, totals)
    rest: list[Open] = []
    for left, pairs in zip(waiting, candidates, strict=True):
        taken_left, taken_right = set(), set()
        for i, j in sorted(pairs, key=lambda pair: -_weight(left.predicted[pair[0]], left.actual[pair[1]])):
            ours, theirs = left.predicted[i], left.actual[j]
            if i not in taken_left and j not in taken_right and partners.get(ours.title) == theirs.title:
                found.pairs.append((ours, theirs))
                taken_left.add(i)
                taken_right.add(j)
        rest.append(
            Open(
                [held for place, held in enumerate(left.predicted) if place not in taken_left],
                [held for place, held in enumerate(left.actual) if place not in taken_right],
            )
        )
    return rest


def _may_be_renamed(ours: StoredEvent, theirs: StoredEvent) -> bool:
    is_same_time = ours.event.dated and ours.event.time == theirs.event.time
    return is_same_time and not theirs.metric.is_own and bool(_values(ours).telling & _values(theirs).telling)


def _choose_partners(
    scores: Counter[tuple[str, StoredMetric]], unmatched: Counter[str], totals: Counter[str]
) -> dict[str, str]:
    """Return under which other metric each metric stands.

    It must have half of the events that are not found otherwise, since other events happen at the same second by
    chance. A metric of an integration, such as a shop's own `Placed Order`, must have half of all: it has its own
    source.
    """
    chosen: dict[str, str] = {}
    for (ours, (theirs, service)), score in sorted(scores.items(), key=_by_score):
        is_likely = 2 * score >= (unmatched if service is None else totals)[ours]
        if is_likely and ours not in chosen and theirs not in chosen.values():
            chosen[ours] = theirs
    return chosen


def _by_score(item: tuple[tuple[str, StoredMetric], int]) -> tuple[int, str, str]:
    (ours, (theirs, _)), score = item
    return -score, ours, theirs


def _match_moved(left: Open, found: Matching, span: Span) -> Open:
    """Pair events of one metric at different times: with the same values, or where the sender named no time."""
    taken_left, taken_right = set(), set()
    scored = [
        (-_weight(ours, theirs), abs(ours.event.time - theirs.event.time), i, j)
        for i, ours in enumerate(left.predicted)
        for j, theirs in enumerate(left.actual)
        if ours.title == theirs.title and (not ours.event.dated or _is_moved(ours, theirs, span))
    ]
    for _, _, i, j in sorted(scored):
        if i not in taken_left and j not in taken_right:
            found.pairs.append((left.predicted[i], left.actual[j]))
            taken_left.add(i)
            taken_right.add(j)
    return Open(
        [held for place, held in enumerate(left.predicted) if place not in taken_left],
        [held for place, held in enumerate(left.actual) if place not in taken_right],
    )


def _is_moved(ours: StoredEvent, theirs: StoredEvent, span: Span) -> bool:
    """Return whether two events at different times are one.

    They share most of their values. Out of the span, where events that nobody predicted stand, the times differ as
    those of two time zones do.
    """
    shift = abs(ours.event.time - theirs.event.time)
    if not span.contains(theirs.event.time) and (shift % _QUARTER or shift > _FARTHEST_ZONES):
        return False
    one, other = _values(ours).telling, _values(theirs).telling
    shared = len(one & other)
    return shared >= min(_LEAST_SHARED, max(1, len(one))) and 2 * shared >= max(len(one), len(other))


def _weight(ours: StoredEvent, theirs: StoredEvent) -> float:
    return _values(ours).shared_weight(_values(theirs))


def _values(held: StoredEvent) -> ValueSet:
    event = held.event
    return ValueSet([*event.properties.values(), event.value])
