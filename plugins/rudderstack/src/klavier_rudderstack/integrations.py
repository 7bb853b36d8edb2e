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
    integrations = payload["integrations"]
    if isinstance(integrations, dict):
        named = [integrations[spelling] for spelling in _SPELLINGS if spelling in integrations]
        if named[0] is False if named else integrations.get("All") is False:
            raise Skip(TURNED_OFF)


def options_of(integrations: Any) -> JsonObject:
    """Give the options that an event has for Klaviyo."""
    if isinstance(integrations, dict):
        for spelling in _SPELLINGS:
            options = integrations.get(spelling)
            if options and isinstance(options, dict):
                return options
    return {}
