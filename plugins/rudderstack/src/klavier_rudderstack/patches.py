"""Changes to a profile's properties beyond setting them: unset, append, unappend (v2 and v3).

Source: `integrations.Klaviyo` of an event names the fields, its traits hold the values.
"""

from collections.abc import Set as AbstractSet
from typing import Any

from klavier.events.model import JsonObject
from klavier_rudderstack import acceptable
from klavier_rudderstack.mode import Mode

_SPELLINGS = ("Klaviyo", "klaviyo", "KLAVIYO")
_PATCHES = (("fieldsToUnset", "unset"), ("fieldsToAppend", "append"), ("fieldsToUnappend", "unappend"))

NO_PATCHES: tuple[JsonObject, AbstractSet[str]] = ({}, frozenset())


def patches_of(payload: JsonObject, notes: list[str], mode: Mode) -> tuple[JsonObject, AbstractSet[str]]:
    """Give `patch_properties` and the names of the traits that are said in it, which are no custom properties."""
    options = _options(payload.get("integrations"))
    traits = _traits(payload)
    patches: JsonObject = {}
    changed: set[str] = set()
    for option, patch in _PATCHES:
        fields = options.get(option)
        if not isinstance(fields, list):
            continue
        names = acceptable.field_names(fields, [] if mode.exact else notes)
        changed.update(names)
        if patch == "unset":
            patches[patch] = fields if mode.exact else names
        else:
            patches[patch] = {name: traits[name] for name in names if traits.get(name) is not None}
    return patches, changed


def _options(integrations: Any) -> JsonObject:
    if isinstance(integrations, dict):
        for spelling in _SPELLINGS:
            options = integrations.get(spelling)
            if options and isinstance(options, dict):
                return options
    return {}


def _traits(payload: JsonObject) -> JsonObject:
    """Give the traits that steer a call: those of the event where it has any, else those of its user."""
    traits = payload.get("traits")
    if isinstance(traits, dict):
        return traits
    context = payload.get("context")
    traits = context.get("traits") if isinstance(context, dict) else None
    return traits if isinstance(traits, dict) else {}
