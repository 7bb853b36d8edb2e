"""Events: what counts as one, when they happened, what they are worth, and Klaviyo's limits on them."""

from typing import Any

import pytest

from klavier.klaviyo.limits import is_small, refusal
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import FakeClock, Sandbox
from klavier.sandbox.gateway import body_check
from klavier.sandbox.revisions import rules_for
from tests.support.klaviyo import bulk_events, event, event_attributes, get, group, post, profile_data

ADA = profile_data(email="ada@b.co")
BOB = profile_data(email="bob@b.co")


def the_event(sandbox: Sandbox) -> dict[str, Any]:
    (found,) = sandbox.state()["events"]
    return dict(found)


def pointers(response: Response) -> list[str]:
    assert response.status == 400
    return [error.pointer for error in response.errors]


def test_an_event_is_stored_with_all_its_properties(sandbox: Sandbox) -> None:
    response = sandbox.send(
        event(
            "Placed Order",
            profile=ADA,
            properties={"items": [{"sku": "a"}], "paid": False},
            time="2026-11-08T10:00:00.900+02:00",
            unique_id="m1",
            value=9.5,
            value_currency="USD",
            backfill=True,
        )
    )
    assert (response.status, response.json) == (202, None)
    found = the_event(sandbox)
    del found["id"], found["profile"]
    assert found == {
        "metric": "Placed Order",
        "service": None,
        "time": "2026-11-08T08:00:00+00:00",
        "unique_id": "m1",
        "value": 9.5,
        "value_currency": "USD",
        "backfill": True,
        "properties": {"items": [{"sku": "a"}], "paid": False},
    }


def test_the_first_of_equal_unique_ids_stays(sandbox: Sandbox) -> None:
    for number in (1, 2):
        assert sandbox.send(event(unique_id="m1", properties={"n": number})).status == 202
    assert the_event(sandbox)["properties"] == {"n": 1}


def test_a_unique_id_counts_for_one_profile_and_metric(sandbox: Sandbox) -> None:
    sandbox.send(event("A", unique_id="m1", profile=ADA))
    sandbox.send(event("B", unique_id="m1", profile=ADA))
    sandbox.send(event("A", unique_id="m1", profile=BOB))
    assert len(sandbox.state()["events"]) == 3


def test_without_a_unique_id_the_second_counts(sandbox: Sandbox, clock: FakeClock) -> None:
    for time in ("2026-11-08T10:00:00.1Z", "2026-11-08T10:00:00.9Z", "2026-11-08T10:00:01Z"):
        sandbox.send(event(time=time))
    assert len(sandbox.state()["events"]) == 2
    for pause in (0.0, 0.4, 0.7):
        clock.advance(pause)
        sandbox.send(event())
    assert len(sandbox.state()["events"]) == 4


def test_an_event_id_among_the_properties_does_not_count(sandbox: Sandbox) -> None:
    for second in ("00", "01"):
        sandbox.send(event(time=f"2026-11-08T10:00:{second}Z", properties={"$event_id": "m1"}))
    assert len(sandbox.state()["events"]) == 2


def test_zero_null_and_empty_properties_are_ignored(sandbox: Sandbox) -> None:
    sandbox.send(event(properties={"a": 0, "b": None, "c": "", "d": False, "e": [], "f": 0.0, "g": 1}))
    assert the_event(sandbox)["properties"] == {"d": False, "e": [], "g": 1}


def test_a_missing_value_reads_as_0_once_the_metric_had_one(sandbox: Sandbox) -> None:
    sandbox.send(event(unique_id="m1"))
    assert the_event(sandbox)["value"] is None
    sandbox.send(event(unique_id="m2", value=5))
    assert [e["value"] for e in sandbox.state()["events"]] == [0, 5]


def test_test_addresses_are_dropped_where_the_sandbox_is_set_so() -> None:
    for drops, expected in ((False, 1), (True, 0)):
        sandbox = Sandbox(drops_test_addresses=drops)
        assert sandbox.send(event(profile=profile_data(email="ada@example.com"))).status == 202
        assert len(sandbox.state()["events"]) == expected


def test_reading_events_and_metrics(sandbox: Sandbox) -> None:
    sandbox.send(event("A", unique_id="m1", value=2, properties={"x": 1}))
    sandbox.send(event("B", unique_id="m2"))
    first, _ = sandbox.send(get("/api/events")).json["data"]
    assert first["attributes"]["event_properties"] == {"x": 1, "$event_id": "m1", "$value": 2}
    metrics = sandbox.send(get("/api/metrics")).json["data"]
    assert [metric["attributes"]["name"] for metric in metrics] == ["A", "B"]
    assert first["relationships"]["metric"]["data"]["id"] == metrics[0]["id"]


