"""Both wires result in the same data in Klaviyo, also where a trait is named as one of Klaviyo's specials."""

from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klavier import Event, Outcome, Vendor, load_vendor, parse_event
from klavier.flows.drivers import deliver, plan
from klavier.sandbox import Sandbox
from klavier.vendor import FidelityName, Wire
from klavier_rudderstack.tables.profile import ATTRIBUTES

SPECIALS: list[tuple[str, str, Any]] = [
    ("$first_name", "attributes", {"first_name": "Ada"}),
    ("$last_name", "attributes", {"last_name": "Ada"}),
    ("$title", "attributes", {"title": "Ada"}),
    ("$organization", "attributes", {"organization": "Ada"}),
    ("$image", "attributes", {"image": "Ada"}),
    ("$locale", "attributes", {"locale": "Ada"}),
    ("$address1", "location", {"address1": "Ada"}),
    ("$address2", "location", {"address2": "Ada"}),
    ("$city", "location", {"city": "Ada"}),
    ("$region", "location", {"region": "Ada"}),
    ("$country", "location", {"country": "Ada"}),
    ("$zip", "location", {"zip": "Ada"}),
    ("$timezone", "location", {"timezone": "Ada"}),
    ("$latitude", "location", {"latitude": "Ada"}),
    ("$longitude", "location", {"longitude": "Ada"}),
    ("$id", "identifiers", {"email": "u@b.org", "external_id": "Ada"}),
    ("$exchange_id", "identifiers", {"email": "u@b.org", "_kx": "Ada"}),
    ("$anonymous", "identifiers", {"email": "u@b.org", "anonymous_ids": ["Ada"]}),
    ("$consent", "properties", {"$consent": "Ada"}),
    ("$unheard_of", "properties", {"$unheard_of": "Ada"}),
]
FIDELITIES: tuple[FidelityName, ...] = ("documented", "deployed")
WIRES: tuple[Wire, ...] = ("native", "current")


@cache
def vendor_of(**settings: Any) -> Vendor:
    return load_vendor("rudderstack", {"private_api_key": "pk_x", **settings})


def deliver_to_sandbox(event: Event, wire: Wire, fidelity: FidelityName, **settings: Any) -> tuple[Any, list[Outcome]]:
    """Return the sandbox's data, without the derived id of an event that has no id, and the outcomes."""
    sandbox = Sandbox(private_api_key="pk_x")
    deliveries = plan(vendor_of(wire=wire, fidelity=fidelity, **settings), [event])
    outcomes = [outcome for each in deliveries for outcome in deliver(each, sandbox.send)]
    stored = sandbox.comparable()
    for row in stored["events"]:
        if row["unique_id"] == event.stable_id:
            row["unique_id"] = None
    return stored, outcomes


def track(traits: dict[str, Any], properties: dict[str, Any] | None = None, name: str = "Paid") -> Event:
    payload = {"type": "track", "event": name, "messageId": "m1", "properties": properties or {}}
    return parse_event({**payload, "context": {"traits": traits}})


def test_every_special_is_covered() -> None:
    assert {special for special, _, _ in SPECIALS} - {"$consent", "$unheard_of"} == ATTRIBUTES.keys() - {
        "$email",
        "$phone_number",
    }


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("special", "part", "expected"), SPECIALS)
def test_trait_named_as_a_special_sets_its_attribute(
    special: str, part: str, expected: dict[str, Any], wire: Wire, fidelity: FidelityName
) -> None:
    stored, (outcome,) = deliver_to_sandbox(track({"email": "u@b.org", special: "Ada"}), wire, fidelity)
    assert stored["profiles"][0][part] == expected
    assert (outcome.kind, outcome.notes) == ("delivered", ())


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_special_replaces_the_looked_up_attribute(fidelity: FidelityName) -> None:
    traits = {"email": "u@b.org", "firstName": "Ada", "city": "Paris", "$email": "v@b.org", "$first_name": "Bo"}
    stored, current = (
        deliver_to_sandbox(track({**traits, "$city": None}), wire, fidelity)[0]["profiles"][0] for wire in WIRES
    )
    assert stored == current
    assert (stored["identifiers"], stored["attributes"]) == ({"email": "v@b.org"}, {"first_name": "Bo"})
    assert (stored["location"], stored["properties"]) == ({}, {})


