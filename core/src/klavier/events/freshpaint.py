"""Freshpaint's own wire format: `{"event": ..., "properties": {"distinct_id": ...}}`.

Source: Freshpaint's HTTP API.
Reserved names are `$identify` (traits in `$user_props`), `$page` and `$screen`; any other name is a custom event.
"""

from typing import Any

from klavier.events.model import Event, Identify, JsonObject, Page, Screen, Track


def recognises(payload: JsonObject) -> bool:
    """Tell whether a payload without a `type` is in this format."""
    properties = payload.get("properties")
    return isinstance(payload.get("event"), str) and isinstance(properties, dict) and "distinct_id" in properties


def read(payload: JsonObject) -> Event:
    """Make an event of a payload that `recognises` accepts; the payload is kept whole."""
    properties = payload["properties"]
    common: dict[str, Any] = {
        "user_id": properties.get("distinct_id"),
        "anonymous_id": properties.get("$device_id"),
        "message_id": properties.get("$insert_id"),
        "timestamp": properties.get("time"),
    }
    name = payload["event"]
    if name == "$identify":
        traits = properties.get("$user_props")
        return Identify(payload, traits=traits if isinstance(traits, dict) else {}, **common)
    if name == "$page":
        return Page(payload, name=properties.get("name"), properties=properties, **common)
    if name == "$screen":
        return Screen(payload, name=properties.get("name"), properties=properties, **common)
    return Track(payload, event=name, properties=properties, **common)
