"""The `integrations` object of an event: whether it is meant for Klaviyo, and changes to properties (v2 and v3).

Source: RudderStack's event specification; its servers and its browser code filter events by it.  The options
`fieldsToUnset`, `fieldsToAppend` and `fieldsToUnappend` name traits, whose values the traits themselves hold.
"""

from collections.abc import Set as AbstractSet
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import truthy
from klavier.vendor import SkipEvent
from klavier_rudderstack.values import acceptable
from klavier_rudderstack.values.lookup import control_traits

DISABLED = "the event's integrations disable Klaviyo"

_SPELLINGS = ("KLAVIYO", "Klaviyo", "klaviyo")
"""The names of the destination, in the order in which RudderStack looks for them."""
_PATCHES = (("fieldsToUnset", "unset"), ("fieldsToAppend", "append"), ("fieldsToUnappend", "unappend"))


def check_enabled(payload: JsonObject) -> None:
    """Raise `SkipEvent` where Klaviyo is false in `integrations`, or not named and `All` is false."""
    integrations = payload["integrations"]
    if not isinstance(integrations, dict):
        return
    named = [integrations[spelling] for spelling in _SPELLINGS if spelling in integrations]
    if (named[0] if named else integrations.get("All")) is False:
        raise SkipEvent(DISABLED)


def read_patches(payload: JsonObject, notes: list[str], *, exact: bool) -> tuple[JsonObject, AbstractSet[str]]:
    """Return `patch_properties`, and the names of the traits in it, which are not custom properties then."""
    options, traits = _options(payload.get("integrations")), control_traits(payload)
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


def note_patches(payload: JsonObject, reason: str) -> list[str]:
    """Return notes about the options that change properties, where these have no effect."""
    options = _options(payload.get("integrations"))
    return [f"integrations.Klaviyo.{option} left out: {reason}" for option, _ in _PATCHES if options.get(option)]


def _options(integrations: Any) -> JsonObject:
    """Return the options that an event has for Klaviyo."""
    if isinstance(integrations, dict):
        for spelling in _SPELLINGS:
            options = integrations.get(spelling)
            if truthy(options):
                return options if isinstance(options, dict) else {}
    return {}
