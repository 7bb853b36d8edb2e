"""Named sets of mappings, for settings without mappings."""

from collections.abc import Mapping
from typing import Any, Final

from klavier_segment_actions.tables.fields import path

_OWN_ACTION = ("Order Completed", "User Subscribed", "User Unsubscribed", "Audience Entered", "Audience Exited")
_PROFILE = {"email": path("$.context.traits.email")}

DEFAULT: Final = (
    {"action": "upsertProfile", "fields": {"external_id": path("$.userId"), "properties": path("$.traits")}},
    {
        "action": "trackEvent",
        "trigger": " and ".join(['type = "track"', *(f'event != "{name}"' for name in _OWN_ACTION)]),
        "fields": {"profile": _PROFILE},
    },
    {
        "action": "orderCompleted",
        "trigger": 'type = "track" and event = "Order Completed"',
        "fields": {
            "profile": _PROFILE,
            "products": path("$.properties.products"),
            "value": {
                "@if": {
                    "exists": path("$.properties.total"),
                    "then": path("$.properties.total"),
                    "else": path("$.properties.revenue"),
                }
            },
        },
    },
    {"action": "subscribeProfile"},
    {"action": "unsubscribeProfile"},
    {
        "action": "addProfileToList",
        "trigger": 'type = "track" and event = "Audience Entered"',
        "fields": {"external_id": path("$.userId")},
    },
    {
        "action": "removeProfileFromList",
        "trigger": 'type = "track" and event = "Audience Exited"',
        "fields": {"external_id": path("$.userId")},
    },
)
"""The mappings of a configuration that has only a key: every event triggers at most one action."""

CLASSIC_MIGRATION: Final = (
    {"action": "upsertProfile"},
    {"action": "trackEvent", "fields": {"profile": _PROFILE}},
    {"action": "addProfileToList", "enabled": False},
    {"action": "removeProfileFromList", "enabled": False},
)
"""The mappings that Segment created when it migrated a Segment Classic destination; the Engage actions are disabled."""

PRESETS: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "default": DEFAULT,
    "classic-migration": CLASSIC_MIGRATION,
    "none": (),
}
