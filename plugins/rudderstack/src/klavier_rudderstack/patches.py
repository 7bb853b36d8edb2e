"""Changes to a profile's properties beyond setting them: unset, append, unappend (v2 and v3).

Source: `integrations.Klaviyo` of an event names the fields, its traits hold the values.
"""

from collections.abc import Set as AbstractSet
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import dig
from klavier_rudderstack import acceptable

_SPELLINGS = ("Klaviyo", "klaviyo", "KLAVIYO")
_PATCHES = (("fieldsToUnset", "unset"), ("fieldsToAppend", "append"), ("fieldsToUnappend", "unappend"))


def patches_of(payload: JsonObject, notes: list[str], *, exact: bool) -> tuple[JsonObject, AbstractSet[str]]:
    """Give `patch_properties`, and the names of the traits that are said in it and therefore no custom properties."""
    options, traits = _options(payload.get("integrations")), steering_traits(payload)
    patches: JsonObject = {}
    changed: set[str] = set()
    for option, patch in _PATCHES:
        fields = options.get(option)
        if not isinstance(fields, list):
            continue
        names = acceptable.field_names(fields, [] if exact else notes)
        changed.update(names)
        if patch == "unset":
            patches[patch] = fields if exact else names
        else:
            patches[patch] = {name: traits[name] for name in names if traits.get(name) is not None}
    return patches, changed


def steering_traits(payload: JsonObject) -> JsonObject:
    """Give the traits that steer a call: those of the event where it has any, else those of its user."""
    traits = payload.get("traits")
    if not isinstance(traits, dict):
        traits = dig(payload, "context", "traits")
    return traits if isinstance(traits, dict) else {}


def _options(integrations: Any) -> JsonObject:
    if isinstance(integrations, dict):
        for spelling in _SPELLINGS:
            options = integrations.get(spelling)
            if options and isinstance(options, dict):
                return options
    return {}
