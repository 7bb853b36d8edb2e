"""What differs between events: their metrics, their properties, and when, how much and under which id they are kept."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from klavier.comparison.pairing import Pairing
from klavier.comparison.properties import Compared, compare_properties
from klavier.comparison.report import Case, DifferenceKind
from klavier.comparison.rows import Rows
from klavier.comparison.snapshot import StoredEvent
from klavier.comparison.values import change, is_same, shift

Source = Callable[[int], str]


def compare_events(pairing: Pairing, source: Source, rows: Rows) -> None:
    """Gather what differs between events; those that one side lacks are a row of their metric and nothing else."""
    pairs, totals = pairing.pairs, _totals(pairing)
    for held in pairing.only_left:
        case = Case(held.line, held.person.name, held.title, None)
        rows.add("metrics", "only_left", held.title, case, where=source(held.line), of=totals[held.title])
    for held in pairing.only_right:
        case = Case(held.line, held.person.name, None, held.title)
        rows.add("metrics", "only_right", held.title, case, where=source(held.line), of=totals[held.title])
    by_metrics: defaultdict[str, list[tuple[StoredEvent, StoredEvent]]] = defaultdict(list)
    for ours, theirs in pairs:
        if ours.title == theirs.title:
            by_metrics[ours.title].append((ours, theirs))
            continue
        by_metrics[f"{ours.title} → {theirs.title}"].append((ours, theirs))
        case = Case(ours.line, ours.person.name, ours.title, theirs.title)
        where, of = source(ours.line), max(totals[ours.title], totals[theirs.title])
        rows.add("metrics", "renamed", ours.title, case, other=theirs.title, where=where, of=of)
    for where, found in by_metrics.items():
        _compare_properties(found, where, rows)
        for ours, theirs in found:
            _compare_fields(ours, theirs, where, rows, len(found))


def _totals(pairing: Pairing) -> Counter[str]:
    """Count the events of each metric, on the side that has more."""
    left = Counter(held.title for held in pairing.only_left) + Counter(held.title for held, _ in pairing.pairs)
    right = Counter(held.title for held in pairing.only_right) + Counter(held.title for _, held in pairing.pairs)
    return left | right


def _compare_properties(pairs: list[tuple[StoredEvent, StoredEvent]], where: str, rows: Rows) -> None:
    def report(kind: DifferenceKind, name: str, other: str, case: Case, detail: str) -> None:
        rows.add("event_properties", kind, name, case, other=other, where=where, detail=detail, of=len(pairs))

    objects = [
        Compared(ours.event.properties, theirs.event.properties, ours.line, ours.person.name) for ours, theirs in pairs
    ]
    compare_properties(objects, report)


def _compare_fields(ours: StoredEvent, theirs: StoredEvent, where: str, rows: Rows, of: int) -> None:
    for name, read in _FIELDS.items():
        left, right = read(ours), read(theirs)
        if is_same(left, right) or (name == "value" and _is_no_value(ours, theirs)):
            continue
        both = left is not None and right is not None
        detail = (shift(left, right) if name == "time" else change(left, right)) if both else ""
        if name == "time" and both:
            left, right = ours.written_time, theirs.written_time
        case = Case(ours.line, ours.person.name, left, right)
        rows.add_value("event_fields", name, case, where=where, detail=detail, of=of)


def _is_no_value(ours: StoredEvent, theirs: StoredEvent) -> bool:
    """Return whether one has no value and the other 0, where Klaviyo shows both as 0."""
    left, right = ours.event.value, theirs.event.value
    missing = ours if left is None else theirs
    return None in (left, right) and 0 in (left, right) and missing.metric.valued


_FIELDS: dict[str, Callable[[StoredEvent], Any]] = {
    "time": lambda held: held.event.time if held.event.dated else None,
    "value": lambda held: held.event.value,
    "currency": lambda held: held.event.currency,
    "unique id": lambda held: held.event.unique_id,
    "backfill": lambda held: True if held.event.backfill else None,
}
