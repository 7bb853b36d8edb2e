"""The six events, as frozen classes with a union type, so that `match` works on them.

An event is a view of its payload: the attributes are what every vendor reads, `payload` is the whole object as the
sender wrote it.  Nothing is validated here: what an event needs is a vendor's rule.

The classes have no slots: attrs creates frozen instances faster without.
"""

import hashlib
from typing import Any, ClassVar

import orjson
from attrs import field, frozen

from klavier.redaction import redact_text
from klavier.strictjson import kind_of

JsonObject = dict[str, Any]
"""A JSON object as Python reads it; treat those inside an event as read-only."""

_STAMPS = frozenset({"sentAt", "receivedAt"})
"""Members that libraries write anew each time they send an event: no part of its content."""
_LONGEST = 60
"""Characters of a message id that a repr shows."""


@frozen(repr=False, eq=False, slots=False)
class BaseEvent:
    """The attributes of all events.  Ids are any JSON value, times are as sent; absent and null both read as None."""

    type: ClassVar[str] = ""

    payload: JsonObject
    """The whole payload as sent, unknown members included."""
    user_id: Any = field(default=None, kw_only=True)
    anonymous_id: Any = field(default=None, kw_only=True)
    message_id: Any = field(default=None, kw_only=True)
    timestamp: Any = field(default=None, kw_only=True)
    context: JsonObject = field(factory=dict, kw_only=True)

    def __repr__(self) -> str:
        """Return the type and message id: no personal data."""
        name = redact_text(self.message_id[:_LONGEST]) if isinstance(self.message_id, str) else kind_of(self.message_id)
        return f"<{self.__class__.__name__} message_id={name}>"

    def __eq__(self, other: object) -> bool:
        """Compare type and payload."""
        return self.__class__ is other.__class__ and self.payload == other.payload

    def __hash__(self) -> int:
        """Hash type and message id, which equal events share."""
        return hash((self.type, None if isinstance(self.message_id, (dict, list)) else self.message_id))

    @property
    def stable_id(self) -> str:
        """The message id, or for an event without one an id derived from its content: the same event, the same id."""
        if isinstance(self.message_id, str) and self.message_id:
            return self.message_id
        own = {key: value for key, value in self.payload.items() if key not in _STAMPS}
        canonical = orjson.dumps(own, option=orjson.OPT_SORT_KEYS)
        return "klavier-" + hashlib.sha256(canonical).hexdigest()[:32]


@frozen(repr=False, eq=False, slots=False)
class Identify(BaseEvent):
    """The `traits` of a profile."""

    type: ClassVar[str] = "identify"
    traits: JsonObject = field(factory=dict, kw_only=True)


@frozen(repr=False, eq=False, slots=False)
class Track(BaseEvent):
    """Something that happened: the `event` name and its `properties`."""

    type: ClassVar[str] = "track"
    event: Any = field(default=None, kw_only=True)
    properties: JsonObject = field(factory=dict, kw_only=True)


@frozen(repr=False, eq=False, slots=False)
class Page(BaseEvent):
    """A view of a web page: its `name`, `category` and `properties`."""

    type: ClassVar[str] = "page"
    name: Any = field(default=None, kw_only=True)
    category: Any = field(default=None, kw_only=True)
    properties: JsonObject = field(factory=dict, kw_only=True)


@frozen(repr=False, eq=False, slots=False)
class Screen(BaseEvent):
    """A view of a mobile screen: its `name`, `category` and `properties`."""

    type: ClassVar[str] = "screen"
    name: Any = field(default=None, kw_only=True)
    category: Any = field(default=None, kw_only=True)
    properties: JsonObject = field(factory=dict, kw_only=True)


@frozen(repr=False, eq=False, slots=False)
class Group(BaseEvent):
    """Membership of a company or list: `group_id` and the `traits` of the group."""

    type: ClassVar[str] = "group"
    group_id: Any = field(default=None, kw_only=True)
    traits: JsonObject = field(factory=dict, kw_only=True)


@frozen(repr=False, eq=False, slots=False)
class Alias(BaseEvent):
    """Two ids of one profile: `user_id` is the new one, `previous_id` the old one."""

    type: ClassVar[str] = "alias"
    previous_id: Any = field(default=None, kw_only=True)


Event = Identify | Track | Page | Screen | Group | Alias
"""Any of the six events; a union type, so that `match` and `isinstance` work on it."""
