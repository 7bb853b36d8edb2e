"""Profiles as free maps with `$` keys: the legacy calls, and the events of revision 2023-02-22."""

from typing import Any

from klavier.jsvalues import to_string
from klavier.klaviyo.attributes import SPECIAL_ATTRIBUTES, SPECIAL_IDENTIFIERS, SPECIAL_LOCATION
from klavier.sandbox.bodies.identity import email, is_email, is_phone, phone_flaw
from klavier.sandbox.rules import Rules
from klavier.sandbox.shape import Check, Flaw

_FILLERS = str.maketrans("", "", " -.()")
"""What people write between the digits of a phone number."""

_SPECIALS = {
    **{special: ("identifier", name) for special, name in SPECIAL_IDENTIFIERS.items()},
    **{special: ("attribute", name) for special, name in SPECIAL_ATTRIBUTES.items()},
    **{special: ("location", name) for special, name in SPECIAL_LOCATION.items()},
}
"""Each special property: the part of a profile that holds it, and its name there; others are custom properties."""


def profile_attributes(people: dict[str, Any]) -> dict[str, Any]:
    """Say a free map in today's profile attributes.

    Numbers become strings where attributes are strings; null clears, but says nothing about an identifier.
    """
    found: dict[str, Any] = {}
    location: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for key, value in people.items():
        part, name = _SPECIALS.get(key, ("property", key))
        if part == "property" or isinstance(value, (dict, list)):
            properties[key] = value
        elif part == "location":
            location[name] = value if value is None else to_string(value)
        elif value is not None or part == "attribute":
            found[name] = value if value is None else to_string(value)
    if location:
        found["location"] = location
    if properties:
        found["properties"] = properties
    return found


def forgiving_attributes(people: dict[str, Any]) -> dict[str, Any]:
    """Say a free map as the legacy calls took it: an address or number that is none is left out."""
    found = profile_attributes(people)
    phone = found.get("phone_number")
    if phone is not None:
        found["phone_number"] = phone.translate(_FILLERS)
    found["email"] = (found.get("email") or "").strip()
    if not is_email(found["email"]):
        del found["email"]
    if phone is not None and not is_phone(found["phone_number"]):
        del found["phone_number"]
    return found


def free_profile(rules: Rules) -> Check:
    """Demand a usable identifier in a free map."""
    fits = email(rules)
    sms = rules.has("sms")

    def check(people: Any) -> list[Flaw] | None:
        found = profile_attributes(people)
        given = [name for name in SPECIAL_IDENTIFIERS.values() if found.get(name)]
        if not given:
            return [("", f"At least one identifier is required: {', '.join(SPECIAL_IDENTIFIERS)}.")]
        if found.get("email") and (flaws := fits(found["email"])):
            return [("/$email", flaws[0][1])]
        flaw = phone_flaw(found, sms=sms, others=given != ["phone_number"])
        return [("/$phone_number", flaw[1])] if flaw else None

    return check
