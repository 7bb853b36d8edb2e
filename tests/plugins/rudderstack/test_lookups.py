"""Where the attributes of a profile are looked up: every place, and which of two wins."""

from itertools import pairwise
from typing import Any

import pytest

from tests.support.rudderstack import outcome, profile, rehearsal

CITY = ["traits.city", "traits.address.city", "context.traits.city", "context.traits.address.city", "properties.city"]
ROWS: dict[str, list[str]] = {
    "email": ["traits.email", "context.traits.email", "properties.email"],
    "phone_number": ["traits.phone", "context.traits.phone", "properties.phone"],
    "external_id": [
        "userId",
        "traits.userId",
        "traits.id",
        "context.traits.userId",
        "context.traits.id",
        "anonymousId",
    ],
    "first_name": [
        "traits.firstName",
        "traits.firstname",
        "traits.first_name",
        "context.traits.firstName",
        "context.traits.firstname",
        "context.traits.first_name",
    ],
    "last_name": [
        "traits.lastName",
        "traits.lastname",
        "traits.last_name",
        "context.traits.lastName",
        "context.traits.lastname",
        "context.traits.last_name",
    ],
    "title": ["traits.title", "context.traits.title", "properties.title"],
    "organization": ["traits.organization", "context.traits.organization", "properties.organization"],
    "image": ["traits.image", "context.traits.image", "properties.image"],
    "location.city": CITY,
    "location.country": [place.replace("city", "country") for place in CITY],
    "location.region": [
        *(place.replace("city", "region") for place in CITY),
        "traits.state",
        "traits.address.state",
        "context.traits.address.state",
        "context.traits.state",
        "properties.state",
    ],
    "location.zip": [
        f"{scope}.{name}"
        for scope in ("traits", "traits.address", "context.traits", "context.traits.address", "properties")
        for name in ("zip", "postalcode", "postalCode")
    ],
    "location.address1": [
        "traits.street",
        "traits.address.street",
        "context.traits.street",
        "context.traits.address.street",
        "properties.street",
    ],
    "location.timezone": ["traits.timezone", "context.traits.timezone", "properties.timezone"],
}
IMPORT_ROWS: dict[str, list[str]] = {
    "location.ip": ["context.ip", "request_ip"],
    "location.latitude": ["latitude", "context.address.latitude", "context.location.latitude"],
    "location.longitude": ["longitude", "context.address.longitude", "context.location.longitude"],
    "_kx": ["traits._kx", "context.traits._kx"],
}
PLACES = [(attribute, place) for attribute, places in ROWS.items() for place in places]
IMPORT_PLACES = [(attribute, place) for attribute, places in IMPORT_ROWS.items() for place in places]
PAIRS = [
    (attribute, better, worse)
    for attribute, places in (ROWS | IMPORT_ROWS).items()
    for better, worse in pairwise(places)
]


def value_of(attribute: str, number: int = 0) -> str:
    if attribute == "email":
        return f"a{number}@example.org"
    return f"+1415555000{number}" if attribute == "phone_number" else f"value {number}"


