"""Events of one profile that overtook each other on their way are put in the order in which they happened."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.outbox.entry import Entry
from klavier.worker.event_order import sort_overtaken

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)
WINDOW = 0.1


def entry(seq: int, second: float | None, accepted: float = 0.0) -> Entry:
    payload = {} if second is None else {"timestamp": (BEGAN + timedelta(seconds=second)).isoformat()}
    return Entry(seq, f"m{seq}", "user:a", json.dumps(payload).encode(), accepted)


def order(*entries: Entry) -> list[int]:
    return [each.seq for each in sort_overtaken(entries, WINDOW)]


def test_events_accepted_at_about_the_same_time_are_sorted() -> None:
    assert order(entry(1, 3.0), entry(2, 1.0, 0.05), entry(3, 2.0, 0.09)) == [2, 3, 1]


def test_what_was_accepted_long_after_stays_behind() -> None:
    assert order(entry(1, 3.0), entry(2, 1.0, 5.0), entry(3, 0.0, 5.05)) == [1, 3, 2]


def test_an_event_without_a_time_stays_behind_the_one_before_it() -> None:
    assert order(entry(1, 9.0), entry(2, None), entry(3, 1.0)) == [3, 1, 2]
    assert order(entry(1, None), entry(2, 9.0), entry(3, 1.0)) == [1, 3, 2]


def test_the_time_of_the_senders_clock_counts() -> None:
    """The corrected time contains the delay of each request."""
    early = {"originalTimestamp": "2026-01-02T00:00:01Z", "timestamp": "2026-01-02T00:00:09Z"}
    late = {"originalTimestamp": "2026-01-02T00:00:02Z", "timestamp": "2026-01-02T00:00:03Z"}
    entries = [Entry(n, f"m{n}", "a", json.dumps(each).encode(), 0.0) for n, each in enumerate((late, early))]
    assert order(*entries) == [1, 0]


@pytest.mark.parametrize("payload", [b"", b"no JSON", b"[]", b'{"timestamp": 5}', b'{"timestamp": "yesterday"}'])
def test_what_is_no_event_stays_where_it_is(payload: bytes) -> None:
    assert order(entry(1, 5.0), Entry(2, "m2", "a", payload, 0.0), entry(3, 4.0)) == [3, 1, 2]


@given(st.lists(st.tuples(st.none() | st.integers(0, 5), st.sampled_from([0.0, 0.05, 0.09, 0.3]))))
def test_all_are_there_once_and_each_pair_within_the_window_is_in_order(drawn: list[tuple[Any, float]]) -> None:
    accepted = 0.0
    entries = []
    for seq, (second, pause) in enumerate(drawn):
        accepted += pause
        entries.append(entry(seq, second, accepted))
    found = sort_overtaken(entries, WINDOW)
    assert sorted(found) == entries
    assert sort_overtaken(found, WINDOW) == found
    seconds = [second for second, _ in drawn]
    for place, first in enumerate(found):
        for second in found[place + 1 :]:
            times = seconds[first.seq], seconds[second.seq]
            if None not in times and abs(first.accepted - second.accepted) <= WINDOW:
                assert times[0] <= times[1]
