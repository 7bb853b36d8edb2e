"""What Klaviyo changes by itself is no difference, and what looks like it may be one."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

import klavier
from klavier.comparison.snapshot import StoredEvent, StoredProfile
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import FakeClock, Sandbox
from klavier.sandbox.account import Metric
from klavier.sandbox.profile import Consent, Event, Profile
from klavier.verification.known import group_profiles, make_comparable, make_event_comparable
from klavier.verification.matching import match_events
from klavier.verification.prediction import Predicting
from klavier.verification.reading import AccountPart, Span, normalized
from tests.support.verification import START, account, check, rows

PERSON = StoredProfile(Profile("P", 0, 0), frozenset({1}))
TIME = 1_700_000_000


def event(unique_id: str | None = None, **properties: Any) -> StoredEvent:
    held = Event(1, "M", TIME, dated=True, unique_id=unique_id, properties=properties)
    return StoredEvent(held, Metric("M", "Paid", None), PERSON, 1)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("e1", None, "e1"),  # Klaviyo did not keep it
        (None, str(TIME), None),  # Klaviyo's own, where the sender names none
        (None, "order-1", "order-1"),  # a sender's, where none is predicted
        ("e1", "e2", "e2"),
    ],
)
def test_ids_that_klaviyo_makes_are_not_counted(ours: str | None, theirs: str | None, expected: str | None) -> None:
    right = event(theirs)
    make_event_comparable(event(ours), right)
    assert right.event.unique_id == expected


def test_profiles_that_share_one_of_the_account_are_one_group() -> None:
    people = [StoredProfile(Profile(name, 0, 0), frozenset()) for name in "abc"]
    for person, number in zip(people, range(3), strict=True):
        person.profile.identifiers = {"email": f"{number}@shop.test", "external_id": f"u{number}"}
    owners = {("email", "0@shop.test"): "X", ("email", "1@shop.test"): "Y"}
    owners |= {("email", "2@shop.test"): "X", ("external_id", "u2"): "Y"}
    assert group_profiles(people, AccountPart(owners=owners)) == [([people[0], people[1], people[2]], ["X", "Y"])]
    del owners["external_id", "u2"]
    assert group_profiles(people, AccountPart(owners=owners)) == [([people[0], people[2]], ["X"]), ([people[1]], ["Y"])]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("email", " Ada@Shop.Test ", "ada@shop.test"),
        ("phone_number", "+1 (415) 555-0100", "+14155550100"),
        ("phone_number", "none", "none"),
        ("external_id", "+1 (415) 555-0100", "+1 (415) 555-0100"),
    ],
)
def test_identifiers_are_looked_for_as_klaviyo_keeps_them(kind: str, value: str, expected: str) -> None:
    assert normalized(kind, value) == (kind, expected)


def test_an_id_that_two_metrics_have_is_matched_within_its_metric() -> None:
    """An order and its first product may have one id, and no value that tells them apart."""

    def order(metric: str) -> StoredEvent:
        held = Event(1, metric, TIME, dated=True, unique_id="o-1", properties={"new": True})
        return StoredEvent(held, Metric(metric, metric, None), PERSON, 1)

    names = ["Paid", "Shipped", "Returned"]
    found = match_events([([*map(order, names)], [*map(order, names[::-1])])], Span(TIME, TIME + 1))
    assert [(ours.title, theirs.title) for ours, theirs in found.pairs] == [(name, name) for name in names]


@pytest.mark.parametrize("people", [1, 2])
def test_people_whose_events_klaviyo_drops_are_counted(people: int) -> None:
    events = [
        {**visit(number, f"d{number}"), "context": {"traits": {"email": f"p{number}@example.com"}}}
        for number in range(people)
    ]
    notes = check(events, Sandbox(clock=FakeClock()), vendor=actions()).notes
    assert [(note.text[:33], note.count) for note in notes] == [("profiles at example.com or test.c", people)]


def test_properties_that_klaviyo_drops_are_not_counted() -> None:
    left, right = event(**{"$source": "web", "plan": "pro"}), event(plan="pro", clicks=0, note="", is_new=False)
    make_event_comparable(left, right)
    assert left.event.properties == {"plan": "pro"}
    assert right.event.properties == {"plan": "pro", "is_new": False}


def test_a_value_that_is_missing_is_compared_as_0() -> None:
    left = event()
    make_event_comparable(left, event())
    assert left.metric.valued


def made_comparable(predicted: list[Profile], actual: Profile) -> tuple[Profile, Profile]:
    prediction: Any = SimpleNamespace(times={1: 100}, knows=lambda _: True)
    stored = [StoredProfile(profile, frozenset({1})) for profile in predicted]
    group = make_comparable(stored, [StoredProfile(actual, frozenset({1}))], prediction, Counter())
    return group.match.left[0].profile, group.match.right[0].profile


def test_profiles_that_became_one_have_the_properties_of_each_but_klaviyos_own() -> None:
    one = Profile("A", 0, 0, properties={"plan": "pro", "$source": "web"})
    other = Profile("B", 0, 0, properties={"plan": "free", "size": "L"}, attributes={"first_name": "Ada"})
    left, _ = made_comparable([one, other], Profile("C", 0, 0))
    assert (left.properties, left.attributes) == ({"plan": "pro", "size": "L"}, {"first_name": "Ada"})
    assert other.properties == {"plan": "free", "size": "L"}


def test_coordinates_are_the_same_however_they_are_written() -> None:
    written = Profile("A", 0, 0, location={"latitude": "52.50", "longitude": "13.4", "city": "Berlin"})
    left, right = made_comparable([written], Profile("B", 0, 0, location={"latitude": 52.5, "longitude": 13.5}))
    assert left.location == {"latitude": "52.50", "longitude": "13.4", "city": "Berlin"}
    assert right.location == {"latitude": "52.50", "longitude": 13.5}


@pytest.mark.parametrize(("changed", "expected"), [(99, "SUBSCRIBED"), (100, "SUBSCRIBED"), (101, "UNSUBSCRIBED")])
def test_a_consent_is_set_aside_that_changed_after_the_last_event(changed: int, expected: str) -> None:
    one, other = (Profile(name, 0, 0) for name in "AB")
    one.consents["email", "marketing"] = Consent("SUBSCRIBED", 50)
    other.consents["email", "marketing"] = Consent("UNSUBSCRIBED", changed)
    left, _ = made_comparable([one], other)
    assert left.consents["email", "marketing"].consent == expected


def visit(number: int, device: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Viewed",
        "messageId": f"v-{number}",
        "anonymousId": device,
        "timestamp": START.isoformat(),
        "properties": {"path": f"/p/{number}", "referrer": "search"},
    }


def actions() -> klavier.Vendor:
    """Return a vendor that sends devices as anonymous ids, which the API does not show."""
    return klavier.load_vendor("segment-actions", {"api_key": "pk_sandbox"})


def test_identifiers_of_the_events_are_known_however_they_are_written() -> None:
    predicting = Predicting(actions(), None, (), now=START.timestamp(), span=(START.timestamp(), None))
    traits = {"email": "Ada.Byron@Shop.test", "phone": "+1 (415) 555-0100", "number": 7}
    for number, time in enumerate(("2026-11-20T06:00:00Z", "2026-11-20T05:59:59Z", "2026-11-20T05:00:00Z"), 1):
        payload = {"type": "identify", "userId": f"u{number}", "timestamp": time, "traits": traits}
        predicting.add(number, klavier.parse_event(payload))
    assert predicting.events == 3
    found = predicting.finish()
    assert found.out_of_span == 2
    assert all(map(found.knows, ("ada.byron@shop.test", "+14155550100", "u1", "7")))
    assert not any(map(found.knows, ("adabyron@shop.test", "adabyronshoptest", "u2", "+14155550101")))


def test_a_device_is_found_by_its_events() -> None:
    """Also where other profiles have events of the same second, with the same values under another metric."""
    events = [visit(number, f"device-{number}") for number in range(6)]
    sandbox = Sandbox(clock=FakeClock())
    for number in range(6):
        attributes = {
            "properties": {"path": f"/p/{number}", "referrer": "search"},
            "time": START.isoformat(),
            "metric": {"data": {"type": "metric", "attributes": {"name": "Saw Banner"}}},
            "profile": {"data": {"type": "profile", "attributes": {"email": f"x{number}@shop.test"}}},
        }
        body = {"data": {"type": "event", "attributes": attributes}}
        assert sandbox.send(klavier.Request("POST", "/api/events", json=body, revision=CURRENT)).ok
    account(events, vendor=actions(), sandbox=sandbox)
    sandbox.calls.clear()
    found = check(events, sandbox, vendor=actions())
    assert rows(found) == []
    assert (found.verdict.matching, found.verdict.events) == (6, 6)
    filters = {(call.params or {}).get("filter", "") for call in sandbox.calls if call.path == "/api/events"}
    second = "greater-or-equal(datetime,2026-11-20T06:00:00Z),less-than(datetime,2026-11-20T06:00:01Z)"
    assert second in filters
