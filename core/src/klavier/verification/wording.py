"""Verifications as text: the sentences and figures around the rows of the table and the page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from klavier.comparison.frame import Frame
from klavier.comparison.report import Comparison, Difference, DifferenceKind, Note
from klavier.comparison.wording import count, unread_sentence
from klavier.verification.earlier import Earlier, RowChange
from klavier.verification.match_rate import Interval, Verdict
from klavier.verification.report import Verification

_MOST_NAMES = 3
_MOST_NOTES = 20
"""Known differences that the table and the page list."""
_WORDS: Mapping[DifferenceKind, str] = {
    "only_left": "not in Klaviyo",
    "only_right": "not predicted",
    "merged": "fewer profiles in Klaviyo",
    "doubled": "several times in Klaviyo",
}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_KINDS = {
    "only_left": "missing",
    "only_right": "unpredicted",
    "renamed": "renamed",
    "changed": "changed",
    "doubled": "doubled",
}
_PARTS = (
    ("identifiers", "Profile identifiers"),
    ("attributes", "Profile attributes"),
    ("properties", "Custom profile properties"),
)


def frame_of(
    found: Verification, vendor: str, about: Sequence[tuple[str, str]] = (), earlier: Earlier | None = None
) -> Frame:
    """Return the texts around the rows; `about` says what was compared, a title and a text each."""
    sample = count(found.verdict.events, "event")
    of = f" of {found.verdict.total_events:,}" if found.verdict.is_sample else ""
    more = len(found.notes) - _MOST_NOTES
    rest = (Note("further kinds of them, which the JSON lists", more, 0),) if more > 0 else ()
    notes = [("Known differences, not counted", (*found.notes[:_MOST_NOTES], *rest))]
    notes.append((f"Input events that {vendor} does not deliver, and that are not expected", found.undelivered))
    notes.append((f"Notes of {vendor}", found.comparison.left.notes))
    notes.append(("Lines that are no events, compared nowhere", found.comparison.unread))
    if found.out_of_span:
        text = "input events before --since or after --until"
        notes.append(("Left out", (Note(text, found.out_of_span, 0),)))
    return Frame(
        "klavier verify",
        f"{sample}{of}, as {vendor} would have left them, and as they are in Klaviyo",
        f"Whether Klaviyo holds what {vendor} should have left there: {sample}{of}.",
        list(headlines(found, earlier)),
        list(_facts(found.comparison)),
        notes,
        "Klaviyo was only read from.",
        _WORDS,
        about,
    )


def headlines(found: Verification, earlier: Earlier | None = None) -> Iterator[str]:
    """Describe in sentences how the account differs from the prediction, the gravest first."""
    yield verdict_sentence(found.verdict)
    yield from unread_sentence(found.comparison)
    if earlier is not None:
        yield from _against(earlier)
    yield from _of_consent(found.comparison)
    yield from _of_gaps(found)
    yield from _of_metrics(found)
    yield from _of_properties("Event properties", found.comparison.event_properties)
    yield from _of_fields(found.comparison)
    yield from _of_profiles(found.comparison)
    yield from _of_lag(found)


def verdict_sentence(verdict: Verdict) -> str:
    """Write the verdict: the share with its interval, and what became of the rest."""
    if not verdict.events:
        return f"No events were predicted; {count(verdict.profiles, 'profile')} checked."
    sampled = "sampled event" if verdict.is_sample else "event"
    what = f"{'' if verdict.is_sample or verdict.events == 1 else 'all '}{count(verdict.events, sampled)}"
    interval = f" (95 % confidence: {bounds(verdict.interval)})" if verdict.is_sample else ""
    text = f"{percent(verdict.interval.share)} of {what} {'matches' if verdict.events == 1 else 'match'}{interval}"
    if not verdict.rest:
        return f"{text}."
    return f"{text}; the rest: {', '.join(f'{number:,} {words}' for words, number in verdict.rest.items())}."


def percent(share: float) -> str:
    """Write a share; only a whole is written as 100 %."""
    if share >= 1:
        return "100 %"
    return f"{min(share * 100, 99.99):.{2 if share > 0.999 else 1}f} %"  # noqa: PLR2004 -- 99.95 % is not 100.0 %


def bounds(interval: Interval) -> str:
    """Write the bounds of an interval."""
    return f"{percent(interval.low)} to {percent(interval.high)}"


def _against(earlier: Earlier) -> Iterator[str]:
    before = f"{percent(earlier.before.share)} ({bounds(earlier.before)}) of {earlier.events_before:,} events matched"
    yield f"In the earlier run ({earlier.vendor}, {earlier.checked_at}) {before}."
    certain = [row for row in earlier.changes if row.change in ("new", "more") and row.is_certain]
    if earlier.is_worse:
        yield "Worse than in the earlier run, by more than chance explains" + (
            f": {_some([_row_text(row) for row in certain])}." if certain else "."
        )
    else:
        yield "Nothing differs more often than in the earlier run, beyond chance."
    for change, text in (("new", "New since then, within chance"), ("gone", "No longer met")):
        rows = [row for row in earlier.changes if row.change == change and not (change == "new" and row.is_certain)]
        if rows:
            yield f"{text}: {_some([_row_text(row) for row in rows])}."


def _row_text(row: RowChange) -> str:
    name = f"{row.name} → {row.other}" if row.other else row.name
    (before, of_before), (after, of_after) = row.before, row.after
    return f"{name} {_KINDS.get(row.kind, row.kind)} ({before:,} of {of_before:,}, now {after:,} of {of_after:,})"


def _of_consent(found: Comparison) -> Iterator[str]:
    names = Counter[str]()
    for row in found.consent:
        names[f"{row.name} {row.detail or _KINDS[row.kind]}"] += row.count
    if names:
        text = ", ".join(f"{name} ({number:,})" for name, number in names.most_common(_MOST_NAMES))
        yield f"Consent differs for {count(sum(names.values()), 'profile')}: {text}."
    members = Counter(row.name for row in found.lists for _ in range(row.count))
    for name, number in members.most_common(_MOST_NAMES):
        yield f"List {name}: {count(number, 'predicted member')} not on it."


def _of_gaps(found: Verification) -> Iterator[str]:
    for gap in found.gaps:
        text = f"No event {gap.text}: {count(gap.events, 'event')} missing"
        yield f"{text}, the newest ones, which may still arrive." if gap.is_end else f"{text}."


def _of_metrics(found: Verification) -> Iterator[str]:
    gaps = {gap.text for gap in found.gaps}
    rows: dict[str, Counter[str]] = {}
    for row in found.comparison.metrics:
        if row.detail not in gaps or not row.detail:
            name = f"{row.name} is {row.other}" if row.kind == "renamed" else row.name
            rows.setdefault(row.kind, Counter())[name] += row.count
    for name, number in rows.get("renamed", Counter()).most_common(_MOST_NAMES):
        yield f"The metric {name} in Klaviyo ({count(number, 'event')}): flows, segments and reports name it."
    for kind, text in (
        ("only_left", "missing"),
        ("doubled", "there more than once, and counted as often"),
        ("only_right", "there that nobody predicted"),
    ):
        if kind in rows:
            number = sum(rows[kind].values())
            yield f"{count(number, 'event')} {'is' if number == 1 else 'are'} {text}: {_some(list(rows[kind]))}."


def _of_properties(title: str, rows: tuple[Difference, ...]) -> Iterator[str]:
    names: dict[str, dict[str, None]] = {}
    for row in rows:
        name = f"{row.name} → {row.other}" if row.kind == "renamed" else row.name
        names.setdefault(row.kind, {})[name] = None
    text = [f"{len(met):,} {_KINDS[kind]} ({_some(list(met))})" for kind, met in names.items()]
    if text:
        yield f"{title}: {', '.join(text)}."


def _of_fields(found: Comparison) -> Iterator[str]:
    totals = Counter(row.name for row in found.event_fields for _ in range(row.count))
    for name, number in totals.items():
        detail = {row.detail for row in found.event_fields if row.name == name and row.detail}
        yield f"{count(number, 'event')} with another {name}{f' ({_some(sorted(detail))})' if detail else ''}."


def _of_profiles(found: Comparison) -> Iterator[str]:
    for kind, text in (("only_left", "not there"), ("doubled", "there as several profiles")):
        number = sum(row.count for row in found.people if row.kind == kind)
        if number:
            yield f"{count(number, 'predicted profile')} {'is' if number == 1 else 'are'} {text}."
    for name, title in _PARTS:
        yield from _of_properties(title, getattr(found, name))


def _of_lag(found: Verification) -> Iterator[str]:
    lag = found.lag
    if lag.usual is not None and lag.longest is not None:
        yield f"Events arrived {_span(lag.usual)} after they happened, as the median; at most {_span(lag.longest)}."
    if lag.behind:
        yield f"The newest event in Klaviyo lags {_span(lag.behind)} behind the newest predicted one."


def _facts(found: Comparison) -> Iterator[tuple[str, str, str]]:
    left, right = found.left, found.right
    yield "profiles", f"{left.people:,}", f"{right.people:,}"
    yield "events", f"{left.events:,}", f"{right.events:,}"
    yield "metrics", f"{len(left.metrics):,}", f"{len(right.metrics):,}"
    yield "list members", f"{sum(left.lists.values()):,}", f"{sum(right.lists.values()):,}"


def _span(seconds: int) -> str:
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= 2 * size:
            return count(round(seconds / size), unit)
    return count(seconds, "second")


def _some(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
