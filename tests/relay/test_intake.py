"""What a relay stores of an event."""

import json
from datetime import UTC, datetime, timedelta

import klavier
from klavier.relay.intake import accept
from tests.support.little_vendor import LittleSettings, LittleVendor

VENDOR = LittleVendor(LittleSettings())
WHOLE = {"type": "track", "event": "E", "userId": "u1", "messageId": "m1", "timestamp": "2026-01-01T00:00:00Z"}


def test_an_event_is_stored_as_its_payload() -> None:
    event = klavier.parse_event(WHOLE)
    assert accept(event, VENDOR) == accept(WHOLE, VENDOR)
    message_id, _, text = accept(event, VENDOR)
    assert (message_id, json.loads(text)) == ("m1", WHOLE)


def test_what_an_event_lacks_is_filled_in_once() -> None:
    for given in ({"type": "track", "event": "E", "userId": "u1"}, {**WHOLE, "messageId": "", "timestamp": None}):
        message_id, _, text = accept(given, VENDOR)
        stored = json.loads(text)
        assert stored["messageId"] == message_id != ""
        assert abs(datetime.now(UTC) - datetime.fromisoformat(stored["timestamp"])) < timedelta(minutes=10)


def test_an_event_object_that_lacks_ids_gets_them() -> None:
    message_id, _, text = accept(klavier.parse_event({"type": "track", "event": "E", "userId": "u1"}), VENDOR)
    assert json.loads(text)["messageId"] == message_id
