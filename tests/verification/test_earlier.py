"""A run compared with an earlier one: what is new, and what is chance."""

from typing import Any

import orjson
import pytest

import klavier
from klavier.verification.earlier import Earlier, compare_runs, read_earlier
from klavier.verification.report import Verification
from klavier.verification.wording import headlines
from tests.support.verification import FAULTS, account, check, day, faithful

EVENTS = day(people=30, events=240)


def result(name: str = "") -> Verification:
    return check(EVENTS, account(EVENTS, FAULTS[name] if name else faithful))


def written(found: Verification) -> dict[str, Any]:
    facts = {"vendor": "rudderstack", "checked_at": "2026-11-29T08:00:00+00:00"}
    return dict(read_earlier(orjson.dumps(found.as_json(facts)), "before.json"))


@pytest.fixture(scope="module")
def renamed() -> Verification:
    return result("renames_metric")


def changes(found: Earlier) -> list[tuple[str, str, str]]:
    return [(row.change, row.kind, row.name) for row in found.changes]


def test_the_same_differences_are_no_news(renamed: Verification) -> None:
    found = compare_runs(written(renamed), renamed)
    assert (found.is_worse, changes(found)) == (False, [("same", "renamed", "Product Viewed")])
    text = " ".join(headlines(renamed, found))
    assert "In the earlier run (rudderstack, 2026-11-29T08:00:00+00:00) 75.0 %" in text
    assert "Nothing differs more often than in the earlier run, beyond chance." in text


def test_a_new_difference_is_worse(renamed: Verification) -> None:
    found = compare_runs(written(result()), renamed)
    assert (found.is_worse, changes(found)) == (True, [("new", "renamed", "Product Viewed")])
    assert (
        "Worse than in the earlier run, by more than chance explains: "
        "Product Viewed → Viewed Product renamed (0 of 60, now 60 of 60)." in list(headlines(renamed, found))
    )


def test_a_difference_that_is_gone_is_not_worse(renamed: Verification) -> None:
    found = compare_runs(written(renamed), result())
    assert (found.is_worse, changes(found)) == (False, [("gone", "renamed", "Product Viewed")])


def test_a_new_difference_is_worse_although_another_one_is_gone(renamed: Verification) -> None:
    found = compare_runs(written(renamed), result("drops_property"))
    assert (found.before, found.is_worse) == (found.after, True)
    assert changes(found) == [("new", "only_left", "quantity"), ("gone", "renamed", "Product Viewed")]


def test_events_that_are_missing_at_another_time_are_the_same_difference() -> None:
    later = account([event for event in EVENTS if event["type"] != "track" or "T14:" not in event["timestamp"]])
    found = compare_runs(written(result("loses_an_hour")), check(EVENTS, later))
    assert {row[:2] for row in changes(found)} == {("same", "only_left")}


def test_one_case_may_be_chance() -> None:
    sandbox = account(EVENTS)
    profile = next(profile for profile in sandbox.account.profiles if profile.events)
    profile.events.popitem()
    found = compare_runs(written(result()), check(EVENTS, sandbox))
    assert not found.is_worse
    assert [(row.change, row.is_certain) for row in found.changes] == [("new", False)]


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"verification": {}}', b'{"differs": false, "differences": []}'])
def test_what_is_no_result_is_refused(text: bytes) -> None:
    with pytest.raises(klavier.UsageError, match=r"before\.json: is no result of klavier verify; pass what"):
        read_earlier(text, "before.json")


def test_another_version_is_refused(renamed: Verification) -> None:
    data = renamed.as_json({})
    data["verification"]["format"] = 99
    with pytest.raises(klavier.UsageError, match="written by another version"):
        read_earlier(orjson.dumps(data), "before.json")
