"""The eight actions: title, default trigger, batch limits.

Source: "Available Actions" in Segment's document; batch limits, batch keys and batch defaults as observed.
"""

from typing import Final

from attrs import frozen

from klavier_segment_actions.payload.fields import Field
from klavier_segment_actions.tables import fields

CONTROLS: Final = ("enable_batching", "batch_size", "batch_keys")
"""Fields that control how events are sent; they are no part of the payload."""

HOOK: Final = "retlOnMappingSave"
"""The key in which an exported Upsert Profile mapping keeps the list that it is connected to."""

INTERNAL: Final = "__segment_internal_"
"""The prefix of keys that Segment adds to exported mappings: the root directive, and settings of its queues."""


@frozen
class BatchLimits:
    """How many events one batch may have, and the fields that all events of a batch share."""

    least: int
    most: int
    default: int
    keys: tuple[str, ...] = ()
    on: bool = False
    """Whether the implementation batches by default."""


@frozen
class ActionRow:
    """A row of the table; an empty `trigger` depends on the fidelity."""

    name: str
    title: str
    trigger: str
    fields: tuple[Field, ...]
    batch: BatchLimits | None


# fmt: off
ACTIONS: Final = (
    ActionRow("trackEvent",            "Track Event",                       'type = "track"',                                     fields.TRACK_EVENT,              BatchLimits(100, 1000, 1000, on=True)),
    ActionRow("orderCompleted",        "Order Completed",                   'type = "track"',                                     fields.ORDER_COMPLETED,          None),
    ActionRow("upsertProfile",         "Upsert Profile",                    'type = "identify"',                                  fields.UPSERT_PROFILE,           BatchLimits(100, 10_000, 10_000, ("list_id", "override_list_id"))),
    ActionRow("addProfileToList",      "Add Profile to List (Engage)",      'event = "Audience Entered"',                         fields.ADD_PROFILE_TO_LIST,      BatchLimits(100, 10_000, 10_000, ("list_id",), on=True)),
    ActionRow("removeProfileFromList", "Remove Profile from List (Engage)", 'event = "Audience Exited"',                          fields.REMOVE_PROFILE_FROM_LIST, BatchLimits(100, 1000, 1000, ("list_id",), on=True)),
    ActionRow("removeProfile",         "Remove Profile",                    "",                                                   fields.REMOVE_PROFILE,           BatchLimits(100, 1000, 1000, ("list_id",), on=True)),
    ActionRow("subscribeProfile",      "Subscribe Profile",                 'type = "track" and event = "User Subscribed"',       fields.SUBSCRIBE_PROFILE,        BatchLimits(100, 1000, 1000, ("list_id", "custom_source", "historical_import"))),
    ActionRow("unsubscribeProfile",    "Unsubscribe Profile",               'type = "track" and event = "User Unsubscribed"',     fields.UNSUBSCRIBE_PROFILE,      BatchLimits(50, 100, 100, ("list_id",))),
)
# fmt: on
