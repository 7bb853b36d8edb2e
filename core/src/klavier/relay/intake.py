"""From what a program hands over to what the outbox keeps."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from klavier.errors import EventError
from klavier.events.model import Alias, Event, Group, Identify, Page, Screen, Track
from klavier.events.reader import parse_event
from klavier.plugins import Plugins
from klavier.vendor import Vendor

Call = Mapping[str, Any]
"""The arguments of `relay.track(...)` and the like: wire names to values; None means not given."""


def accept(event: Event | Mapping[str, Any], vendor: Vendor, plugins: Plugins | None = None) -> tuple[str, str, bytes]:
    """Give what the outbox keeps of an event: message id, ordering key, JSON payload.

    An event without a message id gets a random one here, as the vendors' own libraries do, and so does one without a
    timestamp get the present time: two equal calls are two events.  Raises `EventError` for what is no event, in a
    format of klavier's or of one of `plugins` (the installed ones by default).
    """
    known = (
        event
        if isinstance(event, (Identify, Track, Page, Screen, Group, Alias))
        else parse_event(event, plugins=plugins)
    )
    if known.message_id in (None, "") and "type" in known.payload:
        known = parse_event({**known.payload, "messageId": str(uuid.uuid4())})
    if known.timestamp in (None, "") and "type" in known.payload:
        known = parse_event({**known.payload, "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds")})
    return known.stable_id, vendor.key(known), orjson.dumps(known.payload)


def call_payload(kind: str, members: Call) -> dict[str, Any]:
    """Make the payload of a call in the wire format of Segment and RudderStack; raises `EventError` without any id."""
    payload = {"type": kind, **{name: value for name, value in members.items() if value is not None}}
    if "userId" not in payload and "anonymousId" not in payload and not _has_person(payload):
        raise EventError("whose event is it? give user_id, anonymous_id, or traits with an email or a phone", kind)
    return payload


def _has_person(payload: Mapping[str, Any]) -> bool:
    context = payload.get("context")
    traits = context.get("traits") if isinstance(context, Mapping) else None
    places = (payload.get("traits"), traits, payload.get("properties"))
    return any(isinstance(place, Mapping) and (place.get("email") or place.get("phone")) for place in places)
