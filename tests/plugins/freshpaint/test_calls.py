from typing import Any

import pytest

from klavier import load_vendor, parse_event
from tests.support.freshpaint import IDENTIFY, KEYS, TRACK, native, rehearsed


@pytest.mark.parametrize(
    ("parameter", "trait"),
    [
        ("firstName", "$first_name"),
        ("lastName", "$last_name"),
        ("phone", "$phone_number"),
        ("phoneNumber", "$phone_number"),
        ("title", "$title"),
        ("email", "$email"),
        ("id", "$id"),
    ],
)
@pytest.mark.parametrize("own_format", [True, False])
def test_every_row_of_the_table(parameter: str, trait: str, *, own_format: bool) -> None:
    traits = {parameter: "given", "plan": "pro"}
    payload: dict[str, Any] = {"type": "identify", "traits": traits}
    if own_format:
        payload = {"event": "$identify", "properties": {"distinct_id": "d", "$device_id": "d", "$user_props": traits}}
    if trait not in ("$phone_number", "$id", "$email"):
        traits["phone"] = "+15005550006"
    path, document = native(payload)
    assert path == "/api/identify"
    assert document["token"] == KEYS["public_api_key"]
    assert document["properties"][trait] == "given"
    assert document["properties"]["plan"] == "pro"


def test_identify_on_the_current_wire() -> None:
    (request,) = rehearsed(IDENTIFY).requests
    assert (request.method, request.path) == ("POST", "/api/profile-import")
    assert request.json == {
        "data": {
            "type": "profile",
            "attributes": {"email": "ada@shop.test", "first_name": "Ada", "properties": {"plan": "pro"}},
        }
    }


def test_every_argument_of_track() -> None:
    path, document = native(TRACK)
    assert path == "/api/track"
    assert document == {
        "token": "AbC123",
        "event": "Ordered Product",
        "customer_properties": {"$email": "ada@shop.test"},
        "properties": {"itemType": "image"},
        "time": 1_700_000_000,
    }


def test_track_on_the_current_wire() -> None:
    (request,) = rehearsed(TRACK).requests
    assert (request.method, request.path) == ("POST", "/api/events")
    assert request.json["data"]["attributes"] == {
        "properties": {"itemType": "image"},
        "unique_id": "i-1",
        "metric": {"data": {"type": "metric", "attributes": {"name": "Ordered Product"}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": "ada@shop.test"}}},
        "time": "2023-11-14T22:13:20Z",
    }


@pytest.mark.parametrize(
    "time",
    [
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20.900Z",
        1_700_000_000,
        1_700_000_000_500,
        "1700000000",
        "2023-11-14 22:13:20 UTC",
    ],
)
def test_time_is_whole_seconds_in_ten_digits(time: Any) -> None:
    payload = {"type": "track", "event": "E", "userId": "u", "timestamp": time}
    assert native(payload)[1]["time"] == 1_700_000_000


@pytest.mark.parametrize("time", ["soon", "2/6/2024", -5, "1970-01-01T00:00:00Z", ["2024-02-06"]])
@pytest.mark.parametrize("settings", [{}, {"wire": "native"}, {"connection_mode": "device"}], ids=str)
def test_a_time_that_cannot_be_read_is_left_to_klaviyo_with_a_note(time: Any, settings: dict[str, Any]) -> None:
    payload = {"type": "track", "event": "E", "userId": "u", "timestamp": time}
    assert "time" not in native(payload)[1]
    (note,) = rehearsed(payload, **settings).outcomes[0].notes
    assert note.startswith("timestamp left out: ")
    assert note.endswith("; Klaviyo uses the time of arrival")


def test_an_absent_time_needs_no_note() -> None:
    payload = {"type": "track", "event": "E", "userId": "u", "timestamp": None}
    assert "time" not in native(payload)[1]
    assert rehearsed(payload).outcomes[0].notes == ()


def test_email_as_identifier_leaves_the_id_out() -> None:
    assert "$id" not in native(IDENTIFY)[1]["properties"]
    assert "$id" not in native(TRACK)[1]["customer_properties"]


def test_without_email_as_identifier_all_ids_are_sent() -> None:
    properties = native(IDENTIFY, use_email_as_identifier=False)[1]["properties"]
    assert (properties["$id"], properties["$email"]) == ("user-1", "ada@shop.test")


def test_another_identifier_still_makes_a_profile() -> None:
    payload = {"type": "track", "event": "E", "userId": "u-1"}
    assert native(payload)[1]["customer_properties"] == {"$id": "u-1"}


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "identify", "anonymousId": "a", "traits": {"plan": "pro"}},
        {"type": "track", "event": "E", "anonymousId": "a"},
        {"event": "E", "properties": {"distinct_id": "device", "$device_id": "device"}},
    ],
)
def test_an_event_without_identity_is_rejected_with_the_remedy(payload: dict[str, Any]) -> None:
    found = rehearsed(payload)
    assert found.requests == []
    assert [outcome.kind for outcome in found.outcomes] == ["rejected"]
    assert "no identity" in found.outcomes[0].reason


