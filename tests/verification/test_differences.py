"""Differences of single events and profiles: which are found, and how they are named."""

from typing import Any

import klavier
from klavier.history import HistoryVendor
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import FakeClock, Sandbox
from klavier.sandbox.profile import Profile
from klavier.verification.known import MERGED
from klavier.verification.report import Lag
from klavier.verification.wording import headlines
from tests.support.verification import LIST, START, Payload, account, check, day, rows, rudderstack, send

EVENTS = day(people=6, events=24)


def changed(events: list[Payload], **members: Any) -> list[Payload]:
    """The same events, those named Order Completed with other members."""
    return [event | members if event.get("event") == "Order Completed" else event for event in events]


def owner(sandbox: Sandbox, number: int) -> Profile:
    found = sandbox.account.profiles.owner("email", f"p{number}@shop.test")
    assert found is not None
    return found


def test_another_time_is_found_with_its_shift() -> None:
    moved = [
        event | {"timestamp": event["timestamp"].replace("+00:00", "-02:00")} if event["type"] == "track" else event
        for event in EVENTS
    ]
    found = check(EVENTS, account(moved))
    assert {row[:3] for row in rows(found)} == {("event_fields", "changed", "time")}
    assert {row.detail for row in found.comparison.differences} == {"whole hours, as time zones do"}
    assert found.verdict.rest == {"with another time, value or id": 24}


def shifted(events: list[Payload], zone: str) -> list[Payload]:
    """The same tracks at the same time of day in another zone, under ids of their own."""
    return [
        event | {"timestamp": event["timestamp"].replace("+00:00", zone), "messageId": f"other-{event['messageId']}"}
        if event["type"] == "track"
        else event
        for event in events
    ]


def test_an_event_at_another_time_is_found_by_its_values() -> None:
    found = check(EVENTS, account(shifted(EVENTS, "-05:30")))
    assert {row[:3] for row in rows(found)} == {
        ("event_fields", "changed", "time"),
        ("event_fields", "changed", "unique id"),
    }
    assert found.verdict.rest == {"with another time, value or id": 24}


def test_an_event_out_of_the_span_is_another_one_unless_time_zones_differ_so() -> None:
    found = check(EVENTS, account(shifted(EVENTS, "-13:01")))
    assert found.verdict.rest == {"missing": 24}


def test_another_unique_id_is_found() -> None:
    others = [event | {"messageId": f"other-{event['messageId']}"} for event in EVENTS]
    found = check(EVENTS, account(others))
    assert {row[:3] for row in rows(found)} == {("event_fields", "changed", "unique id")}


def test_another_value_is_found() -> None:
    dearer = [
        event | {"properties": event["properties"] | {"revenue": 1000}}
        if event.get("event") == "Order Completed"
        else event
        for event in EVENTS
    ]
    names = {row[:3] for row in rows(check(EVENTS, account(dearer)))}
    assert ("event_fields", "changed", "value") in names
    assert names <= {("event_fields", "changed", "value"), ("event_properties", "changed", "revenue")}


def test_an_unpredicted_event_is_found() -> None:
    found = check(EVENTS[:-4], account(EVENTS), least_events=None)
    assert rows(found) == []  # they are after the last predicted one
    without = [event for event in EVENTS if event["messageId"] != "m-9"]
    found = check(without, account(EVENTS))
    assert rows(found) == [("metrics", "only_right", "Product Added", "", 1)]
    assert found.verdict.unpredicted == 1
    assert "1 event is there that nobody predicted: Product Added." in list(headlines(found))


def test_a_missing_profile_is_found_with_its_events() -> None:
    sandbox = account(EVENTS)
    gone = owner(sandbox, 2)
    count = len(gone.events)
    sandbox.account.profiles.delete(gone)
    found = check(EVENTS, sandbox)
    assert ("people", "only_left", "people", "", 1) in rows(found)
    assert found.verdict.rest == {"missing": count}
    assert "1 predicted profile is not there." in headlines(found)


def test_a_missing_member_and_another_attribute_are_found() -> None:
    sandbox = account(EVENTS)
    owner(sandbox, 1).lists.clear()
    owner(sandbox, 2).attributes["first_name"] = "Nobody"
    del owner(sandbox, 4).properties["plan"]
    assert rows(check(EVENTS, sandbox)) == [
        ("lists", "only_left", "Newsletter", "", 1),
        ("attributes", "changed", "first_name", "", 1),
        ("properties", "only_left", "plan", "", 1),
    ]


