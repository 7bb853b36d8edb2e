"""Device mode: browser calls, and the profile that they concern where a server makes them."""

from typing import Any

import pytest

from tests.support.rudderstack import rehearsal

DEVICE: dict[str, Any] = {"connection_mode": "device"}


def calls(payload: dict[str, Any], **settings: Any) -> list[Any]:
    return rehearsal(payload, **DEVICE, **settings).browser_calls


@pytest.mark.parametrize("name", ["address.city", "address.City"])
def test_a_part_of_an_address_may_be_spelled_out_as_deployed(name: str) -> None:
    payload: dict[str, Any] = {"type": "identify", "userId": "u", "context": {"traits": {name: "Kyoto"}}}
    assert calls(payload, fidelity="deployed") == [["identify", {"$id": "u", "$city": "Kyoto", name: "Kyoto"}]]
    assert calls(payload) == [["identify", {"$id": "u", name: "Kyoto"}]]
    payload["context"]["traits"]["address"] = {}
    assert calls(payload, fidelity="deployed") == [["identify", {"$id": "u", name: "Kyoto", "address": {}}]]


PLACES = [
    ("$email", ["email", "Email", "E-mail"]),
    ("$phone_number", ["phone", "Phone"]),
    ("$first_name", ["firstName", "firstname", "first_name"]),
    ("$last_name", ["lastName", "lastname", "last_name"]),
    ("$city", ["city", "City", "address.city"]),
    ("$country", ["country", "Country", "address.country"]),
    ("$region", ["region", "state", "State", "address.state", "address.State"]),
    ("$zip", ["zip", "address.postalCode"]),
    ("$address1", ["address.street"]),
    ("$title", ["title"]),
    ("$organization", ["organization"]),
]


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize(("special", "place"), [(special, place) for special, places in PLACES for place in places])
def test_identify_places(special: str, place: str, fidelity: str) -> None:
    holder, _, name = place.rpartition(".")
    traits = {holder: {name: "x"}} if holder else {name: "x"}
    ((called, people),) = calls({"type": "identify", "userId": "u", "context": {"traits": traits}}, fidelity=fidelity)
    assert called == "identify"
    assert people["$id"] == "u"
    assert people[special] == "x"


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
def test_places_that_are_not_read(fidelity: str) -> None:
    traits = {"postalCode": "94103", "address": {"region": "CA", "zip": "94104"}}
    ((_, people),) = calls({"type": "identify", "userId": "u", "context": {"traits": traits}}, fidelity=fidelity)
    assert people == {"$id": "u", **traits}


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("wire", ["current", "native"])
def test_long_metric_names_are_sent_only_exactly(fidelity: str, wire: str) -> None:
    payload = {"type": "track", "userId": "u", "event": "n" * 200}
    result = rehearsal(payload, **DEVICE, fidelity=fidelity, wire=wire)
    sent = fidelity == "deployed" and wire == "native"
    assert (len(result.requests), result.outcomes[0].kind) == ((1, "delivered") if sent else (0, "rejected"))


def test_identify_needs_traits_and_an_identifier() -> None:
    for payload in ({"type": "identify", "userId": "u"}, {"type": "identify", "context": {"traits": {"plan": 1}}}):
        result = rehearsal(payload, **DEVICE)
        assert (result.browser_calls, result.requests) == ([], [])
        assert result.outcomes[0].kind == "skipped"


def test_traits_at_the_root_are_read_as_documented() -> None:
    payload = {"type": "identify", "userId": "u", "traits": {"plan": "free", "email": "a@b.co"}}
    assert calls(payload) == [["identify", {"$id": "u", "$email": "a@b.co", "plan": "free"}]]
    assert rehearsal(payload, **DEVICE, fidelity="deployed").outcomes[0].reason == "user traits not present"
    both = {**payload, "context": {"traits": {"email": "c@d.co"}}}
    assert calls(both) == [["identify", {"$id": "u", "$email": "c@d.co", "plan": "free"}]]


def test_enforce_email_as_primary() -> None:
    payload = {"type": "identify", "userId": "u", "context": {"traits": {"email": "a@b.co"}}}
    assert calls(payload, enforce_email_as_primary=True) == [["identify", {"$email": "a@b.co", "_id": "u"}]]


def test_revenue_becomes_the_value() -> None:
    payload = {"type": "track", "userId": "u", "event": "Paid", "properties": {"revenue": 5, "total": 6}}
    assert calls(payload) == [["track", "Paid", {"total": 6, "$value": 5}]]
    assert payload["properties"] == {"revenue": 5, "total": 6}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"type": "screen", "userId": "u", "name": "Home"}, "Event type screen is not supported in device mode"),
        ({"type": "group", "userId": "u", "groupId": "g"}, "Event type group is not supported in device mode"),
        ({"type": "track", "userId": "u", "event": 5}, "Event type should be a string"),
        ({"type": "track", "userId": "u"}, 'Missing required value from ["event"]'),
    ],
)
def test_rejected_events(payload: dict[str, Any], reason: str) -> None:
    (outcome,) = rehearsal(payload, **DEVICE).outcomes
    assert (outcome.kind, outcome.reason) == ("rejected", reason)


def test_ecommerce_event_without_properties_is_skipped() -> None:
    for fidelity in ("documented", "deployed"):
        result = rehearsal({"type": "track", "userId": "u", "event": "Product Viewed"}, **DEVICE, fidelity=fidelity)
        assert (result.outcomes[0].kind, result.requests) == ("skipped", [])


@pytest.mark.parametrize(
    ("name", "category", "title"),
    [
        ("Home", "Store", "Viewed Store Home page"),
        ("Home", None, "Viewed Home page"),
        ("", "Store", "Viewed a Page"),
        (404, "", "Viewed 404 page"),
    ],
)
def test_page_names(name: Any, category: Any, title: str) -> None:
    settings = {"send_page_as_track": True}
    inside = {"type": "page", "userId": "u", "name": name, "properties": {"category": category}}
    assert calls(inside, **settings) == [["track", title]]
    assert calls(inside, fidelity="deployed", **settings) == [["track", title]]
    outside = {"type": "page", "userId": "u", "name": name, "category": category}
    assert calls(outside, **settings) == [["track", title]]


def test_device_mode_needs_the_public_key_and_not_the_private_one() -> None:
    payload = {"type": "track", "userId": "u", "event": "Paid"}
    assert rehearsal(payload, **DEVICE, private_api_key="").outcomes[0].kind == "delivered"
    assert rehearsal(payload, **DEVICE, public_api_key="").outcomes[0].kind == "rejected"


def test_track_request_identifies_the_profile() -> None:
    payload = {"type": "track", "userId": "u", "event": "Paid", "context": {"traits": {"email": "a@b.co"}}}
    (request,) = rehearsal(payload, **DEVICE).requests
    assert request.json["data"]["attributes"]["profile"]["data"]["attributes"] == {
        "external_id": "u",
        "email": "a@b.co",
    }
    unidentified = rehearsal({"type": "track", "event": "Paid"}, **DEVICE)
    assert unidentified.requests == []
    assert unidentified.browser_calls == [["track", "Paid", {}]]
    assert len(unidentified.outcomes[0].notes) == 1