@pytest.mark.parametrize(
    ("time", "revision", "status"),
    [
        ("1990-06-01T00:00:00Z", "2026-10-15", 202),
        ("1989-12-31T23:59:59Z", "2026-10-15", 400),
        ("1995-01-01T00:00:00Z", "2026-04-15", 400),
        ("2000-06-01T00:00:00Z", "2026-04-15", 202),
        ("2027-11-20T00:00:00Z", "2026-10-15", 202),
        ("2028-01-01T00:00:00Z", "2026-10-15", 400),
        ("2026-11-08", "2026-10-15", 202),
        ("yesterday", "2026-10-15", 400),
        ("2026-13-01T00:00:00Z", "2026-10-15", 400),
        ("1700000000", "2026-10-15", 400),
        ("", "2026-10-15", 400),
    ],
)
def test_times(sandbox: Sandbox, time: str, revision: str, status: int) -> None:
    response = sandbox.send(event(time=time, revision=revision))
    assert response.status == status
    if status == 400:
        assert pointers(response) == ["/data/attributes/time"]
        assert sandbox.state()["profiles"] == []


def nested(levels: int) -> Any:
    return {"x": nested(levels - 1)} if levels else 1


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"properties": {f"p{n}": 1 for n in range(401)}}, "/data/attributes/properties"),
        ({"properties": {"s": "x" * 100_001}}, "/data/attributes/properties/s"),
        ({"properties": {"s": "é" * 50_001}}, "/data/attributes/properties/s"),
        ({"properties": {"in": [{"s": "x" * 100_001}]}}, "/data/attributes/properties/in/0/s"),
        ({"properties": {"a/b": list(range(4001))}}, "/data/attributes/properties/a~1b"),
        ({"properties": {"n": nested(11)}}, "/data/attributes/properties/n" + "/x" * 10),
        ({"unique_id": "m" * 256}, "/data/attributes/unique_id"),
        ({"unique_id": ""}, "/data/attributes/unique_id"),
        ({"unique_id": 5}, "/data/attributes/unique_id"),
        ({"value": "9.99"}, "/data/attributes/value"),
        ({"value": True}, "/data/attributes/value"),
        ({"value_currency": "usd"}, "/data/attributes/value_currency"),
        ({"backfill": "yes"}, "/data/attributes/backfill"),
        ({"nonsense": 1}, "/data/attributes/nonsense"),
        ({"profile": profile_data(first_name="Ada")}, "/data/attributes/profile/data/attributes"),
        (
            {"profile": profile_data(email="ada@b.co", frist_name="x")},
            "/data/attributes/profile/data/attributes/frist_name",
        ),
        ({"profile": profile_data(email="ada")}, "/data/attributes/profile/data/attributes/email"),
        ({"profile": profile_data(phone_number="5")}, "/data/attributes/profile/data/attributes/phone_number"),
        (
            {"profile": profile_data(email="ada@b.co", properties={"s": "x" * 95_000})},
            "/data/attributes/profile/data/attributes",
        ),
    ],
)
def test_beyond_a_limit(sandbox: Sandbox, more: dict[str, Any], pointer: str) -> None:
    assert pointers(sandbox.send(event(**more))) == [pointer]
    assert sandbox.comparable()["profiles"] == []


def test_a_small_body_of_an_old_revision_is_nested_too_deep(sandbox: Sandbox) -> None:
    attributes = {"metric": {"name": "Ordered"}, "profile": {"$email": "ada@b.co"}, "properties": {"n": nested(11)}}
    response = sandbox.send(post("/api/events", {"data": {"type": "event", "attributes": attributes}}, "2023-02-22"))
    assert pointers(response) == ["/data/attributes/properties/n" + "/x" * 10]


def test_a_small_body_is_not_measured_and_a_large_one_is() -> None:
    small, large = event(properties={"s": "x"}), event(properties={"s": "x" * 100_001})
    assert (is_small(small.body), is_small(large.body)) == (True, False)
    for measures, flaws in ((True, 1), (False, 0)):
        check = body_check("create_event", rules_for(CURRENT), measures=measures)
        assert check is not None
        assert len(check(large.json) or ()) == flaws