@pytest.mark.parametrize("email", ["n/a", "ada@shop", {"a": 1}, [], False])
def test_an_invalid_address_does_not_replace_the_id(email: Any) -> None:
    payload = {"type": "identify", "userId": "user-1", "traits": {"email": email}}
    assert native(payload)[1]["properties"] == {"$email": email, "$id": "user-1"}
    found = rehearsed(payload)
    assert found.outcomes[0].kind == "delivered"
    assert found.outcomes[0].notes[0].startswith("$email left out")
    assert found.requests[0].json["data"]["attributes"] == {"external_id": "user-1"}


@pytest.mark.parametrize("value", [{}, [], {"a": 1}, ["u"], True, False, None, ""])
@pytest.mark.parametrize("name", ["email", "phone", "id"])
def test_only_text_and_numbers_identify(name: str, value: Any) -> None:
    (outcome,) = rehearsed({"type": "identify", "traits": {name: value}}, wire="native").outcomes
    assert (outcome.kind, "no identity" in outcome.reason) == ("rejected", True)


def test_two_phone_numbers_are_both_kept() -> None:
    payload = {"type": "identify", "traits": {"phone": "+15005550006", "phoneNumber": "+15005550007"}}
    properties = native(payload)[1]["properties"]
    assert (properties["$phone_number"], properties["phoneNumber"]) == ("+15005550006", "+15005550007")


@pytest.mark.parametrize(
    "payload", [{"type": "group", "userId": "u", "groupId": "g"}, {"type": "alias", "userId": "u"}]
)
def test_other_calls_are_skipped(payload: dict[str, Any]) -> None:
    assert [outcome.kind for outcome in rehearsed(payload).outcomes] == ["skipped"]


@pytest.mark.parametrize("event", [{}, {"event": None}, {"event": ""}, {"event": ["E"]}])
def test_an_event_without_a_name_is_rejected(event: dict[str, Any]) -> None:
    (outcome,) = rehearsed({"type": "track", "userId": "u", **event}).outcomes
    assert (outcome.kind, outcome.reason.split(":")[0]) == ("rejected", "event")


def test_all_enables_custom_events_and_names_enable_the_named() -> None:
    page = {"event": "$page", "properties": {"distinct_id": "u", "path": "/"}}
    assert rehearsed(TRACK).outcomes[0].kind == "delivered"
    assert rehearsed(page).outcomes[0].kind == "skipped"
    assert rehearsed(TRACK, enabled_events=["Other"]).outcomes[0].kind == "skipped"
    assert rehearsed(IDENTIFY, enabled_events=["Other"]).outcomes[0].kind == "delivered"
    assert native(page, enabled_events=["$page"])[1] == {
        "token": "AbC123",
        "event": "$page",
        "customer_properties": {"$id": "u"},
        "properties": {"path": "/"},
    }


