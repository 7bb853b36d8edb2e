"""Wilson's interval, the design effect of whole profiles, and gaps."""

import pytest

from klavier.verification.gaps import Gap, find_gaps
from klavier.verification.match_rate import interval_of, wilson
from klavier.verification.wording import bounds, percent


@pytest.mark.parametrize(
    ("matching", "count", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # the example of R. G. Newcombe, Statistics in Medicine 17 (1998)
        (15, 148, 0.0624, 0.1605),  # as above
        (1, 29, 0.0061, 0.1718),  # as above
    ],
)
def test_wilsons_interval(matching: int, count: int, low: float, high: float) -> None:
    found = wilson(matching, count)
    assert found.share == matching / count
    assert [found.low, found.high] == pytest.approx([low, high], abs=1e-4)


def test_no_events_give_no_match_rate() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)
    assert interval_of([]) == wilson(0, 0)


def test_events_of_few_profiles_widen_the_interval() -> None:
    """Ten of a hundred events differ: spread over all profiles, or all of one profile."""
    spread = interval_of([(9, 10)] * 10)
    lumped = interval_of([(10, 10)] * 9 + [(0, 10)])
    assert spread == wilson(90, 100)
    assert spread.share == lumped.share == 0.9
    assert lumped.low < spread.low < spread.high < lumped.high


def test_only_a_whole_is_written_as_one() -> None:
    assert [percent(share) for share in (1.0, 0.99999, 0.9996, 0.999, 0.996, 0.5, 0.0)] == [
        "100 %",
        "99.99 %",
        "99.96 %",
        "99.9 %",
        "99.6 %",
        "50.0 %",
        "0.0 %",
    ]


def test_an_interval_is_written_by_its_bounds() -> None:
    assert bounds(wilson(15, 148)) == "6.2 % to 16.0 %"


def test_a_run_of_missing_events_is_a_gap() -> None:
    events = [(number * 60, 40 <= number < 50) for number in range(100)]
    assert find_gaps(events) == [Gap(2400, 2940, 10, is_end=False)]
    assert find_gaps(reversed(events)) == find_gaps(events)
    assert find_gaps(events[:50]) == [Gap(2400, 2940, 10, is_end=True)]


def test_events_missing_at_random_are_no_gap() -> None:
    assert find_gaps((number, number % 3 == 0) for number in range(1000)) == []
    assert find_gaps((number, True) for number in range(1000)) == []  # all of them: that is no time span
    assert find_gaps([]) == []
    # A tenth of 1,000 events is missing: one run of five is met by chance in 0.01 of such accounts.
    missing = {*range(500, 505), *range(0, 200, 4), *range(800, 1000, 4)} - {996, 992, 988, 984, 980}
    assert len(missing) == 100
    assert find_gaps((number, number in missing) for number in range(1000)) == []


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (1_795_176_000, 1_795_179_599, "from 2026-11-20 12:00 to 13:00 UTC"),
        (1_795_215_600, 1_795_222_800, "from 2026-11-20 23:00 to 2026-11-21 01:00 UTC"),
    ],
)
def test_a_gap_is_named_to_the_minute(start: int, end: int, text: str) -> None:
    assert Gap(start, end, 5, is_end=False).text == text
