"""Adding up the figures of shards."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from attrs import evolve

from klavier.comparison.calls import count_calls
from klavier.comparison.report import Amount, Note, SideReport


def merge_sides(sides: Sequence[SideReport]) -> SideReport:
    """Add up the figures of one side in all shards."""
    calls: Counter[tuple[str, str, str]] = Counter()
    metrics: Counter[str] = Counter()
    lists: Counter[str] = Counter()
    for side in sides:
        calls.update({(row.operation, row.method, row.path): row.count for row in side.calls})
        metrics.update(side.metrics)
        lists.update(side.lists)
    counted = count_calls(calls)
    return evolve(
        sides[0],
        people=sum(side.people for side in sides),
        events=sum(side.events for side in sides),
        metrics=dict(sorted(metrics.items(), key=lambda item: (-item[1], item[0]))),
        lists=dict(sorted(lists.items())),
        outcomes={kind: sum(side.outcomes[kind] for side in sides) for kind in sides[0].outcomes},
        notes=sort_notes(merge_notes(side.notes for side in sides)),
        calls=counted,
        minutes=max((row.minutes for row in counted), default=0.0),
        browser_calls=sum(side.browser_calls for side in sides),
        amounts=add_amounts((row.metric, row.currency, row.total) for side in sides for row in side.amounts),
    )


def add_amounts(amounts: Iterable[tuple[str, str | None, float | None]]) -> tuple[Amount, ...]:
    """Add up values by metric and currency, as revenue reports do."""
    totals: dict[tuple[str, str | None], Decimal] = {}
    for metric, currency, value in amounts:
        if value is not None:
            totals[metric, currency] = totals.get((metric, currency), Decimal()) + Decimal(repr(value))
    ordered = sorted(totals.items(), key=lambda item: (-abs(item[1]), item[0][0], item[0][1] or ""))
    return tuple(Amount(*key, float(total)) for key, total in ordered)


def merge_notes(several: Iterable[Iterable[Note]]) -> Iterable[Note]:
    """Add up the notes with the same text."""
    found: dict[str, Note] = {}
    for notes in several:
        for note in notes:
            seen = found.get(note.text)
            found[note.text] = (
                note if seen is None else Note(note.text, seen.count + note.count, min(seen.first, note.first))
            )
    return found.values()


def sort_notes(notes: Iterable[Note], *, by_line: bool = False) -> tuple[Note, ...]:
    """Sort notes, the most frequent first; equally frequent ones by text, or `by_line` by their first line."""
    return tuple(sorted(notes, key=lambda note: (-note.count, note.first if by_line else 0, note.text)))
