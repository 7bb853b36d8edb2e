"""Turn what a program passes to a relay into what the outbox stores."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from klavier.errors import EventError
from klavier.events.bounds import check_bounds
from klavier.events.model import Alias, Event, Group, Identify, Page, Screen, Track
from klavier.events.reader import read_payload
from klavier.outbox.entry import NewEntry
from klavier.plugins import Plugins
from klavier.strictjson import copy_with_text, kind_of
from klavier.vendor import Vendor

_OBJECTS = ("traits", "properties", "context", "integrations")
"""The members of a call that are objects."""

_EVENTS = (Identify, Track, Page, Screen, Group, Alias)


def accept(event: Event | Mapping[str, Any], vendor: Vendor, plugins: Plugins | None = None) -> NewEntry:
    """Return what the outbox stores of an event: message id, ordering key, JSON payload.

    An event without a message id gets a random one, as in the vendors' own libraries, and one without a timestamp the
    present time: two equal calls are two events.  Both are filled in before the payload is written and read, once.

    Raises `EventError` for what is no event in a format of klavier's or of one of `plugins` (the installed ones by
    default), and for an event that Klaviyo can never take: of more than 5 MB, or with an id of over 1,000 characters.
    """
    if isinstance(event, _EVENTS):  # its payload was checked when it was made
        payload = _with_ids(event.payload)
        text = orjson.dumps(payload)
        known = event if payload is event.payload else read_payload(payload, plugins)
    elif isinstance(event, dict):
        payload, text = copy_with_text(_with_ids(event))
        known = read_payload(payload, plugins)
        if known.payload is not payload:  # a plugin read a format of its own
            return accept(known, vendor, plugins)
    else:
        raise EventError(f"an event is a JSON object, not {kind_of(event)}; pass a dict")
    check_bounds(known, len(text))
    return known.stable_id, vendor.key(known), text


def call_payload(kind: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of a call in the format of Segment and RudderStack; raises `EventError` without an identity.

    A member that is None was not passed.  Raises it also where a member that is to be an object is none, which vendors
    would read as empty.
    """
    payload = {"type": kind, **{name: value for name, value in members.items() if value is not None}}
    for name in _OBJECTS:
        if name in payload and not isinstance(payload[name], Mapping):
            raise EventError(f"must be a mapping, not {kind_of(payload[name])}", name)
    if "userId" not in payload and "anonymousId" not in payload and not _has_address(payload):
        raise EventError("no identity: pass user_id, anonymous_id, or traits with an email or phone", kind)
    return payload


def _with_ids(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload with a message id and a timestamp; itself where it has both, or is in another format."""
    if "type" not in payload:
        return payload
    missing: dict[str, str] = {}
    if payload.get("messageId") in (None, ""):
        missing["messageId"] = str(uuid.uuid4())
    if payload.get("timestamp") in (None, ""):
        missing["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {**payload, **missing} if missing else payload


def _has_address(payload: Mapping[str, Any]) -> bool:
    context = payload.get("context")
    traits = context.get("traits") if isinstance(context, Mapping) else None
    places = (payload.get("traits"), traits, payload.get("properties"))
    return any(isinstance(place, Mapping) and (place.get("email") or place.get("phone")) for place in places)
