"""Comparisons as text: rows, figures and headlines, for the table and the page."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from klavier.comparison.diff_lists import WAITS
from klavier.comparison.report import Comparison, Difference, DifferenceKind, Part, SideReport

PART_TITLES: Mapping[Part, str] = {
    "people": "Profiles",
    "identifiers": "Profile identifiers",
    "attributes": "Profile attributes",
    "properties": "Custom profile properties",
    "metrics": "Events and their metrics",
    "event_properties": "Event properties",
    "event_fields": "Values, times and ids of events",
    "lists": "Lists",
    "consent": "Consent",
    "outcomes": "Events that one side does not deliver",
}

_MOST_AMOUNTS = 6
"""Metrics whose amounts are shown."""

_MOST_NAMES = 3
"""Names that a sentence lists."""

_KIND_WORDS: Mapping[str, str] = {
    "renamed": "renamed",
    "only_left": "missing",
    "only_right": "new",
    "changed": "changed",
}


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Count things in words: `1 event`, `2 events`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def what(row: Difference) -> str:
    """Name what a row is about."""
    return f"{row.name} → {row.other}" if row.kind == "renamed" else row.name


def how(row: Difference, left: str, right: str, words: Mapping[DifferenceKind, str] | None = None) -> str:
    """Describe how the sides differ, by their names, or in the `words` of each kind."""
    text = (words or {}).get(row.kind) or {
        "only_left": f"only {left}",
        "only_right": f"only {right}",
        "renamed": "renamed",
        "changed": "differs",
        "merged": f"several profiles with {left}, fewer with {right}",
        "doubled": f"fewer profiles with {left}, several with {right}",
    }[row.kind]
    return f"{text} ({row.detail})" if row.detail else text


def written(value: Any, longest: int) -> str:
    """Write a value as JSON, a long one cut."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def minutes(number: float) -> str:
    """Write how long calls take."""
    if number <= 0:
        return "no wait"
    return "under a minute" if number < 1 else f"{number:,.0f} min"


def facts(left: SideReport, right: SideReport) -> Iterator[tuple[str, str, str]]:
    """Return the figures of both sides: a title, and a figure for each."""
    for title, name in (("profiles", "people"), ("events in Klaviyo", "events")):
        yield title, f"{getattr(left, name):,}", f"{getattr(right, name):,}"
    yield "metrics", f"{len(left.metrics):,}", f"{len(right.metrics):,}"
    yield from amount_rows(left, right)
    yield "list members", f"{sum(left.lists.values()):,}", f"{sum(right.lists.values()):,}"
    for kind in left.outcomes:
        if left.outcomes[kind] or right.outcomes[kind]:
            yield kind, f"{left.outcomes[kind]:,}", f"{right.outcomes[kind]:,}"
    if left.browser_calls or right.browser_calls:
        yield "browser calls", f"{left.browser_calls:,}", f"{right.browser_calls:,}"
    yield "API calls", f"{_calls(left):,}", f"{_calls(right):,}"
    yield "at least, under the rate limits", minutes(left.minutes), minutes(right.minutes)


def amount_rows(left: SideReport, right: SideReport) -> Iterator[tuple[str, str, str]]:
    """Return what the events of each metric are worth on both sides, the largest first."""
    ours, theirs = ({(one.metric, one.currency): one.total for one in side.amounts} for side in (left, right))
    largest = {key: max(abs(ours.get(key, 0)), abs(theirs.get(key, 0))) for key in ours.keys() | theirs.keys()}
    keys = sorted(largest, key=lambda key: (-largest[key], key[0], key[1] or ""))
    for metric, currency in keys[:_MOST_AMOUNTS]:
        title = f"value of {metric}" + ("" if currency is None else f" ({currency})")
        before, after = (
            amount(side[metric, currency]) if (metric, currency) in side else "-" for side in (ours, theirs)
        )
        yield title, before, after


def amount(number: float) -> str:
    """Write an amount of money."""
    return f"{number:,.2f}"


def call_rows(left: SideReport, right: SideReport) -> Iterator[tuple[str, int, int]]:
    """Return the calls of each endpoint on both sides, the most first."""
    ours = {f"{row.method} {row.path}": row.count for row in left.calls}
    theirs = {f"{row.method} {row.path}": row.count for row in right.calls}
    names = ours.keys() | theirs.keys()
    for name in sorted(names, key=lambda name: (-max(ours.get(name, 0), theirs.get(name, 0)), name)):
        yield name, ours.get(name, 0), theirs.get(name, 0)


def headlines(found: Comparison) -> list[str]:
    """Describe in sentences what would change in a Klaviyo account that goes from the left side to the right one."""
    if not found.differs:
        same = "Nothing changes: both leave the same profiles, events, lists and consent in Klaviyo."
        return [same, *unread_sentence(found)]
    parts = (_of_consent, _of_amounts, _of_outcomes, _of_metrics, _of_people, _of_lists, _of_event_fields)
    lines = [line for part in parts for line in part(found)]
    for title, rows in (
        ("Profile identifiers", found.identifiers),
        ("Profile attributes", found.attributes),
        ("Custom profile properties", found.properties),
        ("Event properties", found.event_properties),
    ):
        lines += _of_rows(title, rows)
    return [*lines, *unread_sentence(found)]


