"""The values that Klaviyo accepts: conversions to the types of its schema, and notes about what cannot be converted.

Source: Klaviyo's OpenAPI specification of profiles and events.
"""

import hashlib
from typing import Any

from klavier.events.model import Event
from klavier.jsvalues import dig, parse_float, to_string
from klavier.klaviyo.attributes import COORDINATES
from klavier.klaviyo.limits import EMAIL, METRIC_NAME, UNIQUE_ID
from klavier.strictjson import kind_of
from klavier_rudderstack.values.phone import e164

UNMAPPED = frozenset({"address", "location"})
"""The traits that v2 and v3 read only in part, or not at all, and send nowhere else."""
HOLDERS = frozenset({"traits", "context.traits"})
"""The places of a profile's traits."""

_MAPPED_PARTS = frozenset({"city", "country", "region", "state", "zip", "postalcode", "postalCode", "street"})
"""The parts of an address that have a place in a profile's location."""
_CURRENCY_LETTERS = 3


def attribute(name: str, value: Any, notes: list[str]) -> Any:
    """Return a profile attribute as text; None, with a note, for an object or array.

    RudderStack sends numbers and booleans unchanged, and Klaviyo refuses them.
    """
    if value.__class__ is str or (name in COORDINATES and value.__class__ in (int, float)):
        return value
    if isinstance(value, (dict, list)):
        notes.append(f"{name} left out: {kind_of(value)} where Klaviyo takes text")
        return None
    return to_string(value)


def is_email(value: str) -> bool:
    """Return whether an email address needs no change: text around one @, no white space, not too long."""
    name, _, domain = value.partition("@")
    # Every profile passes here: these string methods take half the time of a pattern.
    return bool(name and domain and "@" not in domain and len(value) <= EMAIL and value.split() == [value])


def email(value: str, notes: list[str]) -> str | None:
    """Return an email address that Klaviyo accepts; None, with a note, for any other text."""
    text = value.strip()
    if is_email(text):
        return text
    notes.append(f"email left out: not an email address of at most {EMAIL} characters")
    return None


def phone(value: str, notes: list[str]) -> str | None:
    """Return a phone number in E.164 form; None, with a note, for any other text."""
    found = e164(value)
    if found is None:
        notes.append("phone_number left out: not in E.164 form, such as +15005550006")
    return found


def metric_name(value: Any) -> str | None:
    """Return a metric's name as text; None where Klaviyo accepts no such name."""
    text = None if isinstance(value, (dict, list)) else to_string(value)
    return text if text and len(text) <= METRIC_NAME else None


def number(name: str, value: Any, notes: list[str]) -> float | int | None:
    """Return an event's value; of text the number that it starts with, as RudderStack reads it."""
    found = parse_float(value)
    if found is None:
        notes.append(f"{name} is not used as the event's value: {kind_of(value)} that is not a number")
    return found


def currency(value: Any, notes: list[str]) -> str | None:
    """Return a currency's ISO 4217 code in capitals; None, with a note, for anything else."""
    if value.__class__ is str:
        code: str = value if _is_currency(value) else value.strip().upper()
        if _is_currency(code):
            return code
    notes.append("value_currency left out: not a currency code of three letters, such as USD")
    return None


def unique_id(value: Any, event: Event) -> str:
    """Return the id under which Klaviyo counts an event once: `value`, else one derived from the event."""
    if value.__class__ is str and 0 < len(value) <= UNIQUE_ID:
        plain: str = value
        return plain
    if value is None or value == "" or isinstance(value, (dict, list)):
        value = event.stable_id
    text = value if value.__class__ is str else to_string(value)
    return text if len(text) <= UNIQUE_ID else "klavier-" + hashlib.sha256(text.encode()).hexdigest()[:32]


def field_names(value: list[Any], notes: list[str]) -> list[str]:
    """Return the strings of a list of field names, with a note where there are other members."""
    names = [item for item in value if isinstance(item, str)]
    if len(names) < len(value):
        notes.append("a field to change left out: its name is not a string")
    return names


def note_wrong_kind(place: str, value: Any) -> str:
    """Return the note about a value at a place whose members were to be read, and that is not an object."""
    return f"{place} left out: {kind_of(value)} where an object is expected"


def note_unmapped(name: str, event: Event) -> list[str]:
    """Return notes about the members of the trait `address` or `location` that RudderStack does not send."""
    notes: list[str] = []
    for place, holder in (("traits", event.payload), ("context.traits", event.context)):
        value = dig(holder, "traits", name)
        if value is None or value == "":
            continue
        if name == "location" or not isinstance(value, dict):
            notes.append(f"{place}.{name} left out: RudderStack reads the parts of an address")
        else:
            left = sorted(value.keys() - _MAPPED_PARTS)
            notes.extend(f"{place}.address.{part[:40]} left out: RudderStack does not map this part" for part in left)
    return notes


def _is_currency(text: str) -> bool:
    """Return whether a text is three capital letters; quicker than a pattern."""
    return len(text) == _CURRENCY_LETTERS and text.isascii() and text.isalpha() and text.isupper()