def put(payload: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    holder = payload
    *path, name = place.split(".")
    for step in path:
        holder = holder.setdefault(step, {})
    holder[name] = value
    return payload


def get(found: dict[str, Any], attribute: str) -> Any:
    for step in attribute.split("."):
        found = found.get(step, {})
    return found


def event(kind: str) -> dict[str, Any]:
    payload: dict[str, Any] = {"type": kind, "messageId": "m1", "anonymousId": "anon"}
    return payload | ({"event": "Signed Up"} if kind == "track" else {})


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("kind", ["identify", "track"])
@pytest.mark.parametrize(("attribute", "place"), PLACES)
def test_every_place(attribute: str, place: str, kind: str, version: str) -> None:
    value = value_of(attribute)
    assert get(profile(put(event(kind), place, value), api_version=version), attribute) == value


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize("kind", ["identify", "track"])
@pytest.mark.parametrize(("attribute", "place"), IMPORT_PLACES)
def test_every_place_of_v2_and_v3(attribute: str, place: str, kind: str, version: str) -> None:
    assert get(profile(put(event(kind), place, "value"), api_version=version), attribute) == "value"


@pytest.mark.parametrize(("attribute", "better", "worse"), PAIRS)
@pytest.mark.parametrize("kind", ["identify", "track"])
def test_the_first_place_wins_whatever_the_order(attribute: str, better: str, worse: str, kind: str) -> None:
    first, second = value_of(attribute, 1), value_of(attribute, 2)
    for payload in (
        put(put(event(kind), better, first), worse, second),
        put(put(event(kind), worse, second), better, first),
    ):
        assert get(profile(payload, api_version="v2"), attribute) == first


@pytest.mark.parametrize(("attribute", "better", "worse"), PAIRS)
@pytest.mark.parametrize("empty", [None, ""])
def test_empty_place_is_passed_over(attribute: str, better: str, worse: str, empty: Any) -> None:
    value = value_of(attribute)
    payload = put(put(event("identify"), better, empty), worse, value)
    assert get(profile(payload, api_version="v3"), attribute) == value


@pytest.mark.parametrize(("given", "written"), [(0, "0"), (False, "false"), (12345, "12345"), (1.0, "1")])
def test_zero_and_false_are_kept_as_text(given: Any, written: str) -> None:
    assert profile(put(event("identify"), "traits.zip", given), api_version="v2")["location"] == {"zip": written}
    native = profile(put(event("identify"), "traits.zip", given), fidelity="deployed", wire="native", api_version="v2")
    assert native["location"] == {"zip": given}


def test_objects_and_arrays_are_left_out_with_a_note() -> None:
    result = rehearsal({"type": "identify", "userId": "u", "traits": {"title": ["Owner"], "city": {}}})
    assert result.requests[0].json["data"]["attributes"] == {"external_id": "u"}
    assert result.outcomes[0].notes == (
        "title left out: an array where Klaviyo takes text",
        "city left out: an object where Klaviyo takes text",
    )


def test_coordinates_stay_numbers() -> None:
    payload = {"type": "identify", "userId": "u", "context": {"location": {"latitude": 35.6, "longitude": "139.7"}}}
    assert profile(payload, api_version="v2")["location"] == {"latitude": 35.6, "longitude": "139.7"}


def test_unmapped_parts_of_an_address_are_noted() -> None:
    payload = {"type": "identify", "userId": "u", "traits": {"address": {"city": "Tokyo", "postal_code": 1}}}
    (result,) = rehearsal(payload, api_version="v2").outcomes
    assert result.notes == ("traits.address.postal_code left out: RudderStack does not map this part",)
    assert profile(payload)["properties"] == {"address": {"city": "Tokyo", "postal_code": 1}}


OWN_V1 = (
    "email firstName firstname first_name lastName lastname last_name phone title organization city region country zip"
    " image timezone id anonymousId userId properties"
)
OWN_IMPORT = OWN_V1.replace(" id ", " ") + " location _kx street address"


@pytest.mark.parametrize(("version", "own"), [("v1", OWN_V1), ("v2", OWN_IMPORT), ("v3", OWN_IMPORT)])
def test_attribute_traits_are_not_custom_properties(version: str, own: str) -> None:
    traits = dict.fromkeys([*own.split(), "state", "name", "company", "consent", "plan"], "x")
    payload: dict[str, Any] = {
        "type": "identify",
        "userId": "u",
        "traits": {**traits, "email": "a@b.co", "phone": "+14155550000"},
    }
    custom = dict.fromkeys(["state", "name", "company", "consent", "plan"], "x")
    if version == "v1":
        assert profile(payload)["properties"] == custom
    else:
        found = profile(put(payload, "traits.id", "x"), api_version=version)
        assert found["properties"] == {**custom, "id": "x"}


def test_v1_keeps_street_address_and_kx_as_custom_properties_too() -> None:
    payload = {"type": "identify", "userId": "u", "traits": {"street": "Main St", "address": {"city": "X"}, "_kx": "k"}}
    assert profile(payload)["properties"] == payload["traits"]


def test_traits_of_the_context_win_among_custom_properties() -> None:
    payload = {"type": "identify", "userId": "u", "traits": {"a": 1, "b": 1}, "context": {"traits": {"b": 2, "c": 3}}}
    assert profile(payload)["properties"] == {"a": 1, "b": 2, "c": 3}


def test_dots_in_names_are_kept_as_documented_and_nest_as_deployed() -> None:
    payload = {"type": "identify", "userId": "u", "traits": {"a": 1, "a.b": 2, "c": {"d": 1}, "c.e": 2}}
    assert profile(payload)["properties"] == payload["traits"]
    assert profile(payload, fidelity="deployed")["properties"] == {"a": {"b": 2}, "c": {"d": 1, "e": 2}}
    assert payload["traits"] == {"a": 1, "a.b": 2, "c": {"d": 1}, "c.e": 2}


def test_names_with_a_slash_do_not_nest_and_a_trailing_dot_is_ignored() -> None:
    payload = {
        "type": "identify",
        "userId": "u",
        "traits": {"https://a.org/plan": "x", "a.b/c.d": 1, "e.": 2, "f.g.": 3},
    }
    found = profile(payload, fidelity="deployed")["properties"]
    assert found == {"https://a.org/plan": "x", "a.b/c.d": 1, "e": 2, "f": {"g": 3}}


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("value", ["text", ["a"], 7])
def test_traits_and_properties_of_a_wrong_kind_are_noted(version: str, value: object) -> None:
    kind = {str: "a string", list: "an array", int: "a number"}[type(value)]
    left_out = f"left out: {kind} where an object is expected"
    identify = {"type": "identify", "userId": "u", "traits": value, "context": {"traits": value}}
    notes = outcome(identify, api_version=version).notes
    assert {f"traits {left_out}", f"context.traits {left_out}"} <= set(notes)
    track = {"type": "track", "event": "E", "userId": "u", "properties": value}
    assert f"properties {left_out}" in outcome(track, api_version=version).notes


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_empty_traits_and_properties_need_no_note(value: object) -> None:
    payload = {"type": "track", "event": "E", "userId": "u", "properties": value, "traits": value}
    assert outcome(payload).notes == ()
