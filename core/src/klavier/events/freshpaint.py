"""Freshpaint's own wire format: `{"event": ..., "properties": {"distinct_id": ...}}`.

Source: Freshpaint's HTTP API.
Reserved names are `$identify` (traits in `$user_props`), `$page` and `$screen`; any other name is a custom event.
Such an event is said in Segment's words at once, as Freshpaint does for its own functions: then every vendor
understands it.
"""

from typing import Any

from klavier.events import segment
from klavier.events.model import Event, JsonObject
from klavier.klaviyo.times import klaviyo_time

_TYPES = {"$identify": "identify", "$page": "page", "$screen": "screen"}
_PROMOTED = {"distinct_id": "userId", "$device_id": "anonymousId", "$insert_id": "messageId", "time": "timestamp"}
"""Properties that are no properties of the event, and where Segment's format has them."""

_KEPT_APART = ("token", "$options")
"""Properties that are for Freshpaint itself; they stay in the payload, beside the properties."""


def recognises(payload: JsonObject) -> bool:
    """Tell whether a payload without a `type` is in this format."""
    properties = payload.get("properties")
    return isinstance(payload.get("event"), str) and isinstance(properties, dict) and "distinct_id" in properties


def read(payload: JsonObject) -> Event:
    """Make an event of a payload that `recognises` accepts; the event's payload is the same in Segment's format."""
    name, properties = payload["event"], dict(payload["properties"])
    if properties["distinct_id"] == properties.get("$device_id") is not None:
        del properties["distinct_id"]  # a visitor's is the device's own, and names nobody
    found: JsonObject = {member: value for member, value in payload.items() if member not in ("event", "properties")}
    found["type"] = _TYPES.get(name, "track")
    for member, promoted in _PROMOTED.items():
        if member in properties:
            found[promoted] = properties.pop(member)
    if "timestamp" in found:
        found["timestamp"] = _time(found["timestamp"])
    context = {"ip": properties.pop("$ip")} if "$ip" in properties else {}
    if "$user_props" in properties and name != "$identify":
        context["traits"] = properties.pop("$user_props")
    if context:
        found["context"] = context
    found |= {member: properties.pop(member) for member in _KEPT_APART if member in properties}
    return segment.read(found | _body(name, properties))


def _body(name: str, properties: JsonObject) -> JsonObject:
    """Give what one type has beside the members that all have."""
    if name == "$identify":
        traits = properties.pop("$user_props", {})
        return {"traits": traits} | ({"properties": properties} if properties else {})
    if name in _TYPES:
        named: JsonObject = {member: properties[member] for member in ("name", "category") if member in properties}
        return {"properties": properties, **named}
    return {"event": name, "properties": properties}


def _time(value: Any) -> Any:
    """Write epoch seconds as ISO 8601: numbers are milliseconds to some vendors."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    return klaviyo_time(value) or value