def unread_sentence(found: Comparison) -> Iterator[str]:
    """Describe that a part of the input was not compared; nothing where all of it was."""
    number = sum(note.count for note in found.unread)
    if number:
        yield f"{count(number, 'line')} without an event: not compared, and listed below."


def _of_outcomes(found: Comparison) -> Iterator[str]:
    lost, gained = (_sum(row for row in found.outcomes if row.kind == kind) for kind in ("only_left", "only_right"))
    if lost:
        yield f"{count(lost, 'input event')} would not be delivered, which {found.left.name} delivers."
    if gained:
        yield f"{count(gained, 'input event')} would be delivered, which {found.left.name} does not deliver."


def _of_people(found: Comparison) -> Iterator[str]:
    for kind, text in (
        ("only_left", "would be missing"),
        ("only_right", "would be new"),
        ("doubled", "would have more profiles than now"),
        ("merged", "would have fewer profiles than now"),
    ):
        number = _sum(row for row in found.people if row.kind == kind)
        if number:
            yield f"{count(number, 'person', 'people')} {text}."


def _of_metrics(found: Comparison) -> Iterator[str]:
    renames: Counter[str] = Counter()
    unpaired: dict[str, Counter[str]] = {"only_left": Counter(), "only_right": Counter()}
    for row in found.metrics:
        if row.kind == "renamed":
            renames[f"{row.name} becomes {row.other}"] += row.count
        else:
            unpaired[row.kind][row.name] += row.count
    for text, number in renames.most_common(_MOST_NAMES):
        yield f"The metric {text} ({count(number, 'event')}): flows, segments and reports name it."
    if len(renames) > _MOST_NAMES:
        yield f"{count(len(renames) - _MOST_NAMES, 'more metric')} would have another name."
    for kind, text in (("only_left", "missing"), ("only_right", "new")):
        if unpaired[kind]:
            yield f"{count(unpaired[kind].total(), 'event')} would be {text}: {_some(list(unpaired[kind]))}."


def _of_amounts(found: Comparison) -> Iterator[str]:
    """Describe what revenue reports would show."""
    number = _sum(row for row in found.event_fields if row.name == "value")
    if number:
        yield f"{count(number, 'event')} would have another value, which revenue reports add up{_totals(found)}."
    number = _sum(row for row in found.event_fields if row.name == "currency")
    if number:
        yield f"{count(number, 'event')} would have another currency."


def _totals(found: Comparison) -> str:
    """Return the sums of both sides, where they are in one currency."""
    if len({one.currency for side in (found.left, found.right) for one in side.amounts}) != 1:
        return ""
    before, after = (amount(sum(one.total for one in side.amounts)) for side in (found.left, found.right))
    return f": {after} instead of {before} in all metrics together"


def _of_event_fields(found: Comparison) -> Iterator[str]:
    for name, text in (
        ("time", "stand at another time"),
        ("unique id", "have another unique id: sent by both sides, they would count twice"),
    ):
        number = _sum(row for row in found.event_fields if row.name == name)
        if number:
            yield f"{count(number, 'event')} would {text}."


def _of_rows(title: str, rows: Iterable[Difference]) -> Iterator[str]:
    """Describe which names are renamed, missing, new and changed."""
    names: dict[str, dict[str, None]] = {kind: {} for kind in _KIND_WORDS}
    for row in rows:
        names[row.kind][what(row)] = None
    text = [f"{len(met):,} {_KIND_WORDS[kind]} ({_some(list(met))})" for kind, met in names.items() if met]
    if text:
        yield f"{title}: {', '.join(text)}."


def _of_lists(found: Comparison) -> Iterator[str]:
    members: dict[str, Counter[str]] = {}
    for row in found.lists:
        if not row.detail:
            members.setdefault(row.name, Counter())[row.kind] += row.count
    for name, kinds in members.items():
        words = (("only_left", "fewer"), ("only_right", "more"))
        changes = [count(kinds[kind], f"{word} member") for kind, word in words if kinds[kind]]
        yield f"List {name}: {' and '.join(changes)}."
    others = {row.name: None for row in found.lists if row.detail and row.name not in members}
    if others:
        yield f"Lists that differ without a member: {_some(list(others))}."


def _of_consent(found: Comparison) -> Iterator[str]:
    consent = _sum(row for row in found.consent if not row.detail.startswith(WAITS))
    if consent:
        yield f"Consent would differ {count(consent, 'time')}."
    for kind, text in (("only_left", "no longer be asked to confirm"), ("only_right", "be asked to confirm")):
        waiting = _sum(row for row in found.consent if row.kind == kind and row.detail.startswith(WAITS))
        if waiting:
            yield f"{count(waiting, 'profile')} would {text} a subscription."


def _some(names: list[str]) -> str:
    """List the first few names."""
    return ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")


def _sum(rows: Iterable[Difference]) -> int:
    return sum(row.count for row in rows)


def _calls(side: SideReport) -> int:
    return sum(row.count for row in side.calls)
