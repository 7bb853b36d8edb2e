"""The wire format of Segment and RudderStack: one JSON object with a `type`.

Source: the common fields and calls of both vendors' event specifications.
"""

from typing import Any

from klavier.errors import EventError
from klavier.events.model import Alias, Event, Group, Identify, JsonObject, Page, Screen, Track
from klavier.strictjson import kind_of

_Kind = tuple[type[Event], tuple[tuple[str, str], ...], str]

_KINDS: dict[str, _Kind] = {
    "identify": (Identify, (), "traits"),
    "track": (Track, (("event", "event"),), "properties"),
    "page": (Page, (("name", "name"), ("category", "category")), "properties"),
    "screen": (Screen, (("name", "name"), ("category", "category")), "properties"),
    "group": (Group, (("group_id", "groupId"),), "traits"),
    "alias": (Alias, (("previous_id", "previousId"),), ""),
}
"""Each type's class, its own attributes with their members of the payload, and the object it is about."""


def read(payload: JsonObject) -> Event:
    """Make an event of a payload that has a `type`; raises `EventError` where that names none of the six.

    A member that is no object where it should be counts as empty; the payload keeps it.
    """
    get = payload.get
    name = get("type")
    kind, own, holder = (_KINDS.get(name) if name.__class__ is str else None) or _kind_of(name)
    context = get("context")
    attributes = {
        "payload": payload,
        "user_id": get("userId"),
        "anonymous_id": get("anonymousId"),
        "message_id": get("messageId"),
        "timestamp": get("timestamp"),
        "context": context if context.__class__ is dict else {},
    }
    for attribute, member in own:
        attributes[attribute] = get(member)
    if holder:
        held = get(holder)
        attributes[holder] = held if held.__class__ is dict else {}
    # What the class's own __init__ does with these attributes, in half the time, and quicker to read afterwards.
    event: Event = object.__new__(kind)
    object.__setattr__(event, "__dict__", attributes)
    return event


def _kind_of(name: Any) -> "_Kind":
    found = _KINDS.get(_spelling(name))
    if found is None:
        raise EventError(f"event type {_shown(name)} is not known; use one of {', '.join(_KINDS)}", "type")
    return found


def _spelling(name: Any) -> str:
    """Forgive capitals in a type, as both vendors do."""
    return name.strip().lower() if isinstance(name, str) else ""


def _shown(name: Any) -> str:
    """Quote a type only where it is a word: anything else may be somebody's data."""
    is_word = isinstance(name, str) and name.isidentifier() and len(name) <= 40  # noqa: PLR2004 -- room for any real type
    return repr(name) if is_word else f"({kind_of(name)})"
