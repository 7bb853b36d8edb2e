"""Track and screen calls: names, values, times, ids and flattening; rejected events and values that are left out."""

from typing import Any

import pytest

from klavier.values import phones
from tests.support.rudderstack import attributes, outcome, profile, rehearsal, request


def track(event: Any = "Signed Up", /, **members: Any) -> dict[str, Any]:
    return {"type": "track", "messageId": "m1", "userId": "u", "event": event, **members}


@pytest.mark.parametrize("kind", ["identify", "track", "screen", "group"])
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_no_private_key(kind: str, version: str) -> None:
    result = rehearsal({"type": kind, "userId": "u"}, private_api_key="", api_version=version)
    assert result.requests == []
    assert result.outcomes[0].reason == f"Private API Key is a required field for {kind} events"


@pytest.mark.parametrize("kind", ["page", "alias"])
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_types_that_are_not_supported(kind: str, version: str) -> None:
    assert outcome({"type": kind, "userId": "u"}, api_version=version).reason == f"Event type {kind} is not supported"


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_names(version: str) -> None:
    for event in ("Signed Up", " padded "):
        assert attributes(track(event), api_version=version)["metric"]["data"]["attributes"]["name"] == event
    others: list[Any] = [5, True, [], {}, ["Paid"]]
    for other in others:
        assert outcome(track(other), api_version=version).reason == "Event type should be a string"
    assert outcome(track("x" * 128), api_version=version).reason.startswith("the event's name is no text of 1 to 127")
    inner = track(None, properties={"event": "Inner", "name": "no"})
    assert attributes(inner, api_version=version)["metric"]["data"]["attributes"]["name"] == "Inner"
    reason = 'Missing required value from ["event","properties.event","properties.name"]'
    assert outcome(track(None), api_version=version).reason == reason


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("properties", "value"),
    [
        ({"revenue": 1, "total": 2, "value": 3}, 1),
        ({"revenue": None, "total": 2, "value": 3}, 2),
        ({"value": 3}, 3),
        ({"revenue": "25.00"}, 25),
        ({"revenue": "25 USD"}, 25),
    ],
)
def test_values(version: str, properties: dict[str, Any], value: float) -> None:
    found = attributes(track(properties=properties), api_version=version)
    assert (found["value"], found["properties"]) == (value, {})


def test_zero_is_a_value_in_v2_and_none_in_v1() -> None:
    payload = track(properties={"revenue": 0, "total": 2})
    assert attributes(payload)["value"] == 2
    assert attributes(payload, api_version="v2")["value"] == 0


def test_value_that_is_not_a_number() -> None:
    payload = track(properties={"revenue": "$1,200.50"})
    found = rehearsal(payload)
    assert found.requests[0].json["data"]["attributes"]["properties"] == {"revenue": "$1,200.50"}
    (note,) = found.outcomes[0].notes
    assert note.startswith("revenue is not used as the event's value: a string with a thousands separator")
    assert attributes(payload, wire="native", fidelity="deployed")["value"] == "$1,200.50"
    for fidelity in ("documented", "deployed"):
        assert outcome(payload, api_version="v2", fidelity=fidelity).reason == "Invalid float value"


def test_properties_that_are_not_sent_are_noted() -> None:
    payload = track(properties={"revenue": 1, "total": 2, "event": "x", "value_currency": "USD"})
    assert outcome(payload).notes == ("properties.total left out: RudderStack uses revenue as the event's value",)
    assert outcome(payload, api_version="v2").notes == (
        "properties.total left out: RudderStack does not send it",
        "properties.event left out: RudderStack does not send it",
        "properties.value_currency left out: RudderStack does not send it",
    )


@pytest.mark.parametrize(("given", "code"), [("USD", "USD"), ("eur", "EUR"), ("dollars", None), (5, None)])
def test_currency(given: Any, code: str | None) -> None:
    found = rehearsal(track(properties={"currency": given}), api_version="v3")
    assert found.requests[0].json["data"]["attributes"].get("value_currency") == code
    assert bool(found.outcomes[0].notes) is (code is None)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("given", "time"),
    [
        ("2024-03-01T10:20:30.123Z", "2024-03-01T10:20:30.123Z"),
        ("2022-02-02T02:02:02.000+05:30", "2022-02-02T02:02:02.000+05:30"),
        ("2024-03-01", "2024-03-01T00:00:00Z"),
        (1700000000, "2023-11-14T22:13:20Z"),
        ("yesterday", None),
        ("1970-01-01T00:00:00Z", None),
    ],
)
def test_time(version: str, given: Any, time: str | None) -> None:
    found = rehearsal(track(timestamp=given), api_version=version)
    assert found.requests[0].json["data"]["attributes"].get("time") == time
    assert bool(found.outcomes[0].notes) is (time is None)


