"""The current wire results in the same profiles, events and lists as the native calls, in valid bodies."""

import base64
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from klavier import Event, Outcome, Vendor, load_vendor, parse_event, rehearse
from klavier.flows.drivers import deliver, plan
from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from klavier.testing.strategies import Payload, payloads, stream_payloads
from klavier.testing.strategies.shop import products
from tests.support.schemas import assert_valid
from tests.support.segment_classic import KEYS, WHEN

SETTINGS = st.fixed_dictionaries(
    {
        "fidelity": st.sampled_from(("documented", "deployed")),
        "list_id": st.sampled_from(("", "XUepkK")),
        "confirm_optin": st.sampled_from((None, True, False)),
        "enforce_email": st.booleans(),
        "send_anonymous": st.booleans(),
        "use_segment_spec": st.booleans(),
    }
)
ORDERS = st.builds(
    lambda track, items: {
        **track,
        "event": "Order Completed",
        "properties": {**_dict(track.get("properties")), "products": items},
    },
    payloads("track"),
    st.lists(products(), max_size=3),
)
PAYLOADS = st.one_of(payloads("identify"), payloads("track"), ORDERS)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def parse_dated(found: Sequence[Payload]) -> list[Event]:
    """Read payloads, a minute apart: legacy events without an id of their own are one where their second is one."""
    return [
        parse_event({**payload, "timestamp": f"2024-03-01T10:{number:02}:00Z", "messageId": f"m-{number}"})
        for number, payload in enumerate(found)
    ]


def send_events(vendor: Vendor, events: Sequence[Event], opt_in: Any) -> tuple[Sandbox, list[Outcome]]:
    sandbox = Sandbox(public_api_key="PUBKEY", private_api_key=None, unknown_lists="create", opt_in=opt_in)
    return sandbox, [outcome for each in plan(vendor, events) for outcome in deliver(each, sandbox.send)]


def comparable(sandbox: Sandbox, events: Sequence[Event]) -> dict[str, Any]:
    """Return a sandbox's state without the message ids that the current wire adds as unique ids."""
    added = {event.stable_id for event in events}
    found = sandbox.comparable()
    rows = [{**row, "unique_id": None if row["unique_id"] in added else row["unique_id"]} for row in found["events"]]
    return {**found, "events": sorted(rows, key=str)}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(SETTINGS, st.lists(PAYLOADS, min_size=1, max_size=2))
def test_bodies_are_valid(chosen: dict[str, Any], found: list[Payload]) -> None:
    vendor = load_vendor("segment-classic", {**KEYS, **chosen})
    for request in rehearse(vendor, [parse_event(payload) for payload in found]).requests:
        operation = find_operation(request.method, request.path)
        assert operation is not None
        assert request.revision == CURRENT
        assert_valid(operation.name, CURRENT, request.json)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(SETTINGS, PAYLOADS, st.sampled_from(("single_opt_in", "double_opt_in")))
def test_one_event_has_the_same_result_on_both_wires(chosen: dict[str, Any], payload: Payload, opt_in: str) -> None:
    check_both_wires(chosen, parse_dated([payload]), opt_in)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(SETTINGS, stream_payloads(), st.sampled_from(("single_opt_in", "double_opt_in")))
def test_a_stream_has_the_same_result_on_both_wires(chosen: dict[str, Any], found: list[Payload], opt_in: str) -> None:
    check_both_wires(chosen, parse_dated(found[:50]), opt_in)


def check_both_wires(chosen: dict[str, Any], events: list[Event], opt_in: str) -> None:
    """Compare two accounts after the same events; a case with notes is skipped."""
    vendors = [load_vendor("segment-classic", {**KEYS, **chosen, "wire": wire}) for wire in ("native", "current")]
    (native, outcomes), (current, later) = (send_events(vendor, events, opt_in) for vendor in vendors)
    assume(not any(outcome.notes or outcome.reason.startswith("not sent") for outcome in later))
    assume(keeps_identifiers(native))
    assert _changes(outcomes, later) <= {("delivered", "rejected"), ("failed", "rejected")}
    assert comparable(native, events) == comparable(current, events)


def keeps_identifiers(sandbox: Sandbox) -> bool:
    """Return whether no profile's identifiers change: only on the current wire an identify replaces them."""
    known: dict[tuple[str, str], dict[str, set[str]]] = {}
    for call in sandbox.calls:
        form = dict(parse_qsl(call.body.decode()))
        data = json.loads(base64.b64decode(call.params["data"]) if call.params else form["properties"])
        people = data.get("customer_properties", data.get("properties", data)) if call.params else data
        named = {kind: str(people[kind]) for kind in ("$id", "$email", "$phone_number") if people.get(kind)}
        for kind, value in named.items():
            met = known.setdefault((kind, value), {})
            for other, its in named.items():
                met.setdefault(other, set()).add(its)
    return all(len(values) == 1 for met in known.values() for values in met.values())


