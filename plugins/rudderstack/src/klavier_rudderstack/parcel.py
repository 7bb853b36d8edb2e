"""What one event comes to: what has to be said to Klaviyo about it."""

from typing import Literal

from attrs import define, frozen

from klavier.events.model import JsonObject
from klavier.klaviyo.request import Request

Operation = Literal["subscribe", "unsubscribe", "add"]
"""What is done with a person and a list; `add` makes a member without any consent."""


class Refused(Exception):  # noqa: N818 -- an event's fate while it is translated, not an error of ours
    """The event cannot be said; the message is its outcome's reason, without personal data."""


class Skip(Exception):  # noqa: N818 -- an event's fate while it is translated, not an error of ours
    """RudderStack does nothing for the event, by its own rules; the message says why."""


@frozen(repr=False)
class Membership:
    """A person on a list: `profile` is the entry of the job, empty for `add`, which takes Klaviyo's own id."""

    operation: Operation
    list_id: str
    profile: JsonObject


@define(repr=False)
class Parcel:
    """What has to be said: a profile first, then its membership, then an event; each may be missing."""

    profile: JsonObject | None = None
    membership: Membership | None = None
    event: Request | None = None
    notes: tuple[str, ...] = ()
