"""The values that Klaviyo accepts: conversions to the types of its schema, and notes about what cannot be converted.

Source: Klaviyo's OpenAPI specification of profiles and events.
"""

import hashlib
from typing import Any

from klavier.events.model import Event
from klavier.jsvalues import dig, to_string
from klavier.klaviyo.attributes import COORDINATES
from klavier.klaviyo.limits import METRIC_NAME, UNIQUE_ID
from klavier.strictjson import kind_of
from klavier.values import read_amount, read_email, read_phone

UNMAPPED = frozenset({"address", "location"})
"""The traits that v2 and v3 read only in part, or not at all, and send nowhere else."""
CONTROL = "properties"
"""The trait that controls the list membership of an identify call."""
HOLDERS = frozenset({"traits", "context.traits"})
"""The places of a profile's traits."""

MAPPED_PARTS = frozenset({"city", "country", "region", "state", "zip", "postalcode", "postalCode", "street"})
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


def email(value: str, notes: list[str]) -> str | None:
    """Return an email address that Klaviyo accepts; None, with a note, for any other text."""
    found, reason = read_email(value)
    if found is None:
        notes.append(f"email left out: {reason or 'it is empty'}")
    return found


def phone(value: str, notes: list[str]) -> str | None:
    """Return a phone number in E.164 form; None, with a note, for any other text."""
    found, reason = read_phone(value)
    if found is None:
        notes.append(f"phone_number left out: {reason or 'it is empty'}")
    return found


def metric_name(value: Any) -> str | None:
    """Return a metric's name as text; None where Klaviyo accepts no such name."""
    text = None if isinstance(value, (dict, list)) else to_string(value)
    return text if text and len(text) <= METRIC_NAME else None


def amount(name: str, value: Any, notes: list[str]) -> float | int | None:
    """Return an event's value; None, with a note, for anything but a number or text that is one as a whole.

    RudderStack reads the number that a text starts with, which may be another one: `1,234` starts with 1.
    """
    found, reason = read_amount(value)
    if found is None and reason:
        notes.append(f"{name} is not used as the event's value: {reason}")
    return found


def currency(value: Any, notes: list[str]) -> str | None:
    """Return a currency's ISO 4217 code in capitals; None, with a note, for anything else."""
    code = value.strip().upper() if isinstance(value, str) else ""
    if len(code) == _CURRENCY_LETTERS and code.isascii() and code.isalpha():
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


def note_unused(name: str, event: Event) -> list[str]:
    """Return notes about a trait that is neither an attribute nor a custom property; `properties` controls lists."""
    if name == CONTROL and event.type == "identify":
        return []
    return [
        f"{place}.{name} left out: RudderStack does not send this trait of {event.type} calls"
        for place, holder in (("traits", event.payload), ("context.traits", event.context))
        if dig(holder, "traits", name) not in (None, "")
    ]


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
            left = sorted(value.keys() - MAPPED_PARTS)
            notes.extend(f"{place}.address.{part[:40]} left out: RudderStack does not map this part" for part in left)
    return notes