def _changes(native: list[Outcome], current: list[Outcome]) -> set[tuple[str, str]]:
    """Return the kinds that differ: a legacy call without identity is answered 1, today it is rejected."""
    return {(one.kind, other.kind) for one, other in zip(native, current, strict=True) if one.kind != other.kind}


# What the current wire cannot express ------------------------------------------------------------------------------

TRACK = {"type": "track", "userId": "u", "event": "E"}
IDENTIFY = {"type": "identify", "userId": "u"}


@pytest.mark.parametrize(
    ("payload", "note"),
    [
        ({**TRACK, "timestamp": "1971-01-01T00:00:00Z"}, "timestamp left out: a time before 1990"),
        (
            {**TRACK, "event": "Order Completed", "properties": {"products": [{"id": 1, "price": "free"}]}},
            "$value left",
        ),
        ({**TRACK, "properties": {"email": "nobody"}}, "$email left out"),
        ({**TRACK, "properties": {"eventId": {"a": 1}}}, "$event_id left out"),
        ({**IDENTIFY, "traits": {"phone": "12345"}}, "$phone_number left out"),
        ({**IDENTIFY, "traits": {"organization": ["Acme"]}}, "$organization left out"),
        ({**IDENTIFY, "traits": {"city": {"name": "Tokyo"}}}, "$city left out"),
    ],
)
def test_a_deviation_is_a_note(payload: dict[str, Any], note: str) -> None:
    vendor = load_vendor("segment-classic", KEYS)
    (outcome,) = rehearse(vendor, [parse_event({**WHEN, **payload})]).outcomes
    assert outcome.kind == "delivered"
    assert [found for found in outcome.notes if found.startswith(note)] == list(outcome.notes) != []


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({**TRACK, "event": None}, "no name"),
        ({"type": "track", "event": "E", "properties": {"email": "nobody"}}, "no identity"),
        ({**IDENTIFY, "traits": {"email": "nobody"}, "integrations": {"Klaviyo": {"listId": "L"}}}, "e-mail address"),
    ],
)
def test_an_inexpressible_event_is_rejected(payload: dict[str, Any], reason: str) -> None:
    vendor = load_vendor("segment-classic", KEYS)
    found = rehearse(vendor, [parse_event({**WHEN, **payload})])
    assert found.requests == []
    assert [outcome.kind for outcome in found.outcomes] == ["rejected"]
    assert reason in found.outcomes[0].reason


def test_a_new_address_replaces_the_old_one_today() -> None:
    """Klaviyo's upsert changes the address of a known id, the legacy calls did not."""
    events = parse_dated([{**IDENTIFY, "traits": {"email": address}} for address in ("old@b.co", "new@b.co")])
    found = {}
    for wire in ("native", "current"):
        sandbox, _ = send_events(load_vendor("segment-classic", {**KEYS, "wire": wire}), events, "single_opt_in")
        found[wire] = [profile["identifiers"]["email"] for profile in sandbox.state()["profiles"]]
    assert found == {"native": ["old@b.co"], "current": ["new@b.co"]}


def test_an_order_delivered_twice_counts_once() -> None:
    products_of_order = [{"sku": "a", "price": 1}, {"sku": "b", "price": 2}]
    event = parse_event(
        {**WHEN, **TRACK, "event": "Order Completed", "properties": {"orderId": "o", "products": products_of_order}}
    )
    vendor = load_vendor("segment-classic", KEYS)
    once, _ = send_events(vendor, [event], "single_opt_in")
    twice, _ = send_events(vendor, [event, event], "single_opt_in")
    assert once.comparable() == twice.comparable()
    assert len(once.state()["events"]) == 3


def test_the_reason_of_a_retired_endpoint_has_the_remedy() -> None:
    sandbox = Sandbox(public_api_key="PUBKEY", legacy="gone")
    vendor = load_vendor("segment-classic", {**KEYS, "wire": "native"})
    (delivery,) = vendor.deliveries([parse_event({**WHEN, **TRACK})])
    (outcome,) = deliver(delivery, sandbox.send)
    assert (outcome.kind, outcome.status, outcome.retryable) == ("failed", 410, False)
    assert "wire to 'current'" in outcome.reason
