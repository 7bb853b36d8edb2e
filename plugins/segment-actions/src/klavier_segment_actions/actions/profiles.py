"""Saying a profile within Klaviyo's schema: what has no attribute becomes a custom property."""

from typing import Any

from klavier.jsvalues import to_string
from klavier.strictjson import kind_of
from klavier_segment_actions.payload.formats import is_e164

TEXTS = frozenset(
    {"email", "phone_number", "external_id", "anonymous_id", "_kx", "first_name", "last_name", "organization", "locale",
     "title", "image"}
)  # fmt: skip
"""The attributes of a profile that are texts. Source: the profile object of Klaviyo's OpenAPI specification."""

LOCATION = frozenset(
    {"address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip"}
)

_IDENTIFIERS = frozenset({"email", "phone_number", "external_id", "anonymous_id"})


def is_plain_person(profile: dict[str, Any]) -> bool:
    """Tell of an event's profile what holds of nearly all: identifiers and nothing else, the phone number in form."""
    get = profile.get
    phone = get("phone_number")
    return (
        _IDENTIFIERS.issuperset(profile)
        and (is_e164(phone) is not None if phone else "phone_number" not in profile)
        and bool(get("external_id") or get("email") or phone or get("anonymous_id"))
    )


def event_profile(profile: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give the attributes of an event's profile and notes; members that Klaviyo does not know become properties."""
    attributes: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in profile.items():
        if name in TEXTS and not isinstance(value, (dict, list)):
            attributes[name] = value if value is None or isinstance(value, str) else to_string(value)
        elif name == "location" and isinstance(value, dict):
            attributes[name] = _location(value, notes)
        elif name == "properties" and isinstance(value, dict):
            properties = {**value, **properties}
        elif name not in ("meta", "id"):
            properties.setdefault(name, value)
        else:
            notes.append(f"profile.{name} left out: it steers Klaviyo and says nothing about the person")
    if properties:
        attributes["properties"] = properties
    return attributes, tuple(notes)


def _location(value: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in value.items():
        if name not in LOCATION:
            notes.append(f"profile.location.{shortened(name)} left out: Klaviyo has no such member")
        elif isinstance(item, (dict, list)):
            notes.append(f"profile.location.{name} left out: {kind_of(item)} where Klaviyo takes text")
        else:
            found[name] = item if item is None or isinstance(item, str) else to_string(item)
    return found


def shortened(name: str) -> str:
    """Give a name for a note; a very long one is somebody's text."""
    return name if len(name) <= 40 else f"{name[:40]}…"  # noqa: PLR2004 -- room for any real name
