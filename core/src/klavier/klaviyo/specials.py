"""Klaviyo's special properties, and the attributes that carry them today.

Before 2023 a person's e-mail address was the property `$email`, an event's value the property `$value`; Klaviyo's
browser object still speaks this way.  Source: Klaviyo's legacy Track and Identify API and its guide to special
properties; the attributes are those of the profile and event objects of its OpenAPI specification.
"""

import re
from collections.abc import Mapping
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import parse_float, to_string
from klavier.klaviyo.limits import EMAIL
from klavier.strictjson import kind_of

IDENTIFIERS: Mapping[str, str] = {
    "$id": "external_id",
    "$email": "email",
    "$phone_number": "phone_number",
    "$exchange_id": "_kx",
}
"""The specials that say who someone is."""

PERSON: Mapping[str, str] = {
    "$first_name": "first_name",
    "$last_name": "last_name",
    "$organization": "organization",
    "$title": "title",
    "$image": "image",
    "$locale": "locale",
}
"""The specials that are attributes of a profile."""

LOCATION: Mapping[str, str] = {
    "$address1": "address1",
    "$address2": "address2",
    "$city": "city",
    "$region": "region",
    "$country": "country",
    "$zip": "zip",
    "$timezone": "timezone",
    "$latitude": "latitude",
    "$longitude": "longitude",
}
"""The specials that are attributes of a profile's location."""

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
_FILLERS = str.maketrans("", "", " -.()")
"""What people write between the digits of a phone number."""


def identifiers(people: Mapping[str, Any], notes: list[str]) -> JsonObject:
    """Give the identifying attributes among people properties; what Klaviyo would refuse becomes a note instead."""
    found: JsonObject = {}
    for special, attribute in IDENTIFIERS.items():
        value = people.get(special)
        if value is None or value == "":
            continue
        text = _text(value)
        if text is None:
            notes.append(f"{special} left out: {kind_of(value)} identifies nobody; send a string")
        elif attribute == "phone_number" and not _E164.fullmatch(text := text.translate(_FILLERS)):
            notes.append("$phone_number left out: not in E.164 form, such as +15005550006")
        elif attribute == "email" and (len(text := text.strip()) > EMAIL or not _EMAIL.fullmatch(text)):
            notes.append(f"$email left out: not an e-mail address of at most {EMAIL} characters")
        else:
            found[attribute] = text
    return found


def profile_attributes(people: Mapping[str, Any], notes: list[str]) -> JsonObject:
    """Say people properties as the attributes of a profile.

    Specials become attributes (null clears one), all others custom `properties`.  What has no place is added to
    `notes`.
    """
    attributes = identifiers(people, notes)
    location: JsonObject = {}
    properties: JsonObject = {}
    for key, value in people.items():
        if key in PERSON:
            _put(attributes, PERSON[key], key, value, notes)
        elif key in LOCATION:
            _put(location, LOCATION[key], key, value, notes)
        elif key not in IDENTIFIERS:
            properties[key] = value
    if location:
        attributes["location"] = location
    if properties:
        attributes["properties"] = properties
    return attributes


def event_attributes(properties: Mapping[str, Any], notes: list[str]) -> JsonObject:
    """Say event properties as attributes: `$value` as `value`, `$event_id` as `unique_id`, the rest as `properties`."""
    attributes: JsonObject = {"properties": {k: v for k, v in properties.items() if k not in ("$value", "$event_id")}}
    value, event_id = properties.get("$value"), properties.get("$event_id")
    if value is not None:
        number = parse_float(value) if isinstance(value, (str, int, float)) else None
        if number is None:
            notes.append(f"$value left out: {kind_of(value)} that is no number")
        else:
            attributes["value"] = number
    if event_id is not None and event_id != "":
        text = _text(event_id)
        if text is None:
            notes.append(f"$event_id left out: {kind_of(event_id)} is no id; send a string")
        else:
            attributes["unique_id"] = text
    return attributes


def _text(value: Any) -> str | None:
    """Write a scalar as the text that Klaviyo's schema wants; None for an object or array."""
    return None if isinstance(value, (dict, list)) else to_string(value)


def _put(target: JsonObject, attribute: str, special: str, value: Any, notes: list[str]) -> None:
    text = None if value is None else _text(value)
    if text is None and value is not None:
        notes.append(f"{special} left out: {kind_of(value)} where Klaviyo takes text")
    else:
        target[attribute] = text
