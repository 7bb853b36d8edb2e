"""Each point where the documents and the deployed code differ, on both sides."""

from typing import Any

import pytest

from klavier import Response
from tests.support.rudderstack import attributes, method_and_json, outcome, profile, rehearsal

BOTH = ("documented", "deployed")
PERSON = {"email": "a@b.co"}


def track(**properties: Any) -> dict[str, Any]:
    return {"type": "track", "messageId": "m1", "userId": "u", "event": "Product Added", "properties": properties}


@pytest.mark.parametrize("wire", ["current", "native"])
def test_ecommerce_list_key(wire: str) -> None:
    payload = track(items=[{"sku": "s"}])
    assert attributes(payload, wire=wire)["properties"] == {"Items": [{"SKU": "s"}]}
    assert attributes(payload, wire=wire, fidelity="deployed")["properties"] == {"items": [{"SKU": "s"}]}


def test_item_keys() -> None:
    item = {"price": 1, "url": "u", "total": 2, "row_total": 3}
    assert attributes(track(items=[item]))["properties"]["Items"] == [
        {"Price": 1, "URL": "u", "RowTotal": 2, "row_total": 3}
    ]
    found = attributes(track(items=[item]), fidelity="deployed")["properties"]["items"]
    assert found == [{"ItemPrice": 1, "ProductURL": "u", "RowTotal": 3}]


def test_ecommerce_extra_properties() -> None:
    assert attributes(track(colour="red"))["properties"] == {"colour": "red"}
    assert attributes(track(colour="red"), fidelity="deployed")["properties"] == {}


def test_screen_name() -> None:
    payload = {"type": "screen", "messageId": "m1", "userId": "u", "name": "Home", "properties": {"name": "inner"}}
    assert attributes(payload)["metric"]["data"]["attributes"]["name"] == "Home"
    assert attributes(payload, fidelity="deployed")["metric"]["data"]["attributes"]["name"] == "inner"
    bare = {"type": "screen", "messageId": "m1", "userId": "u", "name": "Home"}
    reason = 'Missing required value from ["event","properties.event","properties.name"]'
    assert outcome(bare, fidelity="deployed").reason == reason
    assert outcome(bare).kind == "delivered"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_group_needs_email_or_phone(version: str) -> None:
    payload = {"type": "group", "userId": "u", "groupId": "L1", "traits": {"subscribe": True}}
    refused = outcome(payload, api_version=version)
    assert (refused.kind, refused.reason) == ("rejected", "email or phone is a required field for group events")
    sent_anyway = rehearsal(payload, api_version=version, fidelity="deployed", wire="native", consent="email")
    assert sent_anyway.outcomes[0].kind == "delivered"


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_identify_needs_an_identifier(version: str) -> None:
    payload = {"type": "identify", "traits": {"firstName": "Ada"}}
    refused = outcome(payload, api_version=version)
    assert refused.reason == "userId, email or phone is a required field for identify events"
    assert outcome(payload, api_version=version, fidelity="deployed", wire="native").kind == "delivered"


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize(
    ("consent", "sms_setting", "sms_event", "channels"),
    [
        ("email", None, None, {"email"}),
        ("email", None, True, {"email", "sms"}),
        ("email", True, None, {"email", "sms"}),
        (["email", "sms"], None, None, {"email", "sms"}),
        (["email", "sms"], False, None, {"email"}),
        (["email", "sms"], True, False, {"email"}),
        (["email", "sms"], False, True, {"email", "sms"}),
        (None, True, None, {"email", "sms"}),
        (None, False, None, {"email"}),
    ],
)
def test_sms_consent(version: str, consent: Any, sms_setting: Any, sms_event: Any, channels: set[str]) -> None:
    control = {"subscribe": True, "listId": "L1"} | ({} if sms_event is None else {"smsConsent": sms_event})
    payload = {"type": "identify", "userId": "u", "traits": {**PERSON, "phone": "+14155550000", "properties": control}}
    settings = {
        name: value for name, value in (("consent", consent), ("sms_consent", sms_setting)) if value is not None
    }
    job = rehearsal(payload, api_version=version, **settings).requests[-1].json["data"]["attributes"]
    assert set(job["profiles"]["data"][0]["attributes"]["subscriptions"]) == channels


def test_sms_consent_is_unused_as_deployed() -> None:
    control = {"subscribe": True, "listId": "L1", "smsConsent": True}
    payload = {"type": "identify", "userId": "u", "traits": {**PERSON, "phone": "+14155550000", "properties": control}}
    job = (
        rehearsal(payload, fidelity="deployed", consent="email", sms_consent=True)
        .requests[-1]
        .json["data"]["attributes"]
    )
    assert set(job["profiles"]["data"][0]["attributes"]["subscriptions"]) == {"email"}


REPLY = Response(201, {"data": {"type": "profile", "id": "01ADA"}})


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("by", ["setting", "event"])
def test_adding_to_a_list_without_subscribing(version: str, by: str) -> None:
    control = {} if by == "setting" else {"properties": {"listId": "L1"}}
    payload = {"type": "identify", "userId": "u", "traits": {**PERSON, **control}}
    settings = {"api_version": version} | ({"list_id": "L1"} if by == "setting" else {})
    added = rehearsal(payload, replies=[REPLY], **settings)
    assert method_and_json(added.requests[1]) == [
        ("POST /api/lists/L1/relationships/profiles", {"data": [{"type": "profile", "id": "01ADA"}]})
    ]
    assert added.outcomes[0].kind == "delivered"
    assert len(rehearsal(payload, replies=[REPLY], fidelity="deployed", **settings).requests) == 1