@pytest.mark.parametrize(
    "more",
    [
        {"properties": {f"p{n}": 1 for n in range(401)}},
        {"properties": {"s": "x" * 100_001}},
        {"properties": {"in": [{"s": "x" * 100_001}]}},
        {"properties": {"a/b": list(range(4001))}},
        {"properties": {"n": nested(11)}},
        {"unique_id": "m" * 256},
        {"metric": "m" * 128},
        {"profile": profile_data(email="a" * 96 + "@b.co")},
        {"profile": profile_data(email="ada@b.co", properties={"s": "x" * 95_000})},
        {"properties": {"fits": [nested(9), "x" * 100_000], **{f"p{n}": 1 for n in range(399)}}},
    ],
)
def test_limits_are_those_that_klavier_checks_before_it_sends(sandbox: Sandbox, more: dict[str, Any]) -> None:
    request = event(**more)
    local, response = refusal(request), sandbox.send(request)
    assert (local is None) == response.ok
    if local is not None:
        assert [error.pointer for error in local.errors] == pointers(response)


@pytest.mark.parametrize(
    "more",
    [
        {"properties": {f"p{n}": 1 for n in range(400)}},
        {"properties": {"s": "x" * 100_000, "t": "é" * 50_000}},
        {"properties": {"a": list(range(1, 4001)), "n": nested(10)}},
        {"unique_id": "m" * 255},
        {"value": None, "time": None, "unique_id": None, "value_currency": None, "backfill": None},
    ],
)
def test_at_a_limit(sandbox: Sandbox, more: dict[str, Any]) -> None:
    assert sandbox.send(event(**more)).status == 202


@pytest.mark.parametrize(("length", "status"), [(0, 400), (1, 202), (127, 202), (128, 400)])
def test_names_of_metrics(sandbox: Sandbox, length: int, status: int) -> None:
    response = sandbox.send(event("m" * length))
    assert response.status == status
    if status == 400:
        assert pointers(response) == ["/data/attributes/metric/data/attributes/name"]


def test_the_limit_of_properties_was_300(sandbox: Sandbox) -> None:
    assert sandbox.send(event(properties={f"p{n}": 1 for n in range(301)}, revision="2025-01-15")).status == 400
    assert sandbox.send(event(properties={f"p{n}": 1 for n in range(301)}, revision="2025-04-15")).status == 202


def test_integers_have_64_bits(sandbox: Sandbox) -> None:
    ok = [2**63 - 1, -(2**63)]
    assert sandbox.send(event(properties={"n": ok, "s": "9" * 30})).status == 202
    response = sandbox.send(event(properties={"n": 2**63}))
    assert response.status == 400


def test_all_faults_are_named_at_once(sandbox: Sandbox) -> None:
    attributes = event_attributes(properties={}, value="1", frobnicate=1)
    response = sandbox.send(post("/api/events", {"data": {"type": "event", "attributes": attributes}}))
    assert pointers(response) == [
        "/data/attributes/value",
        "/data/attributes/frobnicate",
        "/data/attributes/profile",
    ]


# In bulk ------------------------------------------------------------------------------------------------------------


def test_a_bulk_is_its_events_one_by_one(sandbox: Sandbox, clock: FakeClock) -> None:
    events = [event_attributes("A", {"n": n}, unique_id=f"m{n}", value=n) for n in range(1, 4)]
    sandbox.send(bulk_events(group(ADA, *events[:2]), group(BOB, events[2])))
    singles = Sandbox(clock=clock)
    for who, attributes in ((ADA, events[0]), (ADA, events[1]), (BOB, events[2])):
        body = {"data": {"type": "event", "attributes": {**attributes, "profile": {"data": who}}}}
        singles.send(post("/api/events", body))
    assert sandbox.comparable() == singles.comparable()
    assert len(sandbox.state()["events"]) == 3


def test_one_bad_event_refuses_the_bulk(sandbox: Sandbox) -> None:
    good, bad = event_attributes(), event_attributes(value="1")
    response = sandbox.send(bulk_events(group(ADA, good), group(BOB, good, bad)))
    place = "/data/attributes/events-bulk-create/data/1/attributes/events/data/1/attributes/value"
    assert pointers(response) == [place]
    response = sandbox.send(bulk_events(group(ADA, good), group(BOB, event_attributes(time="1980-01-01T00:00:00Z"))))
    assert pointers(response) == [place.replace("events/data/1", "events/data/0").replace("value", "time")]
    assert sandbox.state()["profiles"] == []


def test_one_invalid_profile_refuses_the_bulk_request(sandbox: Sandbox) -> None:
    response = sandbox.send(bulk_events(group(ADA, event_attributes()), group(profile_data(), event_attributes())))
    assert pointers(response) == ["/data/attributes/events-bulk-create/data/1/attributes/profile/data/attributes"]