def test_original_timestamp_is_used_in_v2() -> None:
    payload = track(originalTimestamp="2024-03-01T10:20:30Z")
    assert attributes(payload, api_version="v2")["time"] == "2024-03-01T10:20:30Z"
    assert "time" not in attributes(payload)


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("wire", ["current", "native"])
@pytest.mark.parametrize("timestamp", ["", None])
def test_an_empty_original_timestamp_is_no_time(timestamp: Any, fidelity: str, wire: str) -> None:
    payload = track(timestamp=timestamp, originalTimestamp="")
    for version in ("v2", "v3"):
        result = rehearsal(payload, api_version=version, fidelity=fidelity, wire=wire)
        assert "time" not in result.requests[0].json["data"]["attributes"]
        assert result.outcomes[0].notes == ()


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("revenue", ["\uff11\uff12", "\u0661", "\x1c12"])
def test_only_ascii_digits_are_numbers(revenue: str, fidelity: str) -> None:
    for version in ("v2", "v3"):
        found = outcome(track(properties={"revenue": revenue}), api_version=version, fidelity=fidelity, wire="native")
        assert found.reason == "Invalid float value"


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("wire", ["current", "native"])
def test_every_event_has_a_unique_id(version: str, wire: str) -> None:
    found = {
        attributes(payload, api_version=version, wire=wire)["unique_id"]
        for payload in (track(messageId="m1"), track(messageId=7), track(messageId=None), track(messageId="x" * 256))
    }
    assert {"m1", "7"} < found
    assert len(found) == 4
    assert max(map(len, found)) <= 255


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_revisions(version: str) -> None:
    native = {"v1": "2023-02-22", "v2": "2024-10-15", "v3": "2026-04-15"}[version]
    assert request(track(), api_version=version, wire="native").revision == native
    assert request(track(), api_version=version).revision == "2026-10-15"


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_place_of_meta(version: str) -> None:
    patches = {"integrations": {"Klaviyo": {"fieldsToUnset": ["old"]}}}
    meta = {"patch_properties": {"unset": ["old"]}}
    today = request(track(**patches), api_version=version).json["data"]["attributes"]["profile"]["data"]
    assert (today["meta"], "meta" in today["attributes"]) == (meta, False)
    native = request(track(**patches), api_version=version, wire="native").json["data"]["attributes"]["profile"]["data"]
    assert ("meta" in native, native["attributes"]["meta"]) == (False, meta)


@pytest.mark.parametrize("spelling", ["Klaviyo", "klaviyo", "KLAVIYO"])
@pytest.mark.parametrize("version", ["v2", "v3"])
def test_fields_to_unset_append_and_unappend(spelling: str, version: str) -> None:
    fields = {"fieldsToUnset": ["gone", 5], "fieldsToAppend": ["tags", "none"], "fieldsToUnappend": ["old"]}
    traits = {"gone": 1, "tags": "new", "old": ["x"], "kept": True}
    payload = {"type": "identify", "userId": "u", "traits": traits, "integrations": {spelling: fields}}
    data = request(payload, api_version=version).json["data"]
    assert data["meta"] == {
        "patch_properties": {"unset": ["gone"], "append": {"tags": "new"}, "unappend": {"old": ["x"]}}
    }
    assert data["attributes"]["properties"] == {"kept": True}
    assert outcome(payload, api_version=version).notes == ("a field to change left out: its name is not a string",)
    assert request(payload).json["data"]["attributes"]["properties"] == traits


def test_options_under_the_first_of_several_spellings() -> None:
    integrations = {"Klaviyo": {"fieldsToUnset": ["second"]}, "KLAVIYO": {"fieldsToUnset": ["first"]}}
    payload = {"type": "identify", "userId": "u", "integrations": integrations}
    assert request(payload, api_version="v3").json["data"]["meta"] == {"patch_properties": {"unset": ["first"]}}
    integrations["KLAVIYO"] = {}
    assert request(payload, api_version="v3").json["data"]["meta"] == {"patch_properties": {}}


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_klaviyo_id_of_a_profile(version: str) -> None:
    ids = [{"type": "other", "id": "x"}, {"type": "klaviyo-profileId", "id": "01ADA"}, {"type": "klaviyo-profileId"}]
    payload = track(context={"externalId": ids})
    assert attributes(payload, api_version=version)["profile"]["data"]["id"] == "01ADA"
    assert (
        request({"type": "identify", "context": {"externalId": ids}}, api_version=version).json["data"]["id"] == "01ADA"
    )


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_flatten_properties(version: str) -> None:
    nested = {"a": {"b": 1, "c": {}}, "d": [1, {"e": 2}], "f": [{"g": 3}, [4]], "h": [], "i": [None, 1]}
    flat = {"a.b": 1, "a.c": {}, "d": [1, {"e": 2}], "f[0].g": 3, "f[1]": [4], "h": [], "i[0]": None, "i[1]": 1}
    payload = track(properties=nested, context={"traits": nested})
    settings = {"api_version": version, "flatten_properties": True}
    assert attributes(payload, **settings)["properties"] == flat
    person_flat = flat if version == "v1" else {key: value for key, value in flat.items() if value is not None}
    assert profile(payload, **settings)["properties"] == person_flat


