"""Whatever a mapping reads of a delivered event is in a request, or in a note."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import load_vendor, parse_event, rehearse
from klavier.testing.decoding import leaves

MAPPINGS: dict[str, dict[str, Any]] = {
    "upsertProfile": {
        "external_id": {"@path": "$.userId"},
        "location": {"@path": "$.traits.address"},
        "properties": {"@path": "$.traits.custom"},
    },
    "addProfileToList": {
        "external_id": {"@path": "$.userId"},
        "list_id": "L1",
        "location": {"@path": "$.traits.address"},
        "properties": {"@path": "$.traits.custom"},
    },
    "trackEvent": {
        "profile": {"@path": "$.traits"},
        "metric_name": "Paid",
        "properties": {"@path": "$.traits.custom"},
        "value": {"@path": "$.traits.amount"},
        "time": {"@path": "$.traits.at"},
    },
    "orderCompleted": {
        "profile": {"@path": "$.traits"},
        "properties": {"@path": "$.traits.custom"},
        "products": {"@path": "$.traits.custom.products"},
        "time": {"@path": "$.traits.at"},
    },
}
ADDRESS = ["city", "zip", "address1", "latitude", "floor", "timezone", "street"]
CUSTOM = ["plan", "city", "email", "location", "meta", "properties"]


@st.composite
def traits(draw: Any) -> dict[str, Any]:
    """Traits with members of all kinds; each text occurs nowhere else."""
    names = draw(st.lists(st.sampled_from([*CUSTOM, "id", "title", "organization"]), unique=True))
    found: dict[str, Any] = {name: f"qz{name}" for name in names if name not in ("location", "properties", "email")}
    members = draw(st.lists(st.sampled_from(ADDRESS), unique=True))
    found["address"] = {name: f"qzaddress{name}" for name in members}
    found["location"] = {name: f"qzlocation{name}" for name in members}
    custom = draw(st.lists(st.sampled_from(CUSTOM), unique=True))
    found["custom"] = {name: f"qzcustom{name}" for name in custom} | {"products": [{"sku": "qzsku"}, None]}
    found["properties"] = {name: f"qzproperties{name}" for name in custom}
    others: list[dict[str, Any]] = [{}, {"at": 0, "email": "ann@shop.test"}, {"amount": 12.75}]
    found.update(draw(st.sampled_from(others)))
    return found


def is_read(action: str, place: str) -> bool:
    """Return whether an action's mapping reads a place: events read all traits as their profile."""
    return action in ("trackEvent", "orderCompleted") or place.startswith(("traits.address", "traits.custom"))


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("batching", [False, True])
@pytest.mark.parametrize("action", MAPPINGS)
@settings(max_examples=40, deadline=None)
@given(traits=traits())
def test_what_is_left_out_is_noted(*, action: str, batching: bool, fidelity: str, traits: dict[str, Any]) -> None:
    fields = {**MAPPINGS[action], "enable_batching": batching}
    mapping = {"action": action, "trigger": "", "fields": fields}
    vendor = load_vendor("segment-actions", {"api_key": "pk_x", "fidelity": fidelity, "mappings": [mapping]})
    event = parse_event(
        {"type": "identify", "messageId": "m1", "userId": "u1", "traits": {"external_id": "u1", **traits}}
    )
    found = rehearse(vendor, [event])
    (outcome,) = found.outcomes
    assert outcome.kind == "delivered", outcome
    sent = {json.dumps(leaf) for request in found.requests for _, leaf in leaves(request.json)}
    for place, leaf in leaves(traits, "traits"):
        noted = any(f"{place.rsplit('.', 1)[-1]} left out" in note for note in outcome.notes)
        at = place == "traits.at" and any(note.startswith("time left out") for note in outcome.notes)
        if is_read(action, place) and leaf is not None:
            assert json.dumps(leaf) in sent or noted or at, f"{place} = {leaf!r}; notes: {outcome.notes}"


def test_a_member_that_a_mapping_sets_in_vain_is_noted() -> None:
    fields = {"external_id": {"@path": "$.userId"}, "location": {"timezone": {"@path": "$.traits.zone"}}}
    mapping = {"action": "upsertProfile", "trigger": "", "fields": fields}
    vendor = load_vendor("segment-actions", {"api_key": "pk_x", "mappings": [mapping]})
    zoned = {"type": "identify", "userId": "u1", "traits": {"zone": "Europe/Oslo"}}
    plain = {"type": "identify", "userId": "u1", "traits": {}}
    found = rehearse(vendor, [parse_event(zoned), parse_event(plain)])
    notes = [outcome.notes for outcome in found.outcomes]
    assert notes == [("location.timezone left out: location has no such member",), ()]


def test_thousands_of_lost_members_get_a_few_notes() -> None:
    fields = {"external_id": {"@path": "$.userId"}, "location": {"@path": "$.traits"}}
    mapping = {"action": "upsertProfile", "trigger": "", "fields": fields}
    vendor = load_vendor("segment-actions", {"api_key": "pk_x", "mappings": [mapping]})
    traits = {f"floor {number}": number for number in range(5000)}
    event = parse_event({"type": "identify", "userId": "u1", "traits": traits})
    (outcome,) = rehearse(vendor, [event]).outcomes
    assert len(outcome.notes) == 21
    assert outcome.notes[-1] == "4980 further members of location left out for the same reason"