def test_a_unique_id_twice_in_a_bulk(sandbox: Sandbox) -> None:
    twice = [event_attributes("A", unique_id="m1"), event_attributes("A", unique_id="m1")]
    response = sandbox.send(bulk_events(group(ADA, *twice)))
    place = "/data/attributes/events-bulk-create/data/0/attributes/events/data/1/attributes/unique_id"
    assert pointers(response) == [place]
    assert pointers(sandbox.send(bulk_events(group(ADA, twice[0]), group(ADA, twice[1]))))
    assert sandbox.state()["events"] == []
    assert sandbox.send(bulk_events(group(ADA, *twice), revision="2024-10-15")).status == 202
    assert len(sandbox.state()["events"]) == 1
    assert sandbox.send(bulk_events(group(ADA, twice[0]), group(BOB, twice[1]))).status == 202


@pytest.mark.parametrize(("count", "status"), [(1, 202), (1000, 202), (1001, 400), (0, 400)])
def test_how_many_events_a_bulk_takes(sandbox: Sandbox, count: int, status: int) -> None:
    groups = [group(ADA, event_attributes(unique_id=f"m{n}")) for n in range(count)]
    assert sandbox.send(bulk_events(*groups)).status == status
    events = [event_attributes(unique_id=f"n{n}") for n in range(count)]
    assert sandbox.send(bulk_events(group(ADA, *events))).status == status
    assert len(sandbox.state()["events"]) == (2 * count if status == 202 else 0)


def test_events_of_two_groups_count_together(sandbox: Sandbox) -> None:
    events = [event_attributes(unique_id=f"m{n}") for n in range(501)]
    assert sandbox.send(bulk_events(group(ADA, *events), group(BOB, *events))).status == 400


def test_backfill_of_a_group(sandbox: Sandbox) -> None:
    own = event_attributes(unique_id="m1", backfill=False)
    sandbox.send(bulk_events(group(ADA, own, event_attributes(unique_id="m2"), backfill=True)))
    assert [e["backfill"] for e in sandbox.state()["events"]] == [False, True]


def test_an_old_event_is_a_free_map(sandbox: Sandbox) -> None:
    people = {
        "$email": "ada@b.co",
        "$id": 7,
        "$first_name": "Ada",
        "$city": "London",
        "plan": "pro",
        "$phone_number": "5",
    }
    attributes = {"profile": people, "metric": {"name": "Ordered"}, "properties": {"x": 1}, "value": 3}
    request = Request(
        "POST", "/api/events", json={"data": {"type": "event", "attributes": attributes}}, revision="2023-02-22"
    )
    response = sandbox.send(request)
    assert response.headers["x-klaviyo-partial-failure"] == "phone_number"
    (profile,) = sandbox.state()["profiles"]
    assert profile["identifiers"] == {"email": "ada@b.co", "external_id": "7"}
    assert (profile["attributes"], profile["location"]) == ({"first_name": "Ada"}, {"city": "London"})
    assert profile["properties"] == {"plan": "pro"}
    assert the_event(sandbox)["value"] == 3


@pytest.mark.parametrize(
    ("said", "value", "unique_id"),
    [
        ({}, 3, "m1"),
        ({"value": 5, "unique_id": "m2"}, 5, "m2"),
        ({"value": 0}, 0, "m1"),
    ],
)
def test_special_properties_of_an_old_event_apply_where_no_attribute_does(
    sandbox: Sandbox, said: dict[str, Any], value: float, unique_id: str
) -> None:
    properties = {"$value": "3", "$event_id": "m1", "x": 1}
    attributes = {"profile": {"$id": "u1"}, "metric": {"name": "Ordered"}, "properties": properties, **said}
    sandbox.send(post("/api/events", {"data": {"type": "event", "attributes": attributes}}, "2023-02-22"))
    found = the_event(sandbox)
    assert (found["value"], found["unique_id"], found["properties"]) == (value, unique_id, {"x": 1})


@pytest.mark.parametrize(
    ("people", "pointer"),
    [
        ({"plan": "pro"}, "/data/attributes/profile"),
        ({"$email": "ada"}, "/data/attributes/profile/$email"),
        ({"$phone_number": "5"}, "/data/attributes/profile/$phone_number"),
        ("ada@b.co", "/data/attributes/profile"),
    ],
)
def test_an_old_event_without_an_identifier_is_refused(sandbox: Sandbox, people: Any, pointer: str) -> None:
    attributes = {"profile": people, "metric": {"name": "Ordered"}, "properties": {}}
    assert pointers(
        sandbox.send(post("/api/events", {"data": {"type": "event", "attributes": attributes}}, "2023-02-22"))
    ) == [pointer]
