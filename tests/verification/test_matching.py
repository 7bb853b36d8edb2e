"""When two events are one: how many of their values they share, and how far apart their times are."""

from types import SimpleNamespace
from typing import Any

import pytest

from klavier.comparison.snapshot import StoredEvent, StoredProfile
from klavier.sandbox.account import Metric
from klavier.sandbox.profile import Event, Profile
from klavier.verification.matching import Matching, match_events
from klavier.verification.reading import Span
from klavier.verification.sampling import Sample
from klavier.verification.verify import span_of

PERSON = StoredProfile(Profile("P", 0, 0), frozenset({1}))
TIME = 1_700_000_000
QUARTER, MOST_ZONES = 15 * 60, 26 * 3600


def event(values: str, unique_id: str, time: int = TIME, line: int = 1, *, dated: bool = True) -> StoredEvent:
    """An event with one property for each letter."""
    held = Event(1, "M", time, dated=dated, unique_id=unique_id, properties={name: f"value {name}" for name in values})
    return StoredEvent(held, Metric("M", "Paid", None), PERSON, line)


def match(predicted: StoredEvent, *actual: StoredEvent, end: int = TIME + 1) -> Matching:
    return match_events([([predicted], actual)], Span(TIME, end))


@pytest.mark.parametrize(
    ("ours", "theirs", "is_one"),
    [
        ("a", "a", True),
        ("a", "ab", True),
        ("a", "abc", False),
        ("ab", "ax", False),  # one in common is chance
        ("ab", "abcd", True),
        ("ab", "abcde", False),
        ("abcd", "abxy", True),
        ("abcde", "abxyz", False),
        ("abcd", "abxyz", False),
        ("", "", False),
    ],
)
def test_an_event_at_another_time_has_most_of_its_values(ours: str, theirs: str, is_one: bool) -> None:  # noqa: FBT001 -- a column
    found = match(event(ours, "1"), event(theirs, "2", TIME + 10), end=TIME + 11)
    assert (len(found.pairs), len(found.missing)) == (is_one, not is_one)


@pytest.mark.parametrize(
    ("shift", "is_one"),
    [
        (QUARTER, True),
        (-QUARTER, True),
        (QUARTER + 1, False),
        (QUARTER - 1, False),
        (MOST_ZONES, True),
        (MOST_ZONES + QUARTER, False),
        (1, False),  # the end of the span is outside
    ],
)
def test_an_event_out_of_the_span_is_as_far_as_two_time_zones(shift: int, is_one: bool) -> None:  # noqa: FBT001 -- a column
    found = match(event("abc", "1"), event("abc", "2", TIME + shift))
    assert (len(found.pairs), len(found.missing), len(found.extra)) == (is_one, not is_one, not is_one)


@pytest.mark.parametrize(
    ("values", "is_double"),
    [("abcd", True), ("abxy", True), ("ab", True), ("a", False), ("abxyz", False), ("", False)],
)
def test_an_event_that_repeats_a_matched_one_has_half_of_its_values(values: str, is_double: bool) -> None:  # noqa: FBT001 -- a column
    found = match(event("abcd", "1"), event("abcd", "1"), event(values, "2"))
    assert (len(found.pairs), len(found.doubled), len(found.extra)) == (1, is_double, not is_double)


def test_events_without_values_repeat_each_other() -> None:
    assert len(match(event("", "1"), event("", "1"), event("", "2")).doubled) == 1


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([event("", "1", 20), event("", "2", 10)], Span(10, 21)),
        ([event("", "1", 20), event("", "2", 90, 7, dated=False)], Span(5, None)),
        ([event("", "1", 20), event("", "2", 90, 8, dated=False)], Span(0, None)),
    ],
)
def test_the_span_reaches_from_the_first_event_to_the_last(events: list[StoredEvent], expected: Span | None) -> None:
    prediction: Any = SimpleNamespace(times={7: 5})
    sample = Sample([PERSON], {id(PERSON): events}, len(events), {}, is_whole=True)
    assert span_of(prediction, sample) == expected


def test_events_are_read_from_a_day_before_the_span_to_a_day_after_it() -> None:
    assert Span(TIME, TIME + 1).widened() == Span(TIME - 86_400, TIME + 86_401)
    assert Span(TIME, None).widened() == Span(TIME - 86_400, None)
