"""The vendor as a whole: its settings, and its guarantees for every event."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings

from klavier import ConfigError, load_vendor, parse_event, rehearse
from klavier.flows.drivers import plan
from klavier.settings import describe
from klavier.testing.strategies import payloads
from klavier_rudderstack.settings import Settings

SECRET = "pk_0123456789abcdef"  # noqa: S105 -- made up, to look for it
MODES: list[dict[str, Any]] = [
    {},
    {"api_version": "v3", "list_id": "L0", "consent": ["email", "sms"]},
    {"wire": "native", "fidelity": "deployed"},
    {"connection_mode": "device", "public_api_key": "AbC123", "send_page_as_track": True},
]


def test_defaults() -> None:
    vendor = load_vendor("rudderstack", {"private_api_key": "pk_x"})
    assert (vendor.name, vendor.batch_size) == ("rudderstack", 100)
    chosen = vendor.settings
    assert (chosen.api_version, chosen.connection_mode, chosen.fidelity, chosen.wire) == (
        "v1",
        "cloud",
        "documented",
        "current",
    )


def test_setting_names() -> None:
    assert [setting.name for setting in describe(Settings)] == [
        "public_api_key",
        "private_api_key",
        "list_id",
        "consent",
        "sms_consent",
        "send_page_as_track",
        "additional_page_info",
        "enforce_email_as_primary",
        "flatten_properties",
        "api_version",
        "connection_mode",
        "bulk_upload",
        "fidelity",
        "wire",
    ]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"api_version": "v4"}, "api_version: Unsupported Klaviyo apiVersion: v4; use one of v1, v2, v3"),
        ({"api_version": SECRET}, "api_version: Unsupported Klaviyo apiVersion: (text); use one of v1, v2, v3"),
        ({"consent": "fax"}, "consent: must be one or more of email, web, sms, directmail, mobile"),
        ({"consent": ["email", "fax"]}, "consent: must be one or more of email, web, sms, directmail, mobile"),
        ({"listid": "L1"}, "listid: unknown setting; did you mean 'list_id'?"),
        ({"sms_consent": "yes"}, "sms_consent: must be true or false, not a string"),
        ({"wire": "curent"}, "wire: must be one of 'current', 'native'; did you mean 'current'?"),
    ],
)
def test_wrong_settings(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_vendor("rudderstack", wrong)
    assert caught.value.problems == (problem,)


@pytest.mark.parametrize("mode", MODES)
def test_private_key_is_in_no_repr_and_no_request(mode: dict[str, Any]) -> None:
    vendor = load_vendor("rudderstack", {"private_api_key": SECRET, **mode})
    events = [
        parse_event({"type": kind, "userId": "u", "event": "x", "groupId": "g", "traits": {"email": "a@b.co"}})
        for kind in ("identify", "track", "group", "page", "screen")
    ]
    result = rehearse(vendor, events)
    shown = [repr(vendor.settings), repr(vendor), *map(repr, plan(vendor, events)), *map(repr, result.requests)]
    shown += [f"{request.path} {request.params} {request.json}" for request in result.requests]
    shown += [repr(delivery.flow) for delivery in plan(vendor, events)]
    assert not [text for text in shown if SECRET in text]
    assert not [repr(delivery.flow) for delivery in plan(vendor, events) if "a@b.co" in repr(delivery.flow)]


@pytest.mark.parametrize("mode", MODES)
def test_translation_is_pure_deterministic_and_total(mode: dict[str, Any]) -> None:
    vendor = load_vendor("rudderstack", {"private_api_key": "pk_x", **mode})

    @settings(max_examples=40, deadline=None)
    @given(payloads())
    def holds(payload: dict[str, Any]) -> None:
        event = parse_event(payload)
        before = copy.deepcopy(event.payload)
        first, second = rehearse(vendor, [event]), rehearse(vendor, [event])
        assert first == second
        assert event.payload == before
        assert [outcome.kind for outcome in first.outcomes] != ["failed"]

    holds()


def test_delivery_flow_can_be_started_again() -> None:
    vendor = load_vendor("rudderstack", {"private_api_key": "pk_x"})
    payload = {
        "type": "identify",
        "userId": "u",
        "traits": {"email": "a@b.co", "properties": {"subscribe": True, "listId": "L"}},
    }
    (delivery,) = plan(vendor, [parse_event(payload)])
    assert next(delivery.flow()).json == next(delivery.flow()).json


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("integrations", "on"),
    [
        ({"All": False}, False),
        ({"All": False, "Klaviyo": True}, True),
        ({"All": False, "KLAVIYO": {"fieldsToUnset": []}}, True),
        ({"All": True, "klaviyo": False}, False),
        ({"Klaviyo": False}, False),
        ({"All": True, "Other": False}, True),
        ({}, True),
        (None, True),
        ("odd", True),
    ],
)
def test_integrations_enable_and_disable_klaviyo(mode: dict[str, Any], integrations: Any, *, on: bool) -> None:
    vendor = load_vendor("rudderstack", {"private_api_key": "pk_x", **mode})
    payload = {"type": "track", "userId": "u", "event": "Signed Up", "integrations": integrations}
    result = rehearse(vendor, [parse_event(payload)])
    assert result.outcomes[0].kind == ("delivered" if on else "skipped")
    assert bool(result.requests) is on
