"""Klaviyo holds the same whichever wire tells it, also where a trait is named like one of Klaviyo's specials."""

from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klavier import Event, Outcome, Vendor, load_vendor, parse_event
from klavier.flows.drivers import deliver, plan
from klavier.klaviyo.attributes import SPECIAL_ATTRIBUTES, SPECIAL_IDENTIFIERS, SPECIAL_LOCATION
from klavier.sandbox import Sandbox
from klavier.vendor import FidelityName, Wire
from klavier_rudderstack.tables.profile import SAID_AS

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


def tell(event: Event, wire: Wire, fidelity: FidelityName, **settings: Any) -> tuple[Any, list[Outcome]]:
    """Give what Klaviyo then holds, less the id that an event is given where it says none."""
    sandbox = Sandbox(private_api_key="pk_x")
    deliveries = plan(vendor_of(wire=wire, fidelity=fidelity, **settings), [event])
    outcomes = [outcome for each in deliveries for outcome in deliver(each, sandbox.send)]
    held = sandbox.comparable()
    for row in held["events"]:
        if row["unique_id"] == event.stable_id:
            row["unique_id"] = None
    return held, outcomes


def track(traits: dict[str, Any], properties: dict[str, Any] | None = None, name: str = "Paid") -> Event:
    payload = {"type": "track", "event": name, "messageId": "m1", "properties": properties or {}}
    return parse_event({**payload, "context": {"traits": traits}})


def test_the_specials_are_those_of_klaviyo() -> None:
    assert {**SPECIAL_IDENTIFIERS, **SPECIAL_ATTRIBUTES, **SPECIAL_LOCATION} == SAID_AS
    assert {special for special, _, _ in SPECIALS} - {"$consent", "$unheard_of"} == SAID_AS.keys() - {
        "$email",
        "$phone_number",
    }


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("special", "part", "expected"), SPECIALS)
def test_a_trait_named_as_a_special_is_what_klaviyo_makes_of_it(
    special: str, part: str, expected: dict[str, Any], wire: Wire, fidelity: FidelityName
) -> None:
    held, (outcome,) = tell(track({"email": "u@b.org", special: "Ada"}), wire, fidelity)
    assert held["profiles"][0][part] == expected
    assert (outcome.kind, outcome.notes) == ("delivered", ())


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_such_a_trait_takes_the_place_of_the_one_that_is_looked_up(fidelity: FidelityName) -> None:
    traits = {"email": "u@b.org", "firstName": "Ada", "city": "Paris", "$email": "v@b.org", "$first_name": "Bo"}
    held, current = (tell(track({**traits, "$city": None}), wire, fidelity)[0]["profiles"][0] for wire in WIRES)
    assert held == current
    assert (held["identifiers"], held["attributes"]) == ({"email": "v@b.org"}, {"first_name": "Bo"})
    assert (held["location"], held["properties"]) == ({}, {})


@pytest.mark.parametrize("wire", WIRES)
def test_what_no_special_can_hold_is_left_out_and_noted(wire: Wire) -> None:
    traits = {"email": "u@b.org", "$first_name": ["Ada"], "$phone_number": "5550132", "$zip": 10017}
    held, (outcome,) = tell(track(traits), wire, "documented")
    assert held["profiles"][0]["identifiers"] == {"email": "u@b.org"}
    assert held["profiles"][0]["location"] == {"zip": "10017"}
    assert outcome.notes == (
        "$first_name left out: an array where Klaviyo takes text",
        "phone_number left out: not in E.164 form, such as +15005550006",
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
def test_the_property_value_is_the_event_s_value(
    properties: dict[str, Any], value: Any, notes: tuple[str, ...], wire: Wire
) -> None:
    held, (outcome,) = tell(track({"email": "u@b.org"}, {**properties, "x": 1}), wire, "documented")
    assert (held["events"][0]["value"], held["events"][0]["properties"]) == (value, {"x": 1})
    assert outcome.notes == notes


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("wire", WIRES)
def test_an_order_id_is_the_event_s_id(wire: Wire, fidelity: FidelityName) -> None:
    order = {"order_id": "o1", "value": 12.5}
    held, _ = tell(track({"email": "u@b.org"}, order, "Checkout Started"), wire, fidelity)
    (found,) = held["events"]
    assert (found["unique_id"], found["value"], found["properties"]) == ("o1", 12.5, {})


_VALUES = st.one_of(
    st.sampled_from(["Ada", "a@b.org", "+14155550100", "5", "", " ", "5 USD", "JP", " a@b.org ", "(415) 555-0132"]),
    st.sampled_from([None, 0, 7, 2.5, True, False, [], ["a"], {}, {"$city": "Paris"}, "\u00fc"]),
)
_NAMES = ["email", "phone", "firstName", "city", "state", "zip", "title", "id", "plan", "consent", "address", "a.b"]
_TRAITS = st.dictionaries(st.sampled_from([*SAID_AS, *SAID_AS, "$consent", "$other", *_NAMES]), _VALUES, max_size=6)
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
def test_klaviyo_holds_the_same_whichever_wire_tells_it(
    fidelity: FidelityName, payload: dict[str, Any], settings: dict[str, Any]
) -> None:
    event = parse_event(payload)
    native, (native_outcome,) = tell(event, "native", fidelity, **settings)
    current, (current_outcome,) = tell(event, "current", fidelity, **settings)
    if fidelity == "deployed":  # to the letter, which Klaviyo may refuse; the current wire says what it takes
        assume(native_outcome.kind == current_outcome.kind and not current_outcome.notes)
    assert native == current
    assert (native_outcome.kind, native_outcome.notes) == (current_outcome.kind, current_outcome.notes)
