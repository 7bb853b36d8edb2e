"""What the `integrations` object of an event says to the Klaviyo destination.

Source: RudderStack's event specification; its servers and its code in the browser filter events by it.
"""

from typing import Any

from klavier.events.model import JsonObject
from klavier_rudderstack.parcel import Skip

TURNED_OFF = "the integrations of the event turn Klaviyo off"

_SPELLINGS = ("Klaviyo", "klaviyo", "KLAVIYO")


def check_enabled(payload: JsonObject) -> None:
    """Raise `Skip` where the event is not meant for Klaviyo: it is named and false, or not named and all are off."""
    if _turn_off(payload["integrations"]):
        raise Skip(TURNED_OFF)


def are_special(integrations: Any) -> bool:
    """Tell whether integrations turn Klaviyo off or have options for it."""
    return _turn_off(integrations) or bool(options_of(integrations))


def options_of(integrations: Any) -> JsonObject:
    """Give the options that an event has for Klaviyo."""
    if isinstance(integrations, dict):
        for spelling in _SPELLINGS:
            options = integrations.get(spelling)
            if options and isinstance(options, dict):
                return options
    return {}


def _turn_off(integrations: Any) -> bool:
    if not isinstance(integrations, dict):
        return False
    named = [integrations[spelling] for spelling in _SPELLINGS if spelling in integrations]
    return (named[0] if named else integrations.get("All")) is False
