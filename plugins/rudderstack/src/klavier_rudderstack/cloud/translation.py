"""What one event translates into, before it becomes a delivery."""

from typing import Any, Literal

from attrs import define, frozen

from klavier.events.model import JsonObject
from klavier.klaviyo.request import Request

Operation = Literal["subscribe", "unsubscribe", "add"]
"""What is done with a profile and a list; `add` makes it a member without any consent."""


@frozen(repr=False)
class Membership:
    """A change of a list: `entry` is the profile's entry of the job, empty for `add`, which needs Klaviyo's own id."""

    operation: Operation
    list_id: Any
    """Text, unless v1 sends the event's value unchanged."""
    entry: JsonObject


@define(repr=False)
class Translation:
    """The calls for one event, in order: its profile, its membership, its create event request; each is optional."""

    profile: JsonObject | None = None
    membership: Membership | None = None
    event: Request | None = None
    notes: tuple[str, ...] = ()
