"""What Klaviyo accepts: values coerced to the types of its schema, and notes for those that cannot be.

Source: Klaviyo's OpenAPI specification of profiles and events; what RudderStack itself would send is in the comments.
"""

import hashlib
from typing import Any

from klavier.events.model import Event
from klavier.jsvalues import dig, parse_float, to_string
from klavier.klaviyo.limits import EMAIL, METRIC_NAME, UNIQUE_ID
from klavier.strictjson import kind_of
from klavier_rudderstack.phone import e164

_COORDINATES = frozenset({"latitude", "longitude"})
UNPLACED = frozenset({"address", "location"})
"""The traits that v2 and v3 read parts of, or nothing, and send nowhere else."""
HOLDERS = frozenset({"traits", "context.traits"})
"""What holds the members of a person."""

_MAPPED_PARTS = frozenset({"city", "country", "region", "state", "zip", "postalcode", "postalCode", "street"})
"""The parts of an address that have a place in a profile's location."""


def attribute(name: str, value: Any, notes: list[str]) -> Any:
    """Give an attribute of a profile as text; None, with a note, for what is none.

    RudderStack sends numbers and booleans as they are, and Klaviyo refuses them.
    """
    if value.__class__ is str or (name in _COORDINATES and value.__class__ in (int, float)):
        return value
    if isinstance(value, (dict, list)):
        notes.append(f"{name} left out: {kind_of(value)} where Klaviyo takes text")
        return None
    return to_string(value)


def is_email(value: str) -> bool:
    """Tell whether an e-mail address is one that Klaviyo takes as it is."""
    name, _, domain = value.partition("@")
    # Text before one @ and behind it, and no white space: told in half the time that a pattern takes.
    return bool(name and domain and "@" not in domain and len(value) <= EMAIL and value.split() == [value])


def email(value: str, notes: list[str]) -> str | None:
    """Give an e-mail address as Klaviyo takes it."""
    text = value.strip()
    if is_email(text):
        return text
    notes.append(f"email left out: not an address of up to {EMAIL} characters")
    return None


def phone(value: str, notes: list[str]) -> str | None:
    """Give a phone number as Klaviyo takes it."""
    found = e164(value)
    if found is None:
        notes.append("phone_number left out: not in E.164 form, such as +15005550006")
    return found


def metric_name(value: Any) -> str | None:
    """Give a metric's name; None where Klaviyo takes nothing of the kind."""
    text = None if isinstance(value, (dict, list)) else to_string(value)
    return text if text and len(text) <= METRIC_NAME else None


def number(name: str, value: Any, notes: list[str]) -> float | int | None:
    """Give an event's value; text is read as far as it is a number, as RudderStack reads it."""
    found = parse_float(value)
    if found is None:
        notes.append(f"{name} is not the event's value: {kind_of(value)} that is no number")
    return found


def currency(value: Any, notes: list[str]) -> str | None:
    """Give a currency's ISO 4217 code in capitals."""
    if value.__class__ is str:
        code: str = value if is_code(value) else value.strip().upper()
        if is_code(code):
            return code
    notes.append("value_currency left out: not a currency code of three letters, such as USD")
    return None


def is_code(text: str) -> bool:
    """Tell whether a text is three capital letters; quicker than a pattern."""
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()  # noqa: PLR2004 -- said above


def unique_id(value: Any, event: Event) -> str:
    """Give the id under which Klaviyo counts an event once: `value`, else one derived from the event."""
    if value.__class__ is str and 0 < len(value) <= UNIQUE_ID:
        plain: str = value
        return plain
    if value is None or value == "" or isinstance(value, (dict, list)):
        value = event.stable_id
    text = value if value.__class__ is str else to_string(value)
    return text if len(text) <= UNIQUE_ID else "klavier-" + hashlib.sha256(text.encode()).hexdigest()[:32]


def field_names(value: list[Any], notes: list[str]) -> list[str]:
    """Give the names among the members of a list of fields."""
    names = [item for item in value if isinstance(item, str)]
    if len(names) < len(value):
        notes.append("a field to change was left out: its name is no string")
    return names


def shapeless(place: str, value: Any) -> str:
    """Note what should hold members and is no object, so that nothing can be looked up in it."""
    return f"{place} left out: {kind_of(value)} where an object is expected"


def unplaced(name: str, event: Event) -> list[str]:
    """Note what the trait `address` or `location` holds and RudderStack sends nowhere."""
    notes: list[str] = []
    for place, holder in (("traits", event.payload), ("context.traits", event.context)):
        value = dig(holder, "traits", name)
        if value is None or value == "":
            continue
        if name == "location" or not isinstance(value, dict):
            notes.append(f"{place}.{name} left out: RudderStack takes the parts of an address")
        else:
            left = sorted(value.keys() - _MAPPED_PARTS)
            notes.extend(f"{place}.address.{part[:40]} left out: RudderStack maps no such part" for part in left)
    return notes
