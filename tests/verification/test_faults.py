"""Each fault that a platform may have is found and named, and nothing else is."""

import pytest

from klavier.verification.wording import headlines
from tests.support.verification import FAULTS, account, check, day, faithful, rows

EVENTS = day(people=30, events=240)
LOST = [
    ("metrics", "only_left", name, "", 5)
    for name in ("Newsletter Opened", "Order Completed", "Product Added", "Product Viewed")
]
EXPECTED = {
    "drops_property": [("event_properties", "only_left", "quantity", "", 60)],
    "renames_metric": [("metrics", "renamed", "Product Viewed", "Viewed Product", 60)],
    "misses_consent": [("consent", "only_left", "email marketing", "", 3)],
    "doubles_events": [("metrics", "doubled", "Order Completed", "", 60)],
    "loses_an_hour": LOST,
}
NAMED = {
    "drops_property": "Event properties: 1 missing (quantity).",
    "renames_metric": "The metric Product Viewed is Viewed Product in Klaviyo (60 events): "
    "flows, segments and reports name it.",
    "misses_consent": "Consent differs for 3 profiles: email marketing missing (3).",
    "doubles_events": "60 events are there more than once, and counted as often: Order Completed.",
    "loses_an_hour": "No event from 2026-11-20 12:00 to 12:57 UTC: 20 events missing.",
}


def test_a_faithful_platform_has_none() -> None:
    found = check(EVENTS, account(EVENTS, faithful))
    assert rows(found) == []
    assert (found.verdict.events, found.verdict.matching, found.notes) == (240, 240, ())
    assert list(headlines(found)) == ["100 % of all 240 events match."]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_named(name: str) -> None:
    found = check(EVENTS, account(EVENTS, FAULTS[name]))
    assert rows(found) == EXPECTED[name]
    assert list(headlines(found))[1:] == [NAMED[name]]


def test_all_of_them_together_are_found() -> None:
    found = check(EVENTS, account(EVENTS, *FAULTS.values()))
    kinds = {(part, kind, name, other) for part, kind, name, other, _ in rows(found)}
    assert kinds == {row[:4] for expected in EXPECTED.values() for row in expected}
    assert found.verdict.rest == {
        "missing": 20,
        "under another metric": 55,
        "there more than once": 55,
        "with other properties": 55,
    }
    assert found.verdict.profiles_differing == 3


def test_a_sample_finds_them_too() -> None:
    found = check(EVENTS, account(EVENTS, FAULTS["renames_metric"]), least_events=80)
    assert found.verdict.is_sample
    assert 80 <= found.verdict.events < 120
    assert [row[:4] for row in rows(found)] == [("metrics", "renamed", "Product Viewed", "Viewed Product")]
    assert found.verdict.interval.low < 0.75 < found.verdict.interval.high