def test_phone_number_beyond_e164_is_accepted_and_left_out_as_deployed() -> None:
    """RudderStack's library takes up to 17 digits after the country code, E.164 has 15 in all."""
    phone = "+4211234567890123456"
    payload = {"type": "identify", "userId": "u", "traits": {"phone": phone}}
    settings = {"api_version": "v2", "fidelity": "deployed"}
    assert profile(payload, **settings, wire="native")["phone_number"] == phone
    assert "phone_number" not in profile(payload, **settings)
    assert outcome(payload, api_version="v2").reason == "Phone number is not in E.164 format."


@pytest.mark.parametrize("kind", ["identify", "track"])
def test_a_phone_number_is_read_once(kind: str) -> None:
    """The check of its form and the attribute share one reading."""
    phones._read.cache_clear()
    payload = {"type": kind, "event": "Paid", "userId": "u", "context": {"traits": {"phone": "+14155550199"}}}
    assert outcome(payload, api_version="v2").kind == "delivered"
    found = phones._read.cache_info()
    assert (found.misses, found.hits) == (1, 1)


def test_v1_deployed_on_native_wire_flattens_specials_too() -> None:
    payload = track(traits={"state": [{"code": "CA"}]}, userId={"n": 1})
    settings = {"flatten_properties": True, "fidelity": "deployed", "wire": "native"}
    found = attributes(payload, **settings)["profile"]
    assert found == {"$region[0].code": "CA", "state[0].code": "CA", "$id.n": 1}


@pytest.mark.parametrize("kind", ["identify", "track"])
def test_enforce_email_as_primary(kind: str) -> None:
    payload = track(type=kind, traits={"email": "a@b.co", "plan": "free"})
    for version in ("v1", "v2", "v3"):
        found = profile(payload, api_version=version, enforce_email_as_primary=True)
        assert "external_id" not in found
        assert found["properties"] == {"plan": "free", "_id": "u"}
    bare = track(type=kind)
    refused = outcome(bare, enforce_email_as_primary=True)
    assert refused.reason == "None of email and phone are present in the payload"
    native = {"api_version": "v2", "wire": "native", "fidelity": "deployed", "enforce_email_as_primary": True}
    assert profile(bare, **native)["properties"] == {"_id": "u"}
    assert outcome(bare, api_version="v2", enforce_email_as_primary=True).kind == "rejected"


@pytest.mark.parametrize(
    ("phone", "klaviyo", "accepted"),
    [
        ("+14155550000", "+14155550000", True),
        ("+12 345 678 900", "+12345678900", True),
        ("+44 20 7183 8750", "+442071838750", True),
        ("tel:+44-20-7183-8750", "+442071838750", True),
        ("p:+14155550000", "+14155550000", True),
        ("+44 0207 183 8750", "+442071838750", False),
        ("+44 (0)20 7946 0958", "+442079460958", False),
        ("+1 617-555-1333 x12", None, True),
        ("+1 617-555-1333 ext. 4", None, True),
        ("+1 617-555-1333 / 34", None, True),
        ("+1 617 555 1EEE33", None, True),
        ("(415) 555-2671", None, False),
        ("+999123456", None, False),
        ("12345", None, False),
        (14155550000, None, False),
        ({"number": 1}, None, False),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_phone_numbers(phone: Any, klaviyo: str | None, version: str, *, accepted: bool) -> None:
    payload = {"type": "identify", "userId": "u", "traits": {"phone": phone}}
    for fidelity in ("documented", "deployed"):
        found = rehearsal(payload, api_version=version, fidelity=fidelity)
        if version != "v1" and not (accepted if fidelity == "deployed" else klaviyo):
            assert found.outcomes[0].reason == "Phone number is not in E.164 format."
            continue
        assert found.requests[0].json["data"]["attributes"].get("phone_number") == klaviyo
        assert bool(found.outcomes[0].notes) is (klaviyo is None)
    if accepted:
        exact = profile(payload, api_version=version, fidelity="deployed", wire="native")
        assert exact["phone_number"] == phone


@pytest.mark.parametrize("email", ["not-an-email", "a" * 95 + "@b.co.uk", 5, ["a@b.co"]])
def test_refused_email_addresses_are_left_out(email: Any) -> None:
    result = rehearsal({"type": "identify", "userId": "u", "traits": {"email": email}})
    assert result.requests[0].json["data"]["attributes"] == {"external_id": "u"}
    assert len(result.outcomes[0].notes) == 1
    assert str(email) not in str(result.outcomes[0])


def test_consent_of_v1_profiles() -> None:
    payload = track(context={"traits": {"consent": ["email"]}})
    assert profile(payload)["properties"] == {"$consent": ["email"], "consent": ["email"]}
    native = attributes(payload, wire="native")["profile"]
    assert native == {"$id": "u", "$consent": ["email"], "consent": ["email"]}


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("wire", ["current", "native"])
def test_event_without_an_identifier_is_rejected(version: str, wire: str) -> None:
    payload = {"type": "track", "event": "Signed Up", "properties": {}}
    refused = outcome(payload, api_version=version, wire=wire)
    assert refused.kind == "rejected"
    assert refused.reason.startswith("no identifier that Klaviyo accepts")
    assert outcome(payload, api_version=version, wire="native", fidelity="deployed").kind == "delivered"
