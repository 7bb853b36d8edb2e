"""Documented against deployed: only the fields of the fidelity table make a difference, and each of them makes one."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import Response, load_vendor, parse_event, rehearse
from klavier.testing.strategies import payloads
from klavier.vendor import FidelityTable
from klavier_rudderstack.fidelity import DEPLOYED, DOCUMENTED, Fidelity

KEYS = {"private_api_key": "pk_x", "public_api_key": "AbC123"}
CREATED = Response(201, {"data": {"type": "profile", "id": "01NEW"}})
PAGE = Path(__file__).parents[3] / "docs" / "vendors" / "rudderstack.md"
FIELDS = {field.name for field in attrs.fields(Fidelity)}
EMAIL = {"email": "ann@shop.test"}
GROUP = {"type": "group", "groupId": "L1"}
ADDED = {"type": "track", "userId": "u", "event": "Product Added"}
MAPPED = {"mappedToDestination": True, "externalId": [{"identifierType": "email", "id": "ann@shop.test"}]}
DEVICE = {"connection_mode": "device", "send_page_as_track": True}

ROWS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # field                      row of the page, an event that it concerns, settings
    "items_key": ("list of an ecommerce event", {**ADDED, "properties": {"items": [{"sku": "s"}]}}, {}),
    "item": ("parameters of an item", {**ADDED, "properties": {"items": [{"price": 1}]}}, {}),
    "row_total_fallback": ("an item without `total`", {**ADDED, "properties": {"items": [{"row_total": 1}]}}, {}),
    "ecommerce_extras": ("other properties of an ecommerce event", {**ADDED, "properties": {"color": "red"}}, {}),
    "screen_name": ("screen name (v1)", {"type": "screen", "userId": "u", "name": "Home", "event": "Opened"}, {}),
    "event_name_in_properties": (
        "event name in properties (v2, v3)",
        {"type": "track", "userId": "u", "properties": {"name": "Paid"}},
        {"api_version": "v2"},
    ),
    "group_needs_contact": ("group call", {**GROUP, "traits": {"subscribe": True}}, {"consent": "email"}),
    "identify_needs_id": ("identify call", {"type": "identify", "traits": {"plan": "pro"}}, {}),
    "sms_consent": (
        "`smsConsent`, `sms_consent`",
        {**GROUP, "traits": {**EMAIL, "phone": "+14155550100", "subscribe": True}},
        {"consent": "email", "sms_consent": True},
    ),
    "group_user_consent": (
        "consent of a group call",
        {**GROUP, "traits": {**EMAIL, "phone": "+14155550100", "subscribe": True, "consent": "sms"}},
        {"consent": "email"},
    ),
    "mapped_consent": (
        "consent of a mapped row without `traits.properties`",
        {"type": "identify", "traits": {"phone": "+14155550100", "consent": "sms"}, "context": MAPPED},
        {"consent": "email", "list_id": "L1", "api_version": "v3"},
    ),
    "adds_to_list": ("a list without `subscribe`", {"type": "identify", "traits": EMAIL}, {"list_id": "L1"}),
    "anonymous_user_id": ("anonymous id", {"type": "identify", "anonymousId": "a"}, {"api_version": "v2"}),
    "v1_event_profile": (
        "profile inside a v1 event",
        {"type": "track", "userId": "u", "event": "Paid", "context": {"traits": {"title": "Owner"}}},
        {},
    ),
    "contact_in_properties": (
        "`properties.email`, `properties.phone` of an event",
        {"type": "track", "userId": "u", "event": "Paid", "properties": EMAIL},
        {},
    ),
    "external_id_as_email": (
        "email address of a subscription",
        {
            **GROUP,
            "traits": {"subscribe": True, "phone": "+14155550100"},
            "context": {"externalId": [{"id": "a@b.co"}]},
        },
        {},
    ),
    "library_phone_check": (
        "phone numbers that v2 and v3 accept",
        {"type": "identify", "userId": "u", "traits": {"phone": "+1 617-555-1333 x12"}},
        {"api_version": "v2"},
    ),
    "sends_unchanged": (
        "values on the native wire",
        {"type": "identify", "userId": "u", "traits": {"zip": 94103}},
        {"api_version": "v2"},
    ),
    "patch_after_create": ("a profile that was just created (v1)", {"type": "identify", "traits": EMAIL}, {}),
    "dots_nest": ("a dot in the name of a trait", {"type": "identify", "userId": "u", "traits": {"a.b": 1}}, {}),
    "device_names_as_given": (
        "event names in device mode",
        {"type": "track", "userId": "u", "event": " Paid "},
        DEVICE,
    ),
    "device_plain_members": (
        "`traits` and `category` in device mode",
        {"type": "page", "userId": "u", "name": "Cart", "category": "Shop"},
        DEVICE,
    ),
    "device_commerce": (
        "ecommerce events in device mode",
        {**ADDED, "properties": {"products": [{"price": 1}]}},
        DEVICE,
    ),
}


def result(payload: dict[str, Any], chosen: dict[str, Any], fidelity: Fidelity | None = None) -> Any:
    """Return all that an event results in on the native wire, under a column or the settings' own."""
    if fidelity is None:
        vendor = load_vendor("rudderstack", {**KEYS, **chosen, "wire": "native"})
    else:
        with patch("klavier_rudderstack.mode.FIDELITIES", FidelityTable(fidelity, fidelity)):
            vendor = load_vendor("rudderstack", {**KEYS, **chosen, "wire": "native"})
    found = rehearse(vendor, [parse_event(payload)], [CREATED])
    requests = [(request.method, request.path, request.params, request.json) for request in found.requests]
    return requests, found.browser_calls, [(outcome.kind, outcome.reason) for outcome in found.outcomes]


