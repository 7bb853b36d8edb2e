"""What differs between events: their metrics, their properties, and when, how much and under which id they are kept."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from klavier.comparison.pairing import Pairing
from klavier.comparison.properties import Compared
from klavier.comparison.report import Case
from klavier.comparison.rows import Rows, Totals
from klavier.comparison.snapshot import StoredEvent
from klavier.comparison.values import change, is_same, shift

Source = Callable[[int], str]


def compare_events(pairing: Pairing, source: Source, rows: Rows) -> None:
    """Gather what differs between events; those that one side lacks are a row of their metric and nothing else."""
    _count_totals(pairing, rows)
    for held in pairing.only_left:
        case = Case(held.line, held.owner.name, held.title, None)
        rows.add("metrics", "only_left", held.title, case, where=source(held.line), of=_totals(held.title))
    for held in pairing.only_right:
        case = Case(held.line, held.owner.name, None, held.title)
        rows.add("metrics", "only_right", held.title, case, where=source(held.line), of=_totals(held.title))
    by_metrics: defaultdict[str, list[tuple[StoredEvent, StoredEvent]]] = defaultdict(list)
    for ours, theirs in pairing.pairs:
        if ours.title == theirs.title:
            by_metrics[ours.title].append((ours, theirs))
            continue
        by_metrics[f"{ours.title} → {theirs.title}"].append((ours, theirs))
        case = Case(ours.line, ours.owner.name, ours.title, theirs.title)
        both = (*_totals(ours.title), *_totals(theirs.title))
        rows.add("metrics", "renamed", ours.title, case, other=theirs.title, where=source(ours.line), of=both)
    for where, found in by_metrics.items():
        of, tally = rows.total(f"pairs of {where}", len(found)), rows.tally(where)
        for ours, theirs in found:
            tally.add(Compared(ours.event.properties, theirs.event.properties, ours.line, ours.owner))
            _compare_fields(ours, theirs, where, rows, of)


def _count_totals(pairing: Pairing, rows: Rows) -> None:
    """Count the events of each metric on each side, and name the metrics with values."""
    for side, alone, place in (("left", pairing.only_left, 0), ("right", pairing.only_right, 1)):
        found = [*alone, *(pair[place] for pair in pairing.pairs)]
        for title, count in Counter(held.title for held in found).items():
            rows.total(f"{side} {title}", count)
        for title in {held.title for held in found if held.metric.valued}:
            rows.total(_valued(side, title), 1)


def _totals(title: str) -> tuple[str, str]:
    """Name the totals of a metric's events; the side that has more counts."""
    return f"left {title}", f"right {title}"


def _valued(side: str, title: str) -> str:
    return f"valued {side} {title}"


def _compare_fields(ours: StoredEvent, theirs: StoredEvent, where: str, rows: Rows, of: Totals) -> None:
    mine, other = _fields(ours), _fields(theirs)
    if mine == other:
        return
    for name, left, right in zip(_FIELDS, mine, other, strict=True):
        if is_same(left, right):
            continue
        values, detail = (left, right), ""
        if left is not None and right is not None:
            detail = shift(left, right) if name == "time" else change(left, right)
            values = (ours.written_time, theirs.written_time) if name == "time" else values
        unless = _unless_valued(ours, theirs) if name == "value" else ""
        case = Case(ours.line, ours.owner.name, *values)
        rows.add_value("event_fields", name, case, where=where, detail=detail, of=of, unless=unless)


def _unless_valued(ours: StoredEvent, theirs: StoredEvent) -> str:
    """Name the total in whose presence no value and the value 0 are the same: Klaviyo then shows both as 0."""
    left, right = ours.event.value, theirs.event.value
    if None not in (left, right) or 0 not in (left, right):
        return ""
    side, missing = ("left", ours) if left is None else ("right", theirs)
    return _valued(side, missing.title)


_FIELDS = ("time", "value", "currency", "unique id", "backfill")


def _fields(held: StoredEvent) -> tuple[Any, ...]:
    """Return the values of `_FIELDS`; None for one that the event does not have."""
    event = held.event
    return event.time if event.dated else None, event.value, event.currency, event.unique_id, event.backfill or None
