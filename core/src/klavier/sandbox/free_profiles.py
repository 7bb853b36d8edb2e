"""Profiles as free maps with special properties: the legacy calls, and the events of revision 2023-02-22."""

from typing import Any

from klavier.jsvalues import to_string
from klavier.klaviyo.attributes import SPECIAL_ATTRIBUTES, SPECIAL_IDENTIFIERS, SPECIAL_LOCATION
from klavier.sandbox.profile_schema import email, phone_flaw
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import Check, Flaw
from klavier.values import read_email, read_phone

_UNPREFIXED = ("email", "id", "phone_number")

_SPECIALS = {
    **{special: ("identifier", name) for special, name in SPECIAL_IDENTIFIERS.items()},
    **{special: ("attribute", name) for special, name in SPECIAL_ATTRIBUTES.items()},
    **{special: ("location", name) for special, name in SPECIAL_LOCATION.items()},
}
"""Each special property: the part of a profile that holds it, and its name there; others are custom properties."""


def read_free_profile(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the profile attributes of a free map.

    Numbers become strings where attributes are strings; null clears, except an identifier.
    """
    found: dict[str, Any] = {}
    location: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for key, value in properties.items():
        part, name = _SPECIALS.get(key, ("property", key))
        if part == "property" or isinstance(value, (dict, list)):
            custom[key] = value
        elif part == "location":
            location[name] = value if value is None else to_string(value)
        elif value is not None or part == "attribute":
            found[name] = value if value is None else to_string(value)
    if location:
        found["location"] = location
    if custom:
        found["properties"] = custom
    return found


def read_legacy_profile(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the profile attributes of a free map in a legacy call, which left out invalid addresses and numbers.

    Where no special property identifies the profile, `email`, `id` and `phone_number` do: Klaviyo's own package for
    Python 2 and 3 (`klaviyo`, until 2023) sends these names.
    """
    if properties.keys().isdisjoint(SPECIAL_IDENTIFIERS):
        properties = {f"${key}" if key in _UNPREFIXED else key: value for key, value in properties.items()}
    found = read_free_profile(properties)
    readable = {"email": read_email(found.get("email"))[0], "phone_number": read_phone(found.get("phone_number"))[0]}
    for name, value in readable.items():
        found.pop(name, None)
        if value is not None:
            found[name] = value
    return found


def free_profile(rules: Rules) -> Check:
    """Require a usable identifier in a free map."""
    fits = email(rules)
    sms = rules.sms

    def check(properties: Any) -> list[Flaw] | None:
        found = read_free_profile(properties)
        given = [name for name in SPECIAL_IDENTIFIERS.values() if found.get(name)]
        if not given:
            return [("", f"At least one identifier is required: {', '.join(SPECIAL_IDENTIFIERS)}.")]
        if found.get("email") and (flaws := fits(found["email"])):
            return [("/$email", flaws[0][1])]
        flaw = phone_flaw(found, sms=sms, others=given != ["phone_number"])
        return [("/$phone_number", flaw[1])] if flaw else None

    return check
