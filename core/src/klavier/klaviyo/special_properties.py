"""Translate Klaviyo's special properties to the attributes that carry them today.

Before 2023 a profile's e-mail address was the property `$email`, an event's value the property `$value`; Klaviyo's
browser object still uses these names.  Source: Klaviyo's legacy Track and Identify API and its guide to special
properties.
"""

from collections.abc import Mapping
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import to_string
from klavier.klaviyo.attributes import SPECIAL_ATTRIBUTES, SPECIAL_IDENTIFIERS, SPECIAL_LOCATION
from klavier.strictjson import kind_of
from klavier.values import read_amount, read_email, read_phone

TRANSLATED_IDENTIFIERS: Mapping[str, str] = {
    special: attribute for special, attribute in SPECIAL_IDENTIFIERS.items() if attribute != "anonymous_id"
}
"""The special properties that identify a profile.

`$anonymous` is not among them: the vendors that use the legacy calls never send it, and no endpoint for profiles takes
an anonymous id.
"""

_READERS = {"phone_number": read_phone, "email": read_email}
"""Identifiers that have a form; the others are any text."""


def identifiers(properties: Mapping[str, Any], notes: list[str]) -> JsonObject:
    """Return the identifying attributes among profile properties.

    A value that Klaviyo would reject is left out, and `notes` gets the reason.
    """
    found: JsonObject = {}
    for special, attribute in TRANSLATED_IDENTIFIERS.items():
        value = properties.get(special)
        if value is None or value == "":
            continue
        text = _text(value)
        if text is None:
            notes.append(f"{special} left out: {kind_of(value)} identifies no profile; send a string")
            continue
        read = _READERS.get(attribute)
        identifier, reason = (text, "") if read is None else read(text)
        if identifier is not None:
            found[attribute] = identifier
        elif reason:
            notes.append(f"{special} left out: {reason}")
    return found


def profile_attributes(properties: Mapping[str, Any], notes: list[str]) -> JsonObject:
    """Translate profile properties to the attributes of a profile.

    Special properties become attributes (null clears one), all others custom `properties`.  What has no place is left
    out, and `notes` gets the reason.
    """
    attributes = identifiers(properties, notes)
    location: JsonObject = {}
    custom: JsonObject = {}
    for key, value in properties.items():
        if key in SPECIAL_ATTRIBUTES:
            _put(attributes, SPECIAL_ATTRIBUTES[key], key, value, notes)
        elif key in SPECIAL_LOCATION:
            _put(location, SPECIAL_LOCATION[key], key, value, notes)
        elif key not in TRANSLATED_IDENTIFIERS:
            custom[key] = value
    if location:
        attributes["location"] = location
    if custom:
        attributes["properties"] = custom
    return attributes


def event_attributes(properties: Mapping[str, Any], notes: list[str]) -> JsonObject:
    """Translate event properties: `$value` becomes `value`, `$event_id` `unique_id`, the others `properties`."""
    attributes: JsonObject = {"properties": {k: v for k, v in properties.items() if k not in ("$value", "$event_id")}}
    value, event_id = properties.get("$value"), properties.get("$event_id")
    if value is not None:
        number, reason = read_amount(value)
        if number is not None:
            attributes["value"] = number
        elif reason:
            notes.append(f"$value left out: {reason}")
    if event_id is not None and event_id != "":
        text = _text(event_id)
        if text is None:
            notes.append(f"$event_id left out: {kind_of(event_id)} is no id; send a string")
        else:
            attributes["unique_id"] = text
    return attributes


def _text(value: Any) -> str | None:
    """Return a scalar as the text that Klaviyo's schema requires; None for an object or array."""
    return None if isinstance(value, (dict, list)) else to_string(value)


def _put(target: JsonObject, attribute: str, special: str, value: Any, notes: list[str]) -> None:
    text = None if value is None else _text(value)
    if text is None and value is not None:
        notes.append(f"{special} left out: {kind_of(value)} where Klaviyo takes text")
    else:
        target[attribute] = text
