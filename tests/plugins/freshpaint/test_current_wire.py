"""The current wire results in the same profiles and events as the native calls, in valid bodies."""

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from klavier import Event, Outcome, Vendor, load_vendor, parse_event, rehearse
from klavier.flows.drivers import deliver, plan
from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from klavier.testing.strategies import Payload, payloads
from tests.support.freshpaint import KEYS
from tests.support.schemas import assert_valid

SETTINGS = st.fixed_dictionaries(
    {
        "use_email_as_identifier": st.booleans(),
        "enabled_events": st.sampled_from((["all"], ["all", "$page", "$screen"])),
        "hipaa_mode": st.booleans(),
        "mask_secret": st.just("s"),
        "allowed_properties": st.just(["email", "phone", "firstName", "plan", "revenue"]),
    }
)


def send_events(vendor: Vendor, events: list[Event]) -> tuple[Sandbox, list[Outcome]]:
    sandbox = Sandbox(public_api_key="AbC123", private_api_key=None)
    return sandbox, [outcome for each in plan(vendor, events) for outcome in deliver(each, sandbox.send)]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(SETTINGS, st.lists(payloads(), min_size=1, max_size=2))
def test_bodies_are_valid(chosen: dict[str, Any], found: list[Payload]) -> None:
    vendor = load_vendor("freshpaint", {**KEYS, **chosen})
    for request in rehearse(vendor, [parse_event(payload) for payload in found]).requests:
        operation = find_operation(request.method, request.path)
        assert operation is not None
        assert request.revision == CURRENT
        assert_valid(operation.name, CURRENT, request.json)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(SETTINGS, payloads())
def test_an_event_has_the_same_result_on_both_wires(chosen: dict[str, Any], payload: Payload) -> None:
    if "type" in payload:
        payload = {**payload, "timestamp": "2024-03-01T10:00:00Z", "messageId": "m-1"}
    event = parse_event(payload)
    vendors = [load_vendor("freshpaint", {**KEYS, **chosen, "wire": wire}) for wire in ("native", "current")]
    (native, _), (current, outcomes) = (send_events(vendor, [event]) for vendor in vendors)
    assume(not any(outcome.notes or outcome.kind == "rejected" for outcome in outcomes))
    assert comparable(native, event) == comparable(current, event)


def comparable(sandbox: Sandbox, event: Event) -> dict[str, Any]:
    """Return a sandbox's state without the id that the current wire adds and the fractions that the native one cuts."""
    found = sandbox.comparable()
    rows = [
        {**row, "unique_id": None if row["unique_id"] == event.stable_id else row["unique_id"]}
        for row in found["events"]
    ]
    return {**found, "events": [{name: value for name, value in row.items() if name != "time"} for row in rows]}
