"""Named sets of mappings, for settings without mappings."""

from collections.abc import Mapping
from typing import Any, Final

from klavier_segment_actions.mapping_kit import ROOT_DIRECTIVE
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

_ENTITIES = {
    "@transform": {
        "apply": {
            "@merge": {
                "direction": "right",
                "objects": [
                    path("$."),
                    {
                        "properties": {
                            "@merge": {
                                "direction": "right",
                                "objects": [
                                    path("$.properties"),
                                    {
                                        "@flatten": {
                                            "separator": "__",
                                            "omitArrays": True,
                                            "value": path("$.properties.data_graph_entity_context"),
                                        }
                                    },
                                    {"data_graph_entity_context": path("$.none")},
                                ],
                            }
                        }
                    },
                ],
            }
        }
    }
}
"""The root directive of exported mappings for linked audiences: entities become properties such as `order__total`."""

_EMITTED = "context.personas.event_emitter_id != null"
_JOURNEY_STEP = 'context.personas.computation_class = "journey_step"'

LINKED_AUDIENCES: Final = (
    {
        "action": "trackEvent",
        "trigger": f'type = "track" and {_EMITTED}',
        "fields": {ROOT_DIRECTIVE: _ENTITIES, "profile": _PROFILE},
    },
    {
        "action": "upsertProfile",
        "trigger": f'type = "identify" and {_EMITTED}',
        "fields": {"external_id": path("$.userId"), "properties": path("$.traits")},
    },
)
"""The events of linked audiences (Entities Audience Entered and Exited, Associated Entity Added and Removed, Entities
Audience Membership Changed): Segment makes a mapping for each, whose trigger names one event emitter."""

JOURNEYS: Final = (
    {
        "action": "trackEvent",
        "trigger": f'type = "track" and {_JOURNEY_STEP}',
        "fields": {"profile": _PROFILE},
    },
    {
        "action": "upsertProfile",
        "trigger": f'type = "identify" and {_JOURNEY_STEP}',
        "fields": {"external_id": path("$.userId"), "properties": path("$.traits")},
    },
)
"""The events of journeys (Journeys Step Entered, Journey Step All Events)."""

PRESETS: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "default": DEFAULT,
    "classic-migration": CLASSIC_MIGRATION,
    "linked-audiences": LINKED_AUDIENCES,
    "journeys": JOURNEYS,
    "none": (),
}
