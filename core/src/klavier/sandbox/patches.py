"""Write attributes and `meta` into a profile."""

from typing import Any

from klavier.klaviyo.attributes import IDENTIFIERS, TEXT_ATTRIBUTES
from klavier.sandbox.profile import Profile
from klavier.sandbox.profile_schema import is_phone
from klavier.sandbox.profiles import Profiles

_TEXTS = frozenset(TEXT_ATTRIBUTES)


def usable(attributes: dict[str, Any], partial: set[str]) -> dict[str, Any]:
    """Leave out an invalid phone number, which the checks accept only beside an e-mail address."""
    phone = attributes.get("phone_number")
    if phone is None or is_phone(phone):
        return attributes
    partial.add("phone_number")
    return {key: value for key, value in attributes.items() if key != "phone_number"}


def write_attributes(profile: Profile, attributes: dict[str, Any], *, clears: bool = True) -> None:
    """Write the attributes that are no identifiers: null clears (where it does), absence keeps."""
    for key, value in attributes.items():
        if key in _TEXTS:
            _write(profile.attributes, key, value, clears=clears)
        elif key == "properties":
            for name, item in (value or {}).items():
                _write(profile.properties, name, item, clears=clears)
        elif key == "location":
            if value is None and clears:
                profile.location.clear()
            for name, item in (value or {}).items():
                _write(profile.location, name, item, clears=clears)


def clear_identifiers(profiles: Profiles, profile: Profile, attributes: dict[str, Any]) -> None:
    """Remove the identifiers that are null."""
    for kind in IDENTIFIERS:
        if kind in attributes and attributes[kind] is None:
            profiles.set_identifier(profile, kind, None)


def write_meta(profile: Profile, meta: dict[str, Any] | None) -> None:
    """Apply `patch_properties` and `patch_identifiers`: append first, then unappend, then unset."""
    if not meta:
        return
    patch = meta.get("patch_properties") or {}
    for name, added in (patch.get("append") or {}).items():
        found = _listed(profile.properties.get(name))
        profile.properties[name] = found + [item for item in _listed(added) if item not in found]
    for name, removed in (patch.get("unappend") or {}).items():
        if name in profile.properties:
            gone = _listed(removed)
            profile.properties[name] = [item for item in _listed(profile.properties[name]) if item not in gone]
    for name in _listed(patch.get("unset")):
        profile.properties.pop(name, None)
    identifiers = meta.get("patch_identifiers") or {}
    for address in _listed((identifiers.get("append") or {}).get("email")):
        profile.secondary_emails.setdefault(str(address).lower())
    for address in _listed((identifiers.get("unappend") or {}).get("email")):
        profile.secondary_emails.pop(str(address).lower(), None)


def _write(target: dict[str, Any], key: str, value: Any, *, clears: bool) -> None:
    if value is not None:
        target[key] = value
    elif clears:
        target.pop(key, None)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
