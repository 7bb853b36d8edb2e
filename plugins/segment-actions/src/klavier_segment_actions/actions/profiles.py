"""Event profiles within Klaviyo's schema: a member that is no attribute becomes a custom property."""

from collections.abc import Callable
from typing import Any

from klavier.jsvalues import to_string
from klavier.strictjson import kind_of

TEXT_ATTRIBUTES = frozenset(
    {"email", "phone_number", "external_id", "anonymous_id", "_kx", "first_name", "last_name", "organization", "locale",
     "title", "image"}
)  # fmt: skip
"""The attributes of a profile that are strings. Source: the profile object of Klaviyo's OpenAPI specification."""

LOCATION = frozenset(
    {"address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip"}
)
"""The members of a profile's location. Source: as above."""

_IDENTIFIERS = frozenset({"email", "phone_number", "external_id", "anonymous_id"})
_LONGEST_NAME = 40
"""Characters of a member's name in a note: room for any real name, too short for a customer's free text."""


def has_only_identifiers(profile: dict[str, Any], is_phone: Callable[[str], Any]) -> bool:
    """Return whether an event's profile needs no change: identifiers only, and the phone number is sent unchanged."""
    get = profile.get
    phone = get("phone_number")
    return (
        _IDENTIFIERS.issuperset(profile)
        and (bool(is_phone(phone)) if phone else "phone_number" not in profile)
        and bool(get("external_id") or get("email") or phone or get("anonymous_id"))
    )


def build_event_profile(profile: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the attributes of an event's profile, and notes on what was left out."""
    attributes: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    given: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in profile.items():
        if name in TEXT_ATTRIBUTES and not isinstance(value, (dict, list)):
            attributes[name] = value if value is None or isinstance(value, str) else to_string(value)
        elif name == "location" and isinstance(value, dict):
            attributes[name] = _location(value, notes)
        elif name == "properties" and isinstance(value, dict):
            given = value
        elif name not in ("meta", "id"):
            properties[name] = value
        else:
            notes.append(f"profile.{name} left out: it controls Klaviyo's API and is no data of the profile")
    twins = [name for name in properties.keys() & given.keys() if properties[name] != given[name]]
    notes.extend(f"profile.properties.{_shorten(name)} left out: profile has the same member" for name in sorted(twins))
    if properties or given:
        attributes["properties"] = {**given, **properties}
    return attributes, tuple(notes)


def _location(value: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in value.items():
        if name not in LOCATION:
            notes.append(f"profile.location.{_shorten(name)} left out: Klaviyo has no such member")
        elif isinstance(item, (dict, list)):
            notes.append(f"profile.location.{name} left out: {kind_of(item)} where Klaviyo takes a string")
        else:
            found[name] = item if item is None or isinstance(item, str) else to_string(item)
    return found


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
