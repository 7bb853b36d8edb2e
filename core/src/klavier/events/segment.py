"""The wire format of Segment and RudderStack: one JSON object with a `type`.

Source: the common fields and calls of both vendors' event specifications.
"""

from collections.abc import Callable
from typing import Any

from klavier.errors import EventError
from klavier.events.model import Alias, Event, Group, Identify, JsonObject, Page, Screen, Track
from klavier.strictjson import kind_of


def read(payload: JsonObject) -> Event:
    """Make an event of a payload that has a `type`; raises `EventError` where that names none of the six."""
    name = payload.get("type")
    make = _MAKERS.get(name) if isinstance(name, str) else None
    if make is None:
        make = _MAKERS.get(_spelling(name))
    if make is None:
        raise EventError(f"event type {_shown(name)} is not known; use one of {', '.join(_MAKERS)}", "type")
    return make(payload, payload.get)


def _spelling(name: Any) -> str:
    """Forgive capitals in a type, as both vendors do."""
    return name.strip().lower() if isinstance(name, str) else ""


def _shown(name: Any) -> str:
    """Quote a type only where it is a word: anything else may be somebody's data."""
    is_word = isinstance(name, str) and name.isidentifier() and len(name) <= 40  # noqa: PLR2004 -- room for any real type
    return repr(name) if is_word else f"({kind_of(name)})"


def _object(found: Any) -> JsonObject:
    """Read a member as an object where it is one; anything else counts as empty, the payload keeps it."""
    return found if found.__class__ is dict else {}


def _identify(payload: JsonObject, get: Callable[[str], Any]) -> Identify:
    return Identify(
        payload,
        user_id=get("userId"),
        anonymous_id=get("anonymousId"),
        message_id=get("messageId"),
        timestamp=get("timestamp"),
        context=_object(get("context")),
        traits=_object(get("traits")),
    )


def _track(payload: JsonObject, get: Callable[[str], Any]) -> Track:
    return Track(
        payload,
        user_id=get("userId"),
        anonymous_id=get("anonymousId"),
        message_id=get("messageId"),
        timestamp=get("timestamp"),
        context=_object(get("context")),
        event=get("event"),
        properties=_object(get("properties")),
    )


def _page(payload: JsonObject, get: Callable[[str], Any]) -> Page:
    return Page(
        payload,
        user_id=get("userId"),
        anonymous_id=get("anonymousId"),
        message_id=get("messageId"),
        timestamp=get("timestamp"),
        context=_object(get("context")),
        name=get("name"),
        category=get("category"),
        properties=_object(get("properties")),
    )


def _screen(payload: JsonObject, get: Callable[[str], Any]) -> Screen:
    return Screen(
        payload,
        user_id=get("userId"),
        anonymous_id=get("anonymousId"),
        message_id=get("messageId"),
        timestamp=get("timestamp"),
        context=_object(get("context")),
        name=get("name"),
        category=get("category"),
        properties=_object(get("properties")),
    )


def _group(payload: JsonObject, get: Callable[[str], Any]) -> Group:
    return Group(
        payload,
        user_id=get("userId"),
        anonymous_id=get("anonymousId"),
        message_id=get("messageId"),
        timestamp=get("timestamp"),
        context=_object(get("context")),
        group_id=get("groupId"),
        traits=_object(get("traits")),
    )


def _alias(payload: JsonObject, get: Callable[[str], Any]) -> Alias:
    return Alias(
        payload,
        user_id=get("userId"),
        anonymous_id=get("anonymousId"),
        message_id=get("messageId"),
        timestamp=get("timestamp"),
        context=_object(get("context")),
        previous_id=get("previousId"),
    )


_MAKERS: dict[str, Callable[[JsonObject, Callable[[str], Any]], Event]] = {
    "identify": _identify,
    "track": _track,
    "page": _page,
    "screen": _screen,
    "group": _group,
    "alias": _alias,
}
