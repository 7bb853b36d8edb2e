"""Profiles as free maps with special properties: the legacy calls, and the events of revision 2023-02-22."""

from typing import Any

from klavier.jsvalues import to_string
from klavier.klaviyo.attributes import SPECIAL_ATTRIBUTES, SPECIAL_IDENTIFIERS, SPECIAL_LOCATION
from klavier.sandbox.profile_schema import email, is_phone, phone_flaw
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import Check, Flaw
from klavier.values import is_email

_SEPARATORS = str.maketrans("", "", " -.()")
"""The characters that people write between the digits of a phone number."""

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
    """Return the profile attributes of a free map in a legacy call, which left out invalid addresses and numbers."""
    found = read_free_profile(properties)
    phone = found.get("phone_number")
    if phone is not None:
        found["phone_number"] = phone.translate(_SEPARATORS)
    found["email"] = (found.get("email") or "").strip()
    if not is_email(found["email"]):
        del found["email"]
    if phone is not None and not is_phone(found["phone_number"]):
        del found["phone_number"]
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
