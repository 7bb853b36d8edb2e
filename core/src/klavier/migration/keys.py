"""Keys and secrets of a migration: never written, but named by the environment variables that contain them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from klavier.migration.vendor_terms import ask_vendor
from klavier.settings import SettingInfo, describe
from klavier.vendor import VendorSpec

VARIABLES = {"private_api_key": "KLAVIYO_PRIVATE_API_KEY", "public_api_key": "KLAVIYO_PUBLIC_API_KEY"}
"""The environment variables that a new configuration takes the keys of the account from."""

_STAND_INS = {"private_api_key": "private-key", "public_api_key": "PUBLIC"}
"""Keys for looking at settings; nothing is sent with them."""

_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


def is_reference(value: Any) -> bool:
    """Return whether a value is a reference to an environment variable, such as `${KLAVIYO_PRIVATE_API_KEY}`."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def keys_of(spec: VendorSpec) -> list[SettingInfo]:
    """Return the settings that `[klaviyo]` fills."""
    return [info for info in describe(spec.settings) if info.klaviyo]


def with_stand_ins(spec: VendorSpec, data: Mapping[str, Any]) -> dict[str, Any]:
    """Put something in the place of keys that are missing or references."""
    missing = {info.name: info for info in keys_of(spec) if not data.get(info.name) or is_reference(data[info.name])}
    return {**data, **{name: _STAND_INS.get(str(info.klaviyo), "stand-in") for name, info in missing.items()}}


def without_keys(spec: VendorSpec, data: Mapping[str, Any]) -> dict[str, Any]:
    """Leave the keys of the account out of settings, and replace other secrets by references."""
    keys = {info.name for info in keys_of(spec)}
    secret = {info.name for info in describe(spec.settings) if info.secret}
    return {
        name: _variable(spec, name) if name in secret and value and not is_reference(value) else value
        for name, value in data.items()
        if name not in keys
    }


def given_keys(spec: VendorSpec, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys in old settings, literally or as references, by their names in `[klaviyo]`."""
    return {str(info.klaviyo): data[info.name] for info in keys_of(spec) if data.get(info.name)}


def klaviyo_section(spec: VendorSpec, settings: Any, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the `[klaviyo]` section: the keys that the new vendor needs, and the public key where it is known."""
    known = {str(info.klaviyo) for info in keys_of(spec)}
    needed = known if spec.portable is None else ask_vendor(spec, lambda portable: set(portable.needs(settings)))
    found: dict[str, str] = {}
    for key, variable in VARIABLES.items():
        value = given.get(key, "")
        may_be_written = is_reference(value) or (value and key == "public_api_key")
        if key in known and (key in needed or may_be_written):
            found[key] = value if may_be_written else f"${{{variable}}}"
    return found


def to_set(
    spec: VendorSpec, klaviyo: Mapping[str, str], data: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[str]:
    """Describe which environment variables a new configuration reads, never what is in them."""
    for key, value in klaviyo.items():
        if is_reference(value):
            held = given.get(key)
            hint = "; the old settings contain it in plain text" if held and not is_reference(held) else ""
            yield f"{value[2:-1]}: Klaviyo's {key.replace('_', ' ').replace('api', 'API')}{hint}"
    for info in describe(spec.settings):
        if info.secret and is_reference(data.get(info.name)):
            yield f"{data[info.name][2:-1]}: the value of the setting {info.name}"


def _variable(spec: VendorSpec, setting: str) -> str:
    return "${" + f"{spec.name}_{setting}".replace("-", "_").upper() + "}"
