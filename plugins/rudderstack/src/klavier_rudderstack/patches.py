"""Changes to a profile's properties beyond setting them: unset, append, unappend (v2 and v3).

Source: `integrations.Klaviyo` of an event names the fields, its traits hold the values.
"""

from collections.abc import Set as AbstractSet

from klavier.events.model import JsonObject
from klavier.jsvalues import dig
from klavier_rudderstack import acceptable
from klavier_rudderstack.integrations import options_of

_PATCHES = (("fieldsToUnset", "unset"), ("fieldsToAppend", "append"), ("fieldsToUnappend", "unappend"))


def patches_of(payload: JsonObject, notes: list[str], *, exact: bool) -> tuple[JsonObject, AbstractSet[str]]:
    """Give `patch_properties`, and the names of the traits that are said in it and therefore no custom properties."""
    options, traits = options_of(payload.get("integrations")), steering_traits(payload)
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