def essential(payload: dict[str, Any], chosen: dict[str, Any]) -> set[str]:
    """Return the fields without which an event would not result in what it does as deployed."""
    expected, current = result(payload, chosen, DEPLOYED), DEPLOYED
    kept = set()
    for name in sorted(FIELDS):
        without = attrs.evolve(current, **{name: getattr(DOCUMENTED, name)})
        if result(payload, chosen, without) == expected:
            current = without
        else:
            kept.add(name)
    return kept


def test_every_field_has_a_row() -> None:
    assert ROWS.keys() == FIELDS
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("## Document versus deployed") : text.index("## Deviations")]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    assert sorted(rows[2:]) == sorted(row for row, _, _ in ROWS.values())


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_every_field_makes_a_difference(field: str) -> None:
    _, payload, chosen = ROWS[field]
    flipped = [
        attrs.evolve(base, **{field: getattr(other, field)})
        for base, other in ((DOCUMENTED, DEPLOYED), (DEPLOYED, DOCUMENTED))
    ]
    changed = [result(payload, chosen, base) != result(payload, chosen, one) for base, one in
               zip((DOCUMENTED, DEPLOYED), flipped, strict=True)]  # fmt: skip
    assert any(changed)


SETTINGS = st.fixed_dictionaries(
    {"api_version": st.sampled_from(["v1", "v2", "v3"])},
    optional={
        "list_id": st.just("L1"),
        "consent": st.sampled_from(["email", ["email", "sms"], []]),
        "sms_consent": st.booleans(),
        "enforce_email_as_primary": st.booleans(),
        "flatten_properties": st.booleans(),
        "connection_mode": st.sampled_from(["cloud", "device"]),
        "send_page_as_track": st.booleans(),
    },
)


@settings(max_examples=150, deadline=None)
@given(payload=st.one_of(payloads(), st.sampled_from([payload for _, payload, _ in ROWS.values()])), chosen=SETTINGS)
def test_nothing_but_the_table_selects_behavior(payload: dict[str, Any], chosen: dict[str, Any]) -> None:
    for name, fidelity in (("documented", DOCUMENTED), ("deployed", DEPLOYED)):
        other = "deployed" if name == "documented" else "documented"
        expected = result(payload, {**chosen, "fidelity": name})
        assert result(payload, {**chosen, "fidelity": other}, fidelity) == expected


_TEXT = st.sampled_from(["Ada", "Oslo", "JP", "pro", "u 1", "100-0001"])
_PROFILE = st.fixed_dictionaries(
    {"email": st.sampled_from(["ann@shop.test", "bo@shop.test"])},
    optional={
        "phone": st.just("+14155550100"),
        **dict.fromkeys(("firstName", "last_name", "city", "zip", "state", "plan", "street", "image"), _TEXT),
        "age": st.integers(0, 99),
        "vip": st.booleans(),
        "tags": st.just(["a", "b"]),
    },
)
_COMMON = {"userId": _TEXT, "messageId": st.just("m1"), "timestamp": st.just("2024-03-01T10:20:30.123Z")}
_PLAIN = st.one_of(
    st.fixed_dictionaries({"type": st.just("identify"), **_COMMON, "traits": _PROFILE}),
    st.fixed_dictionaries(
        {
            "type": st.just("track"),
            **_COMMON,
            "event": st.sampled_from(["Paid", "Signed Up"]),
            "context": st.fixed_dictionaries({"traits": _PROFILE}),
            "properties": st.dictionaries(
                st.sampled_from(["revenue", "plan", "color", "nested"]), st.sampled_from([5, 2.5, {"a": 1}]), max_size=3
            ).filter(lambda found: not isinstance(found.get("revenue"), dict)),
        }
    ),
)


@settings(max_examples=150, deadline=None)
@given(payload=_PLAIN, version=st.sampled_from(["v1", "v2", "v3"]))
def test_plain_events_are_the_same(payload: dict[str, Any], version: str) -> None:
    """v1 has a unique id and no second update of a profile; nothing else differs."""
    explained = {"sends_unchanged", "patch_after_create"} if version == "v1" else set()
    assert essential(payload, {"api_version": version}) <= explained


@settings(max_examples=60, deadline=None)
@given(payload=st.one_of(payloads(), _PLAIN), chosen=SETTINGS)
def test_every_difference_is_explained_by_named_fields(payload: dict[str, Any], chosen: dict[str, Any]) -> None:
    if result(payload, chosen, DOCUMENTED) != result(payload, chosen, DEPLOYED):
        found = essential(payload, chosen)
        assert found
        assert result(payload, chosen, attrs.evolve(DOCUMENTED, **{n: getattr(DEPLOYED, n) for n in found})) == result(
            payload, chosen, DEPLOYED
        )
