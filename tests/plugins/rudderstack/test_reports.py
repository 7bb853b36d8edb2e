"""Kinds of faults that users of other integrations reported, each with several examples."""

from typing import Any

import pytest

from tests.support.rudderstack import attributes, outcome, profile, rehearsal

SUBSCRIBE = "/api/profile-subscription-bulk-create-jobs"
VERSIONS = ["v1", "v2", "v3"]
SAFE = [("documented", "current"), ("documented", "native"), ("deployed", "current")]
"""Every mode but the exact one, in which RudderStack's own reading is kept."""


def identify(**control: Any) -> dict[str, Any]:
    traits = {"email": "ann@shop.test", "properties": {"listId": "L1", "consent": ["email"], **control}}
    return {"type": "identify", "messageId": "m1", "userId": "u1", "traits": traits}


def track(**members: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Signed Up", "messageId": "m1", "userId": "u1", **members}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("fidelity", "wire"), SAFE)
@pytest.mark.parametrize("flag", ["false", "FALSE ", "no", "0", 0, "off", False])
def test_consent_as_text_that_means_false_never_subscribes(flag: Any, version: str, fidelity: str, wire: str) -> None:
    result = rehearsal(identify(subscribe=flag), api_version=version, fidelity=fidelity, wire=wire)
    assert SUBSCRIBE not in [request.path for request in result.requests]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("fidelity", "wire"), SAFE)
@pytest.mark.parametrize("flag", ["true", "Yes", "1", 1, True])
def test_consent_as_text_that_means_true_subscribes(flag: Any, version: str, fidelity: str, wire: str) -> None:
    result = rehearsal(identify(subscribe=flag), api_version=version, fidelity=fidelity, wire=wire)
    assert result.requests[-1].path == SUBSCRIBE


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("fidelity", "wire"), SAFE)
@pytest.mark.parametrize("flag", ["maybe", 2, [], {"a": 1}, "pending"])
def test_consent_that_cannot_be_read_changes_no_list(flag: Any, version: str, fidelity: str, wire: str) -> None:
    settings: dict[str, Any] = {"api_version": version, "fidelity": fidelity, "wire": wire}
    result = rehearsal(identify(subscribe=flag), **settings)
    assert not [request for request in result.requests if "list" in request.path or "subscription" in request.path]
    assert [note for note in result.outcomes[0].notes if note.startswith("subscribe left out: ")]
    group = {"type": "group", "groupId": "L1", "traits": {"email": "ann@shop.test", "subscribe": flag}}
    refused = outcome(group, **settings)
    assert (refused.kind, refused.reason.startswith("subscribe: ")) == ("rejected", True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("flag", ["false", "no", 2])
def test_consent_counts_by_truthiness_only_exactly_and_with_a_note(flag: Any, version: str) -> None:
    result = rehearsal(identify(subscribe=flag), api_version=version, fidelity="deployed", wire="native")
    assert result.requests[-1].path == SUBSCRIBE
    assert [note for note in result.outcomes[0].notes if note.startswith("subscribe counts as true")]


@pytest.mark.parametrize("given", ["false", "no", "maybe", 0, 7])
def test_sms_consent_as_text_never_adds_sms(given: Any) -> None:
    payload = identify(subscribe=True, smsConsent=given)
    payload["traits"]["phone"] = "+14155550100"
    result = rehearsal(payload)
    entry = result.requests[-1].json["data"]["attributes"]["profiles"]["data"][0]
    assert set(entry["attributes"]["subscriptions"]) == {"email"}
    noted = any(note.startswith("smsConsent left out: ") for note in result.outcomes[0].notes)
    assert noted is (given in ("maybe", 7))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("text", ['{"plan":"pro"}', "[1]", "plan=pro"])
def test_members_of_a_wrong_kind_are_noted(text: str, version: str) -> None:
    for place, payload in (
        ("properties", track(properties=text)),
        ("traits", track(traits=text)),
        ("context.traits", track(context={"traits": text})),
        ("traits", {"type": "identify", "userId": "u1", "traits": text}),
    ):
        notes = outcome(payload, api_version=version).notes
        assert f"{place} left out: a string where an object is expected" in notes


@pytest.mark.parametrize(("fidelity", "wire"), SAFE)
@pytest.mark.parametrize("phone", ["+1 617-555-1333 x12", "+44 20 7946 0958 or 0959", "+1 (617) 555-13EE"])
def test_cleaning_never_makes_another_phone_number(phone: str, fidelity: str, wire: str) -> None:
    payload = {"type": "identify", "userId": "u1", "traits": {"phone": phone}}
    for version in VERSIONS:
        result = rehearsal(payload, api_version=version, fidelity=fidelity, wire=wire)
        assert not [1 for request in result.requests if "phone_number" in request.json["data"]["attributes"]]
        assert result.outcomes[0].kind == "rejected" or result.outcomes[0].notes


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("fidelity", "wire"), SAFE)
@pytest.mark.parametrize("revenue", ["1,234", "12,50", "1 234.50", "10'000", "12.5kg", "5-7"])
def test_no_value_is_cut(revenue: str, version: str, fidelity: str, wire: str) -> None:
    settings = {"api_version": version, "fidelity": fidelity, "wire": wire}
    payload = track(properties={"revenue": revenue, "plan": "pro"})
    found = attributes(payload, **settings)
    assert "value" not in found
    assert found["properties"] == {"revenue": revenue, "plan": "pro"}
    (note,) = outcome(payload, **settings).notes
    assert note.startswith("revenue is not used as the event's value: ")


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("value", ["1,234", "12,50", "3 pieces"])
def test_no_value_of_an_ecommerce_event_is_cut(value: str, fidelity: str) -> None:
    payload = track(event="Product Added", properties={"value": value})
    found = attributes(payload, fidelity=fidelity)
    assert ("value" in found, found["properties"]["value"]) == (False, value)
    (note,) = outcome(payload, fidelity=fidelity).notes
    assert note.startswith("value is not used as the event's value: ")


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_values_are_cut_only_exactly(version: str) -> None:
    payload = track(properties={"revenue": "1,234"})
    exact = attributes(payload, api_version=version, fidelity="deployed", wire="native")
    assert (exact["value"], exact["properties"]) == (1, {})