@pytest.mark.parametrize("wire", ["current", "native"])
def test_adding_by_a_group_call(wire: str) -> None:
    payload = {"type": "group", "userId": "u", "groupId": "L1", "traits": {"email": "a@b.co"}}
    importing, adding = rehearsal(payload, replies=[REPLY], wire=wire).requests
    attributes = {"external_id": "u", "email": "a@b.co"}
    assert importing.json == {"data": {"type": "profile", "attributes": attributes}}
    assert method_and_json(adding) == [
        ("POST /api/lists/L1/relationships/profiles", {"data": [{"type": "profile", "id": "01ADA"}]})
    ]
    assert outcome(payload, fidelity="deployed").reason == "Subscribe flag should be true for group call"
    reason = "Subscribe flag should be included in group call"
    assert outcome(payload, fidelity="deployed", api_version="v3").reason == reason


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_anonymous_id_fallback(version: str) -> None:
    payload = {"type": "track", "event": "Signed Up", "anonymousId": "anon-1"}
    assert profile(payload, api_version=version)["external_id"] == "anon-1"
    deployed = profile(payload, api_version=version, fidelity="deployed")
    assert deployed.get("external_id") == ("anon-1" if version == "v1" else None)
    assert deployed.get("anonymous_id") == (None if version == "v1" else "anon-1")


def test_user_id_wins_over_the_anonymous_id() -> None:
    payload = {"type": "identify", "userId": "u", "anonymousId": "anon-1"}
    for fidelity in BOTH:
        result = rehearsal(payload, api_version="v3", fidelity=fidelity)
        assert result.requests[0].json["data"]["attributes"] == {"external_id": "u", "properties": {}}
        assert result.outcomes[0].notes == (
            "anonymous_id left out: Klaviyo's profile import does not accept it since revision 2025-10-15",
        )


def test_anonymous_profile_is_rejected_as_deployed() -> None:
    refused = outcome({"type": "identify", "anonymousId": "anon-1"}, api_version="v3", fidelity="deployed")
    assert refused.kind == "rejected"
    assert refused.reason.startswith("no identifier that Klaviyo accepts")


@pytest.mark.parametrize(
    ("version", "wire", "takes"), [("v2", "native", True), ("v3", "native", False), ("v2", "current", False)]
)
def test_profile_import_takes_an_anonymous_id_only_until_2025(version: str, wire: str, *, takes: bool) -> None:
    payload = {"type": "identify", "userId": "u", "anonymousId": "anon-1"}
    assert ("anonymous_id" in profile(payload, api_version=version, wire=wire)) is takes


def test_patch_after_a_201() -> None:
    payload = {"type": "identify", "userId": "u"}
    created = rehearsal(payload, wire="native", replies=[REPLY])
    assert [request.method for request in created.requests] == ["POST"]
    patched = rehearsal(payload, wire="native", fidelity="deployed", replies=[REPLY])
    assert [(r.method, r.path) for r in patched.requests] == [
        ("POST", "/api/profiles"),
        ("PATCH", "/api/profiles/01ADA"),
    ]
    assert patched.requests[1].json["data"]["id"] == "01ADA"


def test_device_event_names() -> None:
    payload = {"type": "track", "userId": "u", "event": " Signed Up ", "properties": {}}
    assert rehearsal(payload, connection_mode="device").browser_calls == [["track", " Signed Up ", {}]]
    deployed = rehearsal(payload, connection_mode="device", fidelity="deployed").browser_calls
    assert deployed == [["track", "signed up", {}]]


def test_device_ecommerce() -> None:
    payload = track(products=[{"price": 1}], items=[{"price": 2, "total": 4}], colour=None)
    assert rehearsal(payload, connection_mode="device").browser_calls[0][2] == {
        "Items": [{"Price": 2, "RowTotal": 4}],
        "products": [{"price": 1}],
        "colour": None,
    }
    deployed = rehearsal(payload, connection_mode="device", fidelity="deployed").browser_calls
    assert deployed[0][2] == {"Items": [{"ItemPrice": 2, "RowTotal": 4}], "colour": None}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_contact_in_the_properties_of_an_event(version: str) -> None:
    payload = {
        "type": "track",
        "userId": "u",
        "event": "Signed Up",
        "properties": {"email": "a@b.co", "phone": "+14155550000", "plan": "free"},
    }
    found = attributes(payload, api_version=version)
    assert found["properties"] == {"plan": "free"}
    assert profile(payload, api_version=version)["email"] == "a@b.co"
    assert "email" not in profile(payload, api_version=version, fidelity="deployed")


def test_external_id_is_not_an_email() -> None:
    external = {"context": {"externalId": [{"type": "klaviyo-profileId", "id": "01ADA"}]}}
    payload = {"type": "group", "groupId": "L1", "traits": {"subscribe": True, "phone": "+14155550000"}, **external}
    entry = (
        rehearsal(payload, fidelity="deployed", wire="native")
        .requests[0]
        .json["data"]["attributes"]["subscriptions"][0]
    )
    assert entry == {"email": "01ADA", "phone_number": "+14155550000"}
    entry = rehearsal(payload, wire="native").requests[0].json["data"]["attributes"]["subscriptions"][0]
    assert entry == {"phone_number": "+14155550000"}


def test_v1_events_lose_title_organization_and_timezone_as_deployed() -> None:
    traits = {"title": "Owner", "organization": "Acme", "timezone": "Asia/Tokyo", "firstName": "Ada"}
    payload = {"type": "track", "userId": "u", "event": "Signed Up", "context": {"traits": traits}}
    assert profile(payload) == {
        "external_id": "u",
        "first_name": "Ada",
        "title": "Owner",
        "organization": "Acme",
        "location": {"timezone": "Asia/Tokyo"},
    }
    assert profile(payload, fidelity="deployed") == {"external_id": "u", "first_name": "Ada"}