def test_two_profiles_of_one_person_are_found() -> None:
    sandbox = account(EVENTS)
    profiles = sandbox.account.profiles
    profiles.set_identifier(owner(sandbox, 1), "external_id", None)
    attributes = {"external_id": "u1", "first_name": "Name 1", "properties": {"plan": "pro"}}
    body = {"data": {"type": "profile", "attributes": attributes}}
    assert sandbox.send(klavier.Request("POST", "/api/profiles", json=body, revision=CURRENT)).ok
    assert rows(check(EVENTS, sandbox)) == [("people", "doubled", "profiles of one person", "", 1)]


def test_other_people_may_have_become_part_of_one_of_several_profiles() -> None:
    sandbox = account(EVENTS)
    profiles = sandbox.account.profiles
    profiles.set_identifier(owner(sandbox, 1), "external_id", None)
    profiles.set_identifier(owner(sandbox, 1), "phone_number", "+14155550100")
    body = {"data": {"type": "profile", "attributes": {"external_id": "u1"}}}
    assert sandbox.send(klavier.Request("POST", "/api/profiles", json=body, revision=CURRENT)).ok
    assert [note.text for note in check(EVENTS, sandbox).notes][:1] == [MERGED]


def test_a_property_under_another_name_is_renamed() -> None:
    def rename(event: Payload) -> Payload:
        properties = event.get("properties", {})
        return event | {"properties": {"path" if name == "page" else name: it for name, it in properties.items()}}

    found = check(EVENTS, account([rename(event) if event["type"] == "track" else event for event in EVENTS]))
    assert {row[:4] for row in rows(found)} == {("event_properties", "renamed", "page", "path")}


def test_another_metric_is_found_under_another_id() -> None:
    others = [
        event | {"event": "Viewed Product", "messageId": f"other-{event['messageId']}"}
        if event.get("event") == "Product Viewed"
        else event
        for event in EVENTS
    ]
    assert rows(check(EVENTS, account(others))) == [
        ("event_fields", "changed", "unique id", "", 6),
        ("metrics", "renamed", "Product Viewed", "Viewed Product", 6),
    ]


def test_events_at_the_same_second_by_chance_are_no_rename() -> None:
    """Most of the missing events are nowhere, and two stand beside other events with a value in common."""
    sandbox = account([event for event in EVENTS if event.get("event") != "Order Completed"])
    lost = [event for event in EVENTS if event.get("event") == "Order Completed"]
    by_chance = [event | {"event": "Viewed Help", "messageId": f"x-{event['messageId']}"} for event in lost[:2]]
    account(by_chance, sandbox=sandbox)
    assert rows(check(EVENTS, sandbox)) == [("metrics", "only_left", "Order Completed", "", 6)]


def test_profiles_without_events_cost_no_calls_for_events() -> None:
    events = [event for event in EVENTS if event["type"] == "identify"]
    sandbox = account(events)
    sandbox.calls.clear()
    found = check(events, sandbox)
    assert (rows(found), found.verdict.events, found.verdict.profiles) == ([], 0, 6)
    assert list(headlines(found)) == ["No events were predicted; 6 profiles checked."]
    assert not any(call.path == "/api/events" for call in sandbox.calls)
    assert check(events, sandbox, least_events=3).verdict.profiles == 3  # each counts as one event


def test_a_consent_that_changed_later_is_no_difference() -> None:
    sandbox = Sandbox(clock=FakeClock(START.timestamp() + 86_400))
    account(EVENTS, sandbox=sandbox)
    profile = owner(sandbox, 0)
    profile.consents["email", "marketing"].consent = "UNSUBSCRIBED"
    profile.lists.clear()
    found = check(EVENTS, sandbox)
    assert rows(found) == []
    assert [(note.text, note.count) for note in found.notes] == [
        ("consents that were changed after the last of these events", 1)
    ]
    profile.consents["email", "marketing"].changed = int(START.timestamp()) - 1
    assert ("consent", "changed", "email marketing", "", 1) in rows(check(EVENTS, sandbox))