@pytest.mark.parametrize("option", ["fieldsToUnset", "fieldsToAppend", "fieldsToUnappend"])
@pytest.mark.parametrize("kind", ["identify", "track", "group"])
def test_changes_of_properties_that_v1_ignores_are_noted(option: str, kind: str) -> None:
    payload = track(type=kind, groupId="L1", traits={"email": "ann@shop.test", "old": "x", "subscribe": True})
    payload["integrations"] = {"Klaviyo": {option: ["old"]}}
    start = f"integrations.Klaviyo.{option} left out: "
    assert [note for note in outcome(payload).notes if note.startswith(start)]
    noted = [note for note in outcome(payload, api_version="v2").notes if note.startswith(start)]
    assert bool(noted) is (kind == "group")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("consent", ["e-mail", ["newsletter"], ["email", "push"], 5, [None], "email;sms"])
def test_an_unknown_consent_is_named(consent: Any, version: str) -> None:
    payload = identify(subscribe=True, consent=consent)
    result = outcome(payload, api_version=version)
    told = " ".join((result.reason, *result.notes))
    assert "consent left out: " in told
    assert "that is none of email, web, sms, directmail, mobile" in told


@pytest.mark.parametrize("consent", ["email,sms", "Email, SMS", ["email,sms"], ["EMAIL", " sms"]])
def test_consents_in_one_text_are_all_read(consent: Any) -> None:
    payload = identify(subscribe=True, consent=consent)
    payload["traits"]["phone"] = "+14155550100"
    result = rehearsal(payload)
    entry = result.requests[-1].json["data"]["attributes"]["profiles"]["data"][0]
    assert set(entry["attributes"]["subscriptions"]) == {"email", "sms"}
    assert result.outcomes[0].notes == ()


@pytest.mark.parametrize(
    "given",
    ["2024-02-06 13:46:34.123 UTC", "2024-02-06 13:46:34", "1707227194", 1707227194123, "2024-02-06T13:46:34+0000"],
)
def test_unambiguous_times_are_read(given: Any) -> None:
    for version in VERSIONS:
        found = attributes(track(timestamp=given), api_version=version)
        assert found["time"].startswith("2024-02-06T13:46:34")
        assert outcome(track(timestamp=given), api_version=version).notes == ()


@pytest.mark.parametrize("given", ["2/6/2024", "yesterday", {"at": 1}, "1969-01-01"])
def test_a_time_that_is_left_out_is_noted(given: Any) -> None:
    for version in VERSIONS:
        (note,) = outcome(track(timestamp=given), api_version=version).notes
        assert note.startswith("time left out: ")
        assert note.endswith("Klaviyo uses the time of arrival")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("consent", "missing"),
    [(["email", "sms"], "phone_number"), ("email,sms", "phone_number"), ([" SMS", "Email"], "phone_number")],
)
def test_a_channel_without_an_identifier_is_noted(consent: Any, missing: str, version: str) -> None:
    notes = outcome(identify(subscribe=True, consent=consent), api_version=version).notes
    assert notes == (f"sms consent left out: the event has no {missing} that Klaviyo accepts",)
    only_phone = identify(subscribe=True, consent=consent)
    only_phone["traits"].pop("email")
    only_phone["traits"]["phone"] = "+14155550100"
    notes = outcome(only_phone, api_version=version).notes
    assert notes == ("email consent left out: the event has no email that Klaviyo accepts",)


@pytest.mark.parametrize("email", ["user@domain.c", "a@b", "a@b,c@d.test", "a b@c.test", "<a@b.test>"])
def test_an_address_that_klaviyo_refuses_is_left_out_with_a_note(email: str) -> None:
    payload = {"type": "identify", "userId": "u1", "traits": {"email": email}}
    for version in VERSIONS:
        assert "email" not in profile(payload, api_version=version)
        assert outcome(payload, api_version=version).notes[0].startswith("email left out: ")


@pytest.mark.parametrize("version", VERSIONS)
def test_subscribing_without_a_list_is_noted(version: str) -> None:
    notes = outcome(identify(subscribe=True, listId=""), api_version=version).notes
    assert [note for note in notes if note.startswith("subscribe left out: no list")]
