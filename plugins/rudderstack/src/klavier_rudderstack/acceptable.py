"""What Klaviyo accepts: values coerced to the types of its schema, and notes for those that cannot be.

Source: Klaviyo's OpenAPI specification of profiles and events; what RudderStack itself would send is in the comments.
"""

import hashlib
import re
from typing import Any

from klavier.events.model import Event, JsonObject
from klavier.jsvalues import parse_float, to_string
from klavier.klaviyo.limits import EMAIL, METRIC_NAME, UNIQUE_ID
from klavier.strictjson import kind_of
from klavier_rudderstack.phone import e164

_CURRENCY = re.compile(r"[A-Z]{3}")
CHECKED = frozenset({"email", "phone_number"})
_COORDINATES = frozenset({"latitude", "longitude"})


def attribute(name: str, value: Any, notes: list[str]) -> Any:
    """Give an attribute of a profile as Klaviyo takes it; None, with a note, where it takes nothing of the kind."""
    if name in CHECKED:
        return _email(value, notes) if name == "email" else _phone(value, notes)
    if value.__class__ is str:
        return value
    if name in _COORDINATES and value.__class__ in (int, float):
        return value
    return _text(name, value, notes)


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
    code = value.strip().upper() if isinstance(value, str) else ""
    if _CURRENCY.fullmatch(code):
        return code
    notes.append("value_currency left out: not a currency code of three letters, such as USD")
    return None


def unique_id(value: Any, event: Event) -> str:
    """Give the id under which Klaviyo counts an event once: `value`, else one derived from the event."""
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


def unplaced(payload: JsonObject, mapped: frozenset[str]) -> list[str]:
    """Note the traits that v2 and v3 read parts of, or nothing, and send nowhere else."""
    notes: list[str] = []
    context = payload.get("context")
    for place, found in (("traits", payload), ("context.traits", context)):
        traits = found.get("traits") if isinstance(found, dict) else None
        if isinstance(traits, dict):
            notes.extend(_unplaced(place, traits, mapped))
    return notes


def _unplaced(place: str, traits: JsonObject, mapped: frozenset[str]) -> list[str]:
    address, notes = traits.get("address"), []
    if isinstance(address, dict):
        notes = [f"{place}.address.{key} left out: RudderStack maps no such part" for key in address.keys() - mapped]
        notes.sort()
    elif address is not None:
        notes.append(f"{place}.address left out: {kind_of(address)}, not an object")
    if traits.get("location") is not None:
        notes.append(f"{place}.location left out: RudderStack takes the parts of an address")
    return notes


def _email(value: Any, notes: list[str]) -> str | None:
    text = value if value.__class__ is str else _text("email", value, notes)
    if text is None or len(text) <= EMAIL:
        return text
    notes.append(f"email left out: longer than the {EMAIL} characters that Klaviyo takes")
    return None


def _phone(value: Any, notes: list[str]) -> str | None:
    found = e164(value)
    if found is None:
        notes.append("phone_number left out: not in E.164 form, such as +15005550006")
    return found


def _text(name: str, value: Any, notes: list[str]) -> str | None:
    """Write a scalar as text: RudderStack sends numbers and booleans as they are, and Klaviyo refuses them."""
    if isinstance(value, (dict, list)):
        notes.append(f"{name} left out: {kind_of(value)} where Klaviyo takes text")
        return None
    return to_string(value)
