"""Kinds of faults that users of other integrations reported, for every vendor; each with several examples."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from klavier import Rehearsal, Sandbox, load_vendor, parse_event, rehearse
from klavier.flows.drivers import deliver, plan
from klavier.klaviyo.limits import INTEGERS

SETTINGS: dict[str, dict[str, Any]] = {
    "freshpaint": {"public_api_key": "AbC123", "private_api_key": "pk_x"},
    "rudderstack": {"public_api_key": "AbC123", "private_api_key": "pk_x"},
    "segment-actions": {
        "api_key": "pk_x",
        "mappings": [
            {"action": "trackEvent"},
            {"action": "upsertProfile", "fields": {"phone_number": {"@path": "$.traits.phone"}}},
        ],
    },
    "segment-classic": {"api_key": "AbC123", "private_key": "pk_x"},
}
TRACK: dict[str, Any] = {
    "type": "track",
    "event": "Signed Up",
    "messageId": "m1",
    "userId": "u1",
    "timestamp": "2024-02-06T13:46:34Z",
    "properties": {"plan": "pro"},
    "context": {"traits": {"email": "ann@shop.test"}},
}

each_vendor = pytest.mark.parametrize("vendor", SETTINGS)


def rehearsed(vendor: str, **members: Any) -> Rehearsal:
    """Rehearse one event on the current wire."""
    return rehearse(load_vendor(vendor, SETTINGS[vendor]), [parse_event({**TRACK, **members})])


@each_vendor
@pytest.mark.parametrize(
    "members",
    [
        {"properties": '{"plan":"pro"}'},
        {"context": '{"traits":{"email":"ann@shop.test"}}'},
        {"context": {"traits": '{"email":"ann@shop.test"}'}},
    ],
    ids=["properties", "context", "context.traits"],
)
def test_a_member_of_the_wrong_kind_is_noted_or_rejected(
    vendor: str, members: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    (outcome,) = rehearsed(vendor, **members).outcomes
    place = request.node.callspec.id.removeprefix(f"{vendor}-").removesuffix(f"-{vendor}")
    noted = [note for note in outcome.notes if note.startswith(f"{place} left out: a string")]
    assert noted if outcome.kind == "delivered" else outcome.kind == "rejected", outcome


@each_vendor
@pytest.mark.parametrize(
    ("name", "meant"), [("user_id", "userId"), ("message_id", "messageId"), ("propertis", "properties")]
)
def test_a_misspelt_member_gets_a_note_with_the_name_that_is_meant(vendor: str, name: str, meant: str) -> None:
    (outcome,) = rehearsed(vendor, **{name: "x"}).outcomes
    assert outcome.kind == "delivered"
    assert f"{name} is no member of an event; did you mean {meant}?" in outcome.notes


@each_vendor
@pytest.mark.parametrize("time", ["2/6/2024", "06.02.2024 13:46", "yesterday"])
def test_a_time_that_cannot_be_read_never_stamps_history_silently(vendor: str, time: str) -> None:
    found = rehearsed(vendor, timestamp=time)
    (outcome,) = found.outcomes
    stamped = [made for made in found.requests if "time" in str(made.json)]
    assert stamped or outcome.kind == "rejected" or any("left out" in note for note in outcome.notes), outcome


@each_vendor
@pytest.mark.parametrize("time", ["2024-02-06 13:46:34 UTC", "2024-02-06 13:46:34.000 +0000", "1707227194"])
def test_an_unambiguous_time_is_read_by_every_vendor(vendor: str, time: str) -> None:
    found = rehearsed(vendor, timestamp=time)
    assert [outcome.kind for outcome in found.outcomes] == ["delivered"]
    assert "2024-02-06T13:46:34" in str([made.json for made in found.requests])


@each_vendor
@pytest.mark.parametrize("ahead", [400, 3_000, 2_900_000])
def test_a_time_more_than_a_year_ahead_is_rejected_in_a_plan_too(vendor: str, ahead: int) -> None:
    time = (datetime.now(UTC) + timedelta(days=ahead)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    (outcome,) = rehearsed(vendor, timestamp=time).outcomes
    assert outcome.kind == "rejected", outcome
    assert "a year ahead" in outcome.reason
    assert "time" in outcome.reason


@each_vendor
@pytest.mark.parametrize(
    "properties", [{"hash": 18446744073709551615}, {"a": {"b": [1, INTEGERS.stop]}}, {"ids": [2**63 + 5]}]
)
def test_an_integer_beyond_64_bits_is_rejected_with_its_place(vendor: str, properties: dict[str, Any]) -> None:
    (outcome,) = rehearsed(vendor, properties=properties).outcomes
    assert outcome.kind == "rejected", outcome
    assert "send it as a string" in outcome.reason
    assert f"properties/{next(iter(properties))}" in outcome.reason


@each_vendor
@pytest.mark.parametrize("phone", ["+1 617-555-1333 x12", "+1 800 FLOWERS", "+1 617 555 1333 / 1334"])
def test_cleaning_a_phone_number_never_makes_another_number(vendor: str, phone: str) -> None:
    traits = {"email": "ann@shop.test", "phone": phone}
    found = rehearsed(vendor, type="identify", traits=traits)
    sent = str([made.json["data"]["attributes"].get("phone_number") for made in found.requests])
    assert "+1" not in sent
    (outcome,) = found.outcomes
    assert outcome.kind == "rejected" or any("phone" in note for note in outcome.notes), outcome


@each_vendor
@pytest.mark.parametrize("phone", ["+44 (0)20 7946 0958", "+49 (0)521 1234567", "+81 (0)3-1234-5678"])
def test_the_trunk_zero_never_stays_in_a_phone_number(vendor: str, phone: str) -> None:
    found = rehearsed(vendor, type="identify", traits={"email": "ann@shop.test", "phone": phone})
    country = phone[: phone.index(" ")]
    sent = [made.json["data"]["attributes"].get("phone_number") for made in found.requests]
    assert not [number for number in sent if number and number.startswith(f"{country}0")]


@each_vendor
@pytest.mark.parametrize(
    ("amount", "meant"), [("1,234", 1234), ("12,50", 12.5), ("1.234,56", 1234.56), ("€99", 99), ("1 234.50", 1234.5)]
)
def test_an_amount_in_text_is_never_cut(vendor: str, amount: str, meant: float) -> None:
    settings = dict(SETTINGS[vendor])
    if vendor == "segment-actions":
        settings["mappings"] = [{"action": "trackEvent", "fields": {"value": {"@path": "$.properties.revenue"}}}]
    event = parse_event({**TRACK, "properties": {"revenue": amount, "currency": "USD"}})
    found = rehearse(load_vendor(vendor, settings), [event])
    (outcome,) = found.outcomes
    made = [request.json["data"]["attributes"] for request in found.requests]
    events = [attributes for attributes in made if "metric" in attributes]
    assert outcome.kind == "rejected" or [attributes.get("value") in (None, meant) for attributes in events] == [True]
    assert outcome.kind == "rejected" or any(
        attributes.get("value") == meant or amount in attributes["properties"].values() for attributes in events
    )


ADDRESSES = (
    "user@domain.c",
    "a@b",
    "a..b@shop.test",
    "mailto:ann@shop.test",
    "ann\u200b@shop.test",
    f"{'x' * 95}@shop.test",
)
PHONES = ("+1617555133312", "+12", "+999123456789", "+44 020 7946 0958", "6175551333")
TIMES = (
    "2031-01-01T00:00:00Z",
    "1985-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T00:00:00Z",
    1709288430,
    "2024-02-30",
)
DEEP: Any = {}
for _ in range(11):
    DEEP = {"deeper": DEEP}
VALUES = (2**63, "x" * 102_401, list(range(4001)), DEEP)
LIMITS: dict[str, list[dict[str, Any]]] = {
    "addresses": [{"context": {"traits": {"email": email}}} for email in ADDRESSES],
    "profiles": [{"type": "identify", "traits": {"email": email}} for email in ADDRESSES],
    "phones": [{"type": "identify", "userId": None, "traits": {"phone": phone}} for phone in PHONES],
    "times": [{"timestamp": time} for time in TIMES],
    "properties": [{"properties": {"a": value}} for value in VALUES],
    "traits": [{"type": "identify", "traits": {"email": "ann@shop.test", "a": value}} for value in VALUES],
    "names": [{"event": "E" * 200}, {"userId": "u" * 300}, {"messageId": "m" * 300}],
}
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("rudderstack", {"api_version": "v1"}),
    ("rudderstack", {"api_version": "v3"}),
    ("rudderstack", {"connection_mode": "device"}),
    ("segment-classic", {}),
    ("segment-classic", {"connection_mode": "device"}),
    ("segment-actions", {}),
    ("freshpaint", {}),
]


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize(("vendor", "settings"), WAYS, ids=str)
def test_a_plan_and_a_delivery_have_the_same_outcome(
    vendor: str, settings: dict[str, Any], fidelity: str, kind: str
) -> None:
    chosen = {**SETTINGS[vendor], **settings} | ({} if vendor == "freshpaint" else {"fidelity": fidelity})
    bound = load_vendor(vendor, chosen)
    for members in LIMITS[kind]:
        event = parse_event({name: value for name, value in {**TRACK, **members}.items() if value is not None})
        (planned,) = rehearse(bound, [event]).outcomes
        sandbox = Sandbox("pk_x", "AbC123", unknown_lists="create")
        sent = [outcome for delivery in plan(bound, [event]) for outcome in deliver(delivery, sandbox.send)]
        assert [planned.kind] == [outcome.kind for outcome in sent], (members, planned, sent)
