"""Freshpaint's own wire format: `{"event": ..., "properties": {"distinct_id": ...}}`.

Source: Freshpaint's HTTP API.
Reserved names are `$identify` (traits in `$user_props`), `$page` and `$screen`; any other name is a custom event.
Such an event is converted to Segment's format, as Freshpaint does for its own functions, so that every vendor can
translate it.
"""

from typing import Any

from klavier.events import segment
from klavier.events.model import Event, JsonObject
from klavier.values.times import klaviyo_time

_TYPES = {"$identify": "identify", "$page": "page", "$screen": "screen"}
_PROMOTED = {"distinct_id": "userId", "$device_id": "anonymousId", "$insert_id": "messageId", "time": "timestamp"}
"""Properties that describe the message, and the members of Segment's format that hold them."""

_FOR_FRESHPAINT = ("token", "$options")
"""Properties for Freshpaint itself; they become members of the payload, beside the properties."""


def is_freshpaint(payload: JsonObject) -> bool:
    """Return whether a payload without a `type` is in this format."""
    properties = payload.get("properties")
    return isinstance(payload.get("event"), str) and isinstance(properties, dict) and "distinct_id" in properties


def read(payload: JsonObject) -> Event:
    """Read a payload for which `is_freshpaint` is true; the event's payload is the same in Segment's format."""
    name, properties = payload["event"], dict(payload["properties"])
    if properties["distinct_id"] == properties.get("$device_id") is not None:
        del properties["distinct_id"]  # an anonymous visitor has the id of the device, which is no user id
    found: JsonObject = {member: value for member, value in payload.items() if member not in ("event", "properties")}
    found["type"] = _TYPES.get(name, "track")
    for member, promoted in _PROMOTED.items():
        if member in properties:
            found[promoted] = properties.pop(member)
    if "timestamp" in found:
        found["timestamp"] = _read_time(found["timestamp"])
    context = {"ip": properties.pop("$ip")} if "$ip" in properties else {}
    if "$user_props" in properties and name != "$identify":
        context["traits"] = properties.pop("$user_props")
    if context:
        found["context"] = context
    found |= {member: properties.pop(member) for member in _FOR_FRESHPAINT if member in properties}
    return segment.read(found | _body(name, properties))


def _body(name: str, properties: JsonObject) -> JsonObject:
    """Return the members of one type beside those that all types have."""
    if name == "$identify":
        traits = properties.pop("$user_props", {})
        return {"traits": traits} | ({"properties": properties} if properties else {})
    if name in _TYPES:
        named: JsonObject = {member: properties[member] for member in ("name", "category") if member in properties}
        return {"properties": properties, **named}
    return {"event": name, "properties": properties}


def _read_time(value: Any) -> Any:
    """Write epoch seconds as ISO 8601, since some vendors read numbers as milliseconds."""
    return klaviyo_time(value) or value
