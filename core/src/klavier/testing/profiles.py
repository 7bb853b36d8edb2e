"""The profiles in a request, in any of the forms of Klaviyo's APIs."""

from collections.abc import Iterator, Mapping
from typing import Any

from klavier.klaviyo.attributes import IDENTIFIERS as ATTRIBUTE_IDENTIFIERS
from klavier.klaviyo.attributes import SPECIAL_IDENTIFIERS
from klavier.klaviyo.request import Request
from klavier.testing.decoding import decode

IDENTIFIERS = ("id", *ATTRIBUTE_IDENTIFIERS)
"""The identifiers of a profile in today's requests."""

LEGACY_IDENTIFIERS = (*SPECIAL_IDENTIFIERS, "email", "phone_number")
"""The identifiers of a profile in the legacy calls, and in events of revision 2023-02-22."""

_BARE_LISTS = ("subscriptions", "profiles")
"""Where profiles have no type: subscriptions of revision 2023-02-22, members of v2 lists."""


def profiles(request: Request) -> list[dict[str, Any]]:
    """Return the identifiers of every profile in a request; an empty dict stands for a profile without any."""
    return [*_in_json(request.json), *_in_legacy_calls(request)]


def _in_json(value: Any, key: str = "") -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for member in value:
            if key in _BARE_LISTS and isinstance(member, dict):
                yield _found(member, LEGACY_IDENTIFIERS)
            yield from _in_json(member)
    if not isinstance(value, dict):
        return
    if value.get("type") == "profile":  # its attributes hold no other profile, but consents by channel
        yield _today(value)
        return
    if key == "profile" and "data" not in value:  # events of revision 2023-02-22
        yield _found(value, LEGACY_IDENTIFIERS)
    for name, member in value.items():
        if name != "properties":  # those are custom, whatever they look like
            yield from _in_json(member, name)


def _today(value: Mapping[str, Any]) -> dict[str, Any]:
    attributes = value.get("attributes")
    identifiers = _found(attributes, IDENTIFIERS) if isinstance(attributes, dict) else {}
    return _found(value, ("id",)) | identifiers


def _in_legacy_calls(request: Request) -> Iterator[dict[str, Any]]:
    if request.revision is not None:
        return
    whole = decode(request)
    data = whole.get("params", {}).get("data") or whole.get("form", {}).get("data")
    if isinstance(data, dict):
        yield _found(data.get("customer_properties", data.get("properties")) or {}, LEGACY_IDENTIFIERS)
    elif "form" in whole:
        yield _found(whole["form"], LEGACY_IDENTIFIERS)


def _found(members: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the members that identify; objects and arrays identify nobody."""
    found = {name: members[name] for name in names if members.get(name) not in (None, "")}
    return {name: value for name, value in found.items() if not isinstance(value, (dict, list))}
