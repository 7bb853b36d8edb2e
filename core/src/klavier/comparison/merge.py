"""Merging the comparisons of shards: figures are added, and what depends on all events is decided."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from attrs import evolve

from klavier.comparison.calls import count_calls
from klavier.comparison.report import Comparison, Note, SideReport
from klavier.comparison.rows import Rows
from klavier.errors import UsageError
from klavier.strictjson import kind_of


def merge(parts: Iterable[Comparison]) -> Comparison:
    """Return the comparison of all events from those of their shards; see `Comparison.merge`."""
    found = list(parts)
    _check(found)
    found.sort(key=lambda part: part.shard.index if part.shard else 0)
    rows = Rows(found[0].shard.rows.most if found[0].shard else None)
    for part in found:
        if part.shard is not None:
            rows.merge(part.shard.rows)
    return Comparison(
        sum(part.events for part in found),
        _merge_sides([part.left for part in found]),
        _merge_sides([part.right for part in found]),
        rows.finish(),
        sort_notes(merge_notes(part.unread for part in found), by_line=True),
    )


def _check(parts: Sequence[Comparison]) -> None:
    remedy = "pass the comparison of each shard of the same events once"
    if not parts:
        raise UsageError(f"merge: there is no comparison; {remedy}")
    for part in parts:
        if not isinstance(part, Comparison) or part.shard is None:
            kind = "a comparison of all events" if isinstance(part, Comparison) else kind_of(part)
            raise UsageError(
                f"merge: {kind} is no comparison of a shard; make it with klavier.compare(..., shard=(i, n))"
            )
    shards = [part.shard for part in parts if part.shard is not None]
    kinds = {(part.left.name, part.right.name, part.shard.of if part.shard else 0) for part in parts}
    if len(kinds) > 1 or len({shard.rows.most for shard in shards}) > 1:
        raise UsageError(f"merge: the shards belong to several comparisons; {remedy}")
    met = Counter(shard.index for shard in shards)
    twice = [index for index, count in met.items() if count > 1]
    missing = [index for index in range(shards[0].of) if index not in met]
    if twice or missing:
        problem = f"{twice[0]} is there twice" if twice else f"{missing[0]} is missing"
        raise UsageError(f"merge: shard {problem}, of {shards[0].of} counted from 0; {remedy}")


def _merge_sides(sides: Sequence[SideReport]) -> SideReport:
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
    """Sort notes, the most frequent first."""
    return tuple(sorted(notes, key=lambda note: (-note.count, note.first if by_line else 0, note.text)))
