"""Whatever a delivered event contains is in a request or a browser call, in the documented exclusions, or in a note."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import load_vendor, parse_event, rehearse

KEYS = {"private_api_key": "pk_x", "public_api_key": "AbC123"}
NAMES = [
    "email",
    "phone",
    "firstName",
    "first_name",
    "lastname",
    "title",
    "organization",
    "image",
    "city",
    "region",
    "state",
    "country",
    "zip",
    "postalCode",
    "street",
    "timezone",
    "id",
    "userId",
    "_kx",
    "address",
    "location",
    "consent",
    "plan",
    "name",
    "$first_name",
    "anonymousId",
    "color",
]
PROPERTIES = [
    "email",
    "phone",
    "city",
    "title",
    "revenue",
    "total",
    "value",
    "currency",
    "event",
    "name",
    "sku",
    "price",
    "items",
    "products",
    "order_id",
    "ProductName",
    "Items",
    "color",
    "$value",
    "$event_id",
]
ADDRESS = ["city", "street", "postal_code", "zip", "floor"]


CONTROLS = {"group": (".consent", ".subscribe"), "identify": (".identifierType",)}
"""What only controls a subscription, or how the identifier of a row is read."""


class Values:
    """Draws values that occur nowhere else in the event."""

    def __init__(self, draw: Any) -> None:
        self._draw, self._count = draw, 0

    def member(self, name: str) -> Any:
        self._count += 1
        if name in ("email", "phone"):
            return f"u{self._count}@shop.test" if name == "email" else f"+1415555{self._count:04}"
        if name in ("revenue", "total", "value", "price", "$value"):
            return 1000 + self._count
        if name == "currency":
            return "USD"
        if name == "address":
            return self.members(ADDRESS)
        if name in ("items", "products"):
            return [self.members(["sku", "name", "price", "total", "row_total", "RowTotal", "color"])]
        return f"qz{self._count}"

    def members(self, names: list[str]) -> dict[str, Any]:
        chosen = self._draw(st.lists(st.sampled_from(names), unique=True, max_size=6))
        return {name: self.member(name) for name in chosen}


@st.composite
def events(draw: Any, kinds: tuple[str, ...] = ("identify", "track", "screen")) -> dict[str, Any]:
    values = Values(draw)
    kind = draw(st.sampled_from(kinds))
    payload: dict[str, Any] = {"type": kind, "messageId": "m1", "userId": "u1", "anonymousId": "a1"}
    payload["context"] = {"traits": values.members(NAMES)}
    if kind in ("identify", "group"):
        payload["traits"] = values.members(NAMES)
        payload["groupId"] = "L2"
    else:
        payload["name"] = "Home"
        payload["event"] = draw(st.sampled_from(["Paid", "Product Added", "Checkout Started"]))
        payload["properties"] = values.members(PROPERTIES)
    return payload


def leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from leaves(member, f"{place}[{index}]")
    else:
        yield place, value


def is_excused(place: str, excused: frozenset[str], notes: str) -> bool:
    plain = place.replace("[0]", "")
    parts = [plain.rsplit(".", count)[0] for count in range(plain.count(".") + 1)]
    named = any(f"{part} left out" in notes or f"{part} is not used" in notes for part in (*parts, plain))
    last = plain.rsplit(".", 1)[-1]
    return (
        named
        or f"{last} left out" in notes
        or any(place == name or (name.endswith(".*") and place.startswith(name[:-1])) for name in excused)
    )


def check(payload: dict[str, Any], settings: dict[str, Any]) -> None:
    """Check that every scalar of a delivered event is sent, excluded, or in a note."""
    vendor = load_vendor("rudderstack", {**KEYS, **settings})
    event = parse_event(payload)
    found = rehearse(vendor, [event])
    if found.outcomes[0].kind != "delivered":
        return
    made = [request.json for request in found.requests]
    sent = {json.dumps(value) for each in made for _, value in leaves(each, "")}
    notes, excused = "; ".join(found.outcomes[0].notes), vendor.excludes(event)
    for part in ("traits", "properties", "context"):
        for place, value in leaves(payload.get(part, {}), part):
            if place.endswith(CONTROLS.get(event.type, ())):
                continue
            written = {json.dumps(value), json.dumps(str(value))}
            assert written & sent or is_excused(place, excused, notes), f"{place} = {value!r}; notes: {notes}"


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("wire", ["current", "native"])
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@settings(max_examples=60, deadline=None)
@given(payload=events())
def test_what_is_left_out_is_noted(version: str, wire: str, fidelity: str, payload: dict[str, Any]) -> None:
    check(payload, {"api_version": version, "wire": wire, "fidelity": fidelity})


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("pages", [{}, {"send_page_as_track": True, "additional_page_info": True}])
@settings(max_examples=30, deadline=None)
@given(payload=events(kinds=("identify", "track", "page")))
def test_what_device_mode_leaves_out_is_noted(fidelity: str, pages: dict[str, Any], payload: dict[str, Any]) -> None:
    check(payload, {"connection_mode": "device", "fidelity": fidelity, **pages})


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@settings(max_examples=20, deadline=None)
@given(payload=events(kinds=("group",)), subscribe=st.booleans())
def test_what_a_group_call_leaves_out_is_noted(
    *, version: str, fidelity: str, subscribe: bool, payload: dict[str, Any]
) -> None:
    payload["traits"]["subscribe"] = subscribe
    check(payload, {"api_version": version, "fidelity": fidelity})


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("wire", ["current", "native"])
@pytest.mark.parametrize("list_id", ["", "L1"])
@settings(max_examples=20, deadline=None)
@given(payload=events(kinds=("identify",)), kind=st.sampled_from(["email", "id", "external_id", "userId"]))
def test_what_bulk_upload_leaves_out_is_noted(
    list_id: str, wire: str, fidelity: str, kind: str, payload: dict[str, Any]
) -> None:
    identifier = "row@shop.test" if kind == "email" else "qzrow"
    payload["context"]["externalId"] = [{"identifierType": kind, "id": identifier}]
    check(payload, {"bulk_upload": True, "list_id": list_id, "wire": wire, "fidelity": fidelity})


CONTROL = {"subscribe": True, "consent": "email"}
CONTEXT_CONTROL = "context.traits.properties left out: RudderStack reads those of traits"
NO_OBJECT = "left out: a string where an object is expected"


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize(
    ("traits", "others", "notes"),
    [
        ({"properties": "{}"}, None, {f"traits.properties {NO_OBJECT}"}),
        (None, {"properties": "{}"}, {f"context.traits.properties {NO_OBJECT}"}),
        ({}, {"properties": CONTROL}, {CONTEXT_CONTROL}),
        ({"properties": CONTROL}, {"properties": {"subscribe": False}}, {CONTEXT_CONTROL}),
        ({"properties": CONTROL}, {"properties": CONTROL}, set()),
        (None, {"properties": CONTROL}, set()),
        ({"properties": []}, {"properties": ""}, set()),
    ],
)
def test_controls_that_are_not_read_are_noted(version: str, traits: Any, others: Any, notes: set[str]) -> None:
    context = {"traits": {"email": "a@shop.test", **others}} if others else {"traits": {"email": "a@shop.test"}}
    payload = {"type": "identify", "userId": "u", "traits": traits, "context": context}
    vendor = load_vendor("rudderstack", {**KEYS, "api_version": version, "list_id": "L1"})
    (outcome,) = rehearse(vendor, [parse_event(payload)]).outcomes
    assert set(outcome.notes) == notes


@pytest.mark.parametrize(("version", "noted"), [("v1", True), ("v2", False), ("v3", False)])
def test_an_original_time_that_v1_does_not_read_is_noted(version: str, *, noted: bool) -> None:
    payload = {"type": "track", "event": "Paid", "userId": "u", "originalTimestamp": "2024-03-01T10:20:30Z"}
    vendor = load_vendor("rudderstack", {**KEYS, "api_version": version})
    (outcome,) = rehearse(vendor, [parse_event(payload)]).outcomes
    note = "originalTimestamp left out: v1 reads timestamp alone; Klaviyo uses the time of arrival"
    assert outcome.notes == ((note,) if noted else ())
    dated = {**payload, "timestamp": "2024-03-01T10:20:31Z"}
    assert rehearse(vendor, [parse_event(dated)]).outcomes[0].notes == ()


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("time", [0, False, []])
def test_a_time_that_is_none_is_noted(version: str, time: Any) -> None:
    vendor = load_vendor("rudderstack", {**KEYS, "api_version": version})
    payload = {"type": "track", "event": "Paid", "userId": "u", "timestamp": time}
    (note,) = rehearse(vendor, [parse_event(payload)]).outcomes[0].notes
    assert note.startswith("time left out: ")


def test_traits_that_bulk_upload_does_not_read_are_noted() -> None:
    vendor = load_vendor("rudderstack", {**KEYS, "bulk_upload": True})
    payload = {"type": "identify", "traits": {"email": "a@shop.test"}, "context": {"traits": {"plan": "pro"}}}
    (outcome,) = rehearse(vendor, [parse_event(payload)]).outcomes
    assert outcome.notes == ("context.traits left out: Klaviyo Bulk Upload reads traits alone",)


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize("kind", ["identify", "track"])
def test_the_reason_where_only_contact_identifies(version: str, kind: str) -> None:
    vendor = load_vendor("rudderstack", {**KEYS, "api_version": version, "enforce_email_as_primary": True})
    (outcome,) = rehearse(vendor, [parse_event({"type": kind, "event": "Paid", "userId": "u"})]).outcomes
    assert outcome.reason == "None of email and phone are present in the payload"
