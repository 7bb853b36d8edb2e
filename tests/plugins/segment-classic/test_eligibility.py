"""Which messages are sent at all, and which settings conflict."""

from typing import Any

import pytest

from klavier import ConfigError, load_vendor, parse_event, rehearse
from tests.support.segment_classic import KEYS, outcome

EVENT: dict[str, Any] = {"type": "track", "event": "E", "userId": "u"}


@pytest.mark.parametrize(
    ("integrations", "kind"),
    [
        ({}, "delivered"),
        (None, "delivered"),
        ("odd", "delivered"),
        ({"All": True}, "delivered"),
        ({"All": False}, "skipped"),
        ({"all": False}, "skipped"),
        ({"Klaviyo": False}, "skipped"),
        ({"klaviyo": False, "All": True}, "skipped"),
        ({"All": False, "Klaviyo": True}, "delivered"),
        ({"All": False, "KLAVIYO": {"listId": "x"}}, "delivered"),
        ({"All": False, "Klaviyo": None}, "delivered"),
        ({"Mixpanel": False}, "delivered"),
    ],
)
@pytest.mark.parametrize("mode", ["cloud", "device"])
def test_integration_flags(integrations: object, kind: str, mode: str) -> None:
    assert outcome({**EVENT, "integrations": integrations}, connection_mode=mode).kind == kind


@pytest.mark.parametrize(
    ("channel", "documented", "deployed"),
    [
        (None, "delivered", "delivered"),
        ("server", "delivered", "delivered"),
        ("mobile", "delivered", "skipped"),
        ("client", "skipped", "skipped"),
        (["server"], "skipped", "skipped"),
    ],
)
def test_channels(channel: object, documented: str, deployed: str) -> None:
    event = {**EVENT, "channel": channel}
    assert outcome(event).kind == documented
    assert outcome(event, fidelity="deployed").kind == deployed


def test_an_unbundled_browser_sends_through_the_server() -> None:
    event = {**EVENT, "channel": "client"}
    assert outcome({**event, "_metadata": {"unbundled": ["Klaviyo"]}}).kind == "delivered"
    assert outcome({**event, "_metadata": {"unbundled": ["Mixpanel"]}}).kind == "skipped"
    assert outcome({**event, "_metadata": {"unbundled": "Klaviyo"}}).kind == "skipped"


@pytest.mark.parametrize("mode", ["cloud", "device"])
def test_the_public_key_is_required(mode: str) -> None:
    found = outcome(EVENT, api_key="", connection_mode=mode)
    assert found.kind == "rejected"
    assert found.reason.startswith('setting "apiKey" is required')


def test_the_order_of_the_checks() -> None:
    message = {**EVENT, "userId": None, "integrations": {"All": False}}
    assert outcome(message, api_key="", fidelity="deployed").kind == "skipped"
    assert "apiKey" in outcome({**EVENT, "userId": None}, api_key="", fidelity="deployed").reason


@pytest.mark.parametrize("kind", ["page", "screen", "group", "alias"])
def test_other_calls_are_skipped(kind: str) -> None:
    event = {"type": kind, "anonymousId": "a"}
    found = outcome(event)
    assert (found.kind, found.reason) == ("skipped", f"the destination does nothing for {kind}")
    assert outcome(event, fidelity="deployed").kind == "rejected"
    assert outcome({**event, "userId": "u"}, fidelity="deployed").kind == "skipped"


@pytest.mark.parametrize("user_id", ["", 0, None, False])
def test_a_falsy_user_id_is_rejected_as_deployed(user_id: object) -> None:
    assert outcome({**EVENT, "userId": user_id}, fidelity="deployed").kind == "rejected"


def test_the_current_wire_needs_a_private_key() -> None:
    with pytest.raises(ConfigError, match=r"private_key: required on wire 'current'.*native"):
        load_vendor("segment-classic", {"api_key": "PUBKEY"})
    load_vendor("segment-classic", {"api_key": "PUBKEY", "wire": "native"})
    load_vendor("segment-classic", {"api_key": "PUBKEY", "connection_mode": "device"})


def test_the_private_key_is_in_no_repr_and_no_request() -> None:
    vendor = load_vendor("segment-classic", {**KEYS, "list_id": "L"})
    event = parse_event({"type": "identify", "userId": "u", "traits": {"email": "a@b.co"}})
    found = rehearse(vendor, [event])
    shown = [repr(vendor.settings), *map(repr, found.requests), *(str(request.json) for request in found.requests)]
    assert not [text for text in shown if KEYS["private_key"] in text]


def test_only_deployed_native_requests_are_exact() -> None:
    for fidelity in ("documented", "deployed"):
        for wire in ("native", "current"):
            vendor = load_vendor("segment-classic", {**KEYS, "fidelity": fidelity, "wire": wire})
            (delivery,) = vendor.deliveries([parse_event(EVENT)])
            assert delivery.exact is ((fidelity, wire) == ("deployed", "native"))