@pytest.mark.parametrize("wire", WIRES)
def test_special_of_a_wrong_kind_is_left_out_with_a_note(wire: Wire) -> None:
    traits = {"email": "u@b.org", "$first_name": ["Ada"], "$phone_number": "5550132", "$zip": 10017}
    stored, (outcome,) = deliver_to_sandbox(track(traits), wire, "documented")
    assert stored["profiles"][0]["identifiers"] == {"email": "u@b.org"}
    assert stored["profiles"][0]["location"] == {"zip": "10017"}
    assert outcome.notes == (
        "$first_name left out: an array where Klaviyo takes text",
        "phone_number left out: not in E.164 form, such as +15005550006: it has no country code",
    )


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("properties", "value", "notes"),
    [
        ({"$value": 5}, 5, ()),
        ({"$value": "5 USD"}, 5, ()),
        ({"$value": None}, None, ()),
        ({"$value": "five"}, None, ("$value left out: a string that is no number",)),
        ({"$value": 5, "revenue": 7}, 7, ("$value left out: the event has a value already",)),
    ],
)
def test_property_value_becomes_the_event_value(
    properties: dict[str, Any], value: Any, notes: tuple[str, ...], wire: Wire
) -> None:
    stored, (outcome,) = deliver_to_sandbox(track({"email": "u@b.org"}, {**properties, "x": 1}), wire, "documented")
    assert (stored["events"][0]["value"], stored["events"][0]["properties"]) == (value, {"x": 1})
    assert outcome.notes == notes


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("wire", WIRES)
def test_order_id_becomes_the_unique_id(wire: Wire, fidelity: FidelityName) -> None:
    order = {"order_id": "o1", "value": 12.5}
    stored, _ = deliver_to_sandbox(track({"email": "u@b.org"}, order, "Checkout Started"), wire, fidelity)
    (found,) = stored["events"]
    assert (found["unique_id"], found["value"], found["properties"]) == ("o1", 12.5, {})


_VALUES = st.one_of(
    st.sampled_from(["Ada", "a@b.org", "+14155550100", "5", "", " ", "5 USD", "JP", " a@b.org ", "(415) 555-0132"]),
    st.sampled_from([None, 0, 7, 2.5, True, False, [], ["a"], {}, {"$city": "Paris"}, "\u00fc"]),
)
_NAMES = ["email", "phone", "firstName", "city", "state", "zip", "title", "id", "plan", "consent", "address", "a.b"]
_TRAITS = st.dictionaries(
    st.sampled_from([*ATTRIBUTES, *ATTRIBUTES, "$consent", "$other", *_NAMES]), _VALUES, max_size=6
)
_PROPERTIES = st.dictionaries(
    st.sampled_from(["$value", "$event_id", "revenue", "total", "value", "order_id", "email", "title", "sku", "items"]),
    _VALUES,
    max_size=4,
)
_PAYLOADS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "screen", "identify"]),
        "event": st.sampled_from(["Paid", "Product Added", "Checkout Started"]),
        "name": st.just("Cart"),
        "messageId": st.just("m1"),
        "timestamp": st.just("2024-03-01T10:20:30Z"),
        "properties": _PROPERTIES,
        "traits": _TRAITS,
        "context": st.fixed_dictionaries({"traits": _TRAITS}),
    },
    optional={"userId": _VALUES},
)
_SETTINGS = st.fixed_dictionaries({"enforce_email_as_primary": st.booleans(), "flatten_properties": st.booleans()})


@pytest.mark.parametrize("fidelity", FIDELITIES)
@given(payload=_PAYLOADS, settings=_SETTINGS)
def test_both_wires_result_in_the_same_data(
    fidelity: FidelityName, payload: dict[str, Any], settings: dict[str, Any]
) -> None:
    event = parse_event(payload)
    native, (native_outcome,) = deliver_to_sandbox(event, "native", fidelity, **settings)
    current, (current_outcome,) = deliver_to_sandbox(event, "current", fidelity, **settings)
    if fidelity == "deployed":  # sent unchanged, which Klaviyo may refuse; the current wire sends what it accepts
        assume(native_outcome.kind == current_outcome.kind and not current_outcome.notes)
    assert native == current
    assert (native_outcome.kind, native_outcome.notes) == (current_outcome.kind, current_outcome.notes)