def test_page_and_screen_of_the_other_format_keep_their_names() -> None:
    payload = {"type": "screen", "name": "Home", "category": "App", "userId": "u", "properties": {"p": 1}}
    document = native(payload, enabled_events=["all", "$screen"])[1]
    assert (document["event"], document["properties"]) == ("$screen", {"name": "Home", "category": "App", "p": 1})


def test_device_mode_makes_the_calls_of_the_browser() -> None:
    assert rehearsed(IDENTIFY, connection_mode="device").browser_calls == [
        ["identify", {"$email": "ada@shop.test", "$first_name": "Ada", "plan": "pro"}]
    ]
    found = rehearsed(TRACK, connection_mode="device")
    assert found.browser_calls == [["track", "Ordered Product", {"itemType": "image"}]]
    (request,) = found.requests
    assert (request.path, request.params) == ("/client/events", {"company_id": "AbC123"})


def test_ids_of_any_kind_never_raise() -> None:
    vendor = load_vendor("freshpaint", KEYS)
    identifiers: tuple[Any, ...] = (0, False, 1.5, [], {}, "", None, {"a": [1]})
    for identifier in identifiers:
        event = parse_event({"type": "track", "event": "E", "userId": identifier})
        assert len(list(vendor.deliveries([event]))) == 1


def test_traits_of_the_context_describe_the_profile_of_an_identify_call_too() -> None:
    context = {"traits": {"email": "ada@shop.test", "plan": "free"}}
    payload = {"type": "identify", "userId": "u", "traits": {"plan": "pro"}, "context": context}
    assert native(payload)[1]["properties"] == {"$email": "ada@shop.test", "plan": "pro"}
    del payload["traits"]
    assert native(payload)[1]["properties"] == {"$email": "ada@shop.test", "plan": "free"}


@pytest.mark.parametrize("settings", [{}, {"wire": "native"}, {"connection_mode": "device"}], ids=str)
def test_properties_of_an_identify_call_are_noted(settings: dict[str, Any]) -> None:
    properties = {"distinct_id": "u", "$os": "Linux", "email": "a@b.co", "$user_props": {"plan": "pro"}}
    (outcome,) = rehearsed({"event": "$identify", "properties": properties}, **settings).outcomes
    assert outcome.notes == ("properties.email left out: an identify call sends traits",)


def test_an_event_without_a_timestamp_has_its_original_time() -> None:
    payload = {"type": "track", "event": "E", "userId": "u", "originalTimestamp": "2023-11-14T22:13:20Z"}
    assert native(payload)[1]["time"] == 1_700_000_000
    for settings in ({}, {"connection_mode": "device"}):
        (request,) = rehearsed(payload, **settings).requests
        assert request.json["data"]["attributes"]["time"] == "2023-11-14T22:13:20Z"
    payload["timestamp"] = "2023-11-14T22:13:21Z"
    assert native(payload)[1]["time"] == 1_700_000_001


def test_a_visitor_of_the_browser_is_known_by_the_anonymous_id() -> None:
    payload = {"type": "track", "event": "E", "anonymousId": "a-1", "properties": {"x": 1}}
    found = rehearsed(payload, connection_mode="device")
    assert found.browser_calls == [["track", "E", {"x": 1}]]
    (request,) = found.requests
    assert request.json["data"]["attributes"]["profile"]["data"]["attributes"] == {"anonymous_id": "a-1"}
    for refused, settings in (
        (payload, {}),
        ({**payload, "anonymousId": ""}, {"connection_mode": "device"}),
        ({"type": "identify", "anonymousId": "a-1", "traits": {"plan": "pro"}}, {"connection_mode": "device"}),
    ):
        assert rehearsed(refused, **settings).outcomes[0].kind == "rejected"
