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
"""Each type's class, its own attributes with their members of the payload, and the member that holds its content."""


def read(payload: JsonObject) -> Event:
    """Read a payload that has a `type` into an event; raises `EventError` where the type is none of the six.

    A member of another kind where an object is expected counts as empty; the payload keeps it.
    """
    get = payload.get
    name = get("type")
    kind, own, content = (_KINDS.get(name) if name.__class__ is str else None) or _find_kind(name)
    context = get("context")
    attributes: JsonObject = {
        "payload": payload,
        "user_id": get("userId"),
        "anonymous_id": get("anonymousId"),
        "message_id": get("messageId"),
        "timestamp": get("timestamp"),
        "context": context if context.__class__ is dict else {},
    }
    for attribute, member in own:
        attributes[attribute] = get(member)
    if content:
        members = get(content)
        attributes[content] = members if members.__class__ is dict else {}
    return kind(**attributes)


def _find_kind(name: Any) -> _Kind:
    """Return the kind of a type in any spelling; raises `EventError`."""
    found = _KINDS.get(_normalize(name))
    if found is None:
        raise EventError(f"unknown event type {_describe(name)}: use one of {', '.join(_KINDS)}", "type")
    return found


def _normalize(name: Any) -> str:
    """Return a type in lower case and without blanks: both vendors ignore capitals."""
    return name.strip().lower() if isinstance(name, str) else ""


def _describe(name: Any) -> str:
    """Quote a type only where it is a word: anything else may be personal data."""
    is_word = isinstance(name, str) and name.isidentifier() and len(name) <= 40  # noqa: PLR2004 -- longer than any real type
    return repr(name) if is_word else f"({kind_of(name)})"