def test_somebody_who_came_back_later_is_no_longer_suppressed() -> None:
    """Whoever unsubscribes is suppressed; a later subscription ends both."""
    traits = {"email": "ada@shop.test"}
    events = [{"type": "identify", "userId": "u1", "messageId": "i", "timestamp": START.isoformat(), "traits": traits}]
    leaves = {"action": "unsubscribeProfile", "fields": {"email": {"@path": "$.traits.email"}}, "trigger": ""}
    vendor = klavier.load_vendor("segment-actions", {"api_key": "pk_sandbox", "mappings": [leaves]})
    sandbox = account(events, vendor=vendor, sandbox=Sandbox(clock=FakeClock(START.timestamp() + 86_400)))
    (profile,) = sandbox.account.profiles
    assert profile.suppressions
    profile.suppressions.clear()
    assert {row[1] for row in rows(check(events, sandbox, vendor=vendor))} == {"only_left"}
    profile.consents["email", "marketing"].consent = "SUBSCRIBED"
    assert rows(check(events, sandbox, vendor=vendor)) == []


def test_a_consent_may_be_older_than_the_events_and_of_a_source_that_they_do_not_name() -> None:
    vendor = HistoryVendor(rudderstack(), backfill=False, imports_consent=True)
    sandbox = account(EVENTS, vendor=vendor)
    consent = owner(sandbox, 0).consents["email", "marketing"]
    assert consent.since is not None
    consent.since, consent.source = consent.since - 86_400, "A form"
    assert rows(check(EVENTS, sandbox, vendor=vendor)) == []
    consent.since += 2 * 86_400
    assert [row.detail for row in check(EVENTS, sandbox, vendor=vendor).comparison.consent] == ["time of consent"]


def test_a_list_of_the_account_decides_whether_a_subscription_holds() -> None:
    """Whoever subscribes to a list with a single opt-in is a member at once; whether others confirmed is not known."""
    double = Sandbox(clock=FakeClock())
    double.add_list("Newsletter", LIST, "double_opt_in")
    send(double, EVENTS, rudderstack())
    assert rows(check(EVENTS, double)) == []
    assert double.confirm("p0@shop.test") == 1
    assert rows(check(EVENTS, double)) == []


def test_a_list_that_the_vendor_makes_is_found_by_its_name() -> None:
    event = {
        "type": "track",
        "event": "Audience Entered",
        "messageId": "m1",
        "userId": "u1",
        "timestamp": START.isoformat(),
        "context": {"traits": {"email": "ada@shop.test"}, "personas": {"computation_key": "vip"}},
    }
    mappings = [{"action": "addProfileToList", "trigger": ""}]
    vendor = klavier.load_vendor("segment-actions", {"api_key": "pk_sandbox", "mappings": mappings})
    sandbox = account([event], vendor=vendor)
    assert rows(check([event], sandbox, vendor=vendor)) == []
    for profile in sandbox.account.profiles:
        profile.lists.clear()
    assert rows(check([event], sandbox, vendor=vendor)) == [("lists", "only_left", "vip", "", 1)]
    sandbox.account.lists = {LIST: sandbox.account.lists[LIST]}
    assert rows(check([event], sandbox, vendor=vendor)) == [("lists", "only_left", "vip", "", 1)]


def test_the_lag_is_measured_where_events_carry_their_arrival() -> None:
    """Without a `timestamp` the platform names no time, so that Klaviyo takes that of the arrival."""
    events = [{**event, "sentAt": event["timestamp"]} for event in EVENTS]
    for event in events:
        del event["timestamp"]
    found = check(events, account(events, sandbox=Sandbox(clock=FakeClock(START.timestamp() + 86_400))))
    assert rows(found) == []
    assert found.lag == Lag(62_100, 82_800, None)
    assert "Events arrived 17 hours after they happened, as the median; at most 23 hours." in list(headlines(found))


def test_the_end_may_still_arrive() -> None:
    events = day(people=6, events=48)
    times = sorted(event["timestamp"] for event in events if event["type"] == "track")
    found = check(events, account([event for event in events if event["timestamp"] < times[-8]]))
    (gap,) = found.gaps
    assert (gap.is_end, gap.events) == (True, 8)
    assert found.lag == Lag(None, None, 8 * 900)
