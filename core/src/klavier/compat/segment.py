"""The interface of Segment's Python library: `import klavier.compat.segment as analytics` replaces it.

Same functions, same order of arguments.  Events go through a relay that is opened with the first call, from
the configuration that `KLAVIER_CONFIG` names, else `klavier.toml`.  Segment's settings, such as `write_key` and `host`,
can be set and have no effect, except `send` (False discards all events), `on_error` and `sync_mode`.

Source: the public functions of `segment-analytics-python` 2.3.
"""

import atexit
import threading
from collections.abc import Callable, Mapping
from typing import Any

from klavier.errors import KlavierError
from klavier.forking import ForkAware, register
from klavier.relay.factory import open as open_relay
from klavier.relay.intake import call_payload
from klavier.relay.relay import Relay
from klavier.relay.tracking_api import suggest_keywords

Json = Mapping[str, Any]

write_key: str | None = None
host: str | None = None
debug = False
send = True
"""Whether events are accepted; False discards them, for tests of programs."""
sync_mode = False
"""Whether each call waits until its event has its outcome."""
on_error: Callable[[Exception, list[dict[str, Any]]], None] | None = None
"""Called with the error and the event where one cannot be accepted; without it the call raises."""


class _Opening(ForkAware):
    """The lock under which the relay is opened and closed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        register(self)

    def renew_after_fork(self) -> None:
        self.lock = threading.Lock()


_opening = _Opening()
_relay: Relay | None = None


@suggest_keywords
def identify(  # noqa: PLR0913, PLR0917 -- Segment's signature
    user_id: Any = None,
    traits: Json | None = None,
    context: Json | None = None,
    timestamp: Any = None,
    anonymous_id: Any = None,
    integrations: Json | None = None,
    message_id: str | None = None,
) -> tuple[bool, dict[str, Any]]:
    """Identify a profile and set its traits."""
    common = _common(user_id, context, timestamp, anonymous_id, integrations, message_id)
    return _accept("identify", {**common, "traits": traits})


@suggest_keywords
def track(  # noqa: PLR0913, PLR0917 -- Segment's signature
    user_id: Any = None,
    event: str | None = None,
    properties: Json | None = None,
    context: Json | None = None,
    timestamp: Any = None,
    anonymous_id: Any = None,
    integrations: Json | None = None,
    message_id: str | None = None,
) -> tuple[bool, dict[str, Any]]:
    """Record what a profile did."""
    common = _common(user_id, context, timestamp, anonymous_id, integrations, message_id)
    return _accept("track", {**common, "event": event, "properties": properties})


@suggest_keywords
def group(  # noqa: PLR0913, PLR0917 -- Segment's signature
    user_id: Any = None,
    group_id: Any = None,
    traits: Json | None = None,
    context: Json | None = None,
    timestamp: Any = None,
    anonymous_id: Any = None,
    integrations: Json | None = None,
    message_id: str | None = None,
) -> tuple[bool, dict[str, Any]]:
    """Record that a profile belongs to a company or a list."""
    common = _common(user_id, context, timestamp, anonymous_id, integrations, message_id)
    return _accept("group", {**common, "groupId": group_id, "traits": traits})


@suggest_keywords
def alias(  # noqa: PLR0913, PLR0917 -- Segment's signature
    previous_id: Any = None,
    user_id: Any = None,
    context: Json | None = None,
    timestamp: Any = None,
    integrations: Json | None = None,
    message_id: str | None = None,
) -> tuple[bool, dict[str, Any]]:
    """Record that two ids belong to one profile."""
    common = _common(user_id, context, timestamp, None, integrations, message_id)
    return _accept("alias", {**common, "previousId": previous_id})


@suggest_keywords
def page(  # noqa: PLR0913, PLR0917 -- Segment's signature
    user_id: Any = None,
    category: str | None = None,
    name: str | None = None,
    properties: Json | None = None,
    context: Json | None = None,
    timestamp: Any = None,
    anonymous_id: Any = None,
    integrations: Json | None = None,
    message_id: str | None = None,
) -> tuple[bool, dict[str, Any]]:
    """Record that a profile viewed a web page."""
    common = _common(user_id, context, timestamp, anonymous_id, integrations, message_id)
    return _accept("page", {**common, "category": category, "name": name, "properties": properties})


@suggest_keywords
def screen(  # noqa: PLR0913, PLR0917 -- Segment's signature
    user_id: Any = None,
    category: str | None = None,
    name: str | None = None,
    properties: Json | None = None,
    context: Json | None = None,
    timestamp: Any = None,
    anonymous_id: Any = None,
    integrations: Json | None = None,
    message_id: str | None = None,
) -> tuple[bool, dict[str, Any]]:
    """Record that a profile viewed a screen of an app."""
    common = _common(user_id, context, timestamp, anonymous_id, integrations, message_id)
    return _accept("screen", {**common, "category": category, "name": name, "properties": properties})


def flush() -> None:
    """Wait until everything accepted so far has its outcome."""
    if _relay is not None:
        _relay.flush()


def shutdown() -> None:
    """Flush and close the relay; the next call opens a new one."""
    global _relay
    with _opening.lock:
        relay, _relay = _relay, None
    if relay is not None:
        relay.close()


join = shutdown
"""Segment's name for the same without a flush; here nothing is lost either way."""

atexit.register(shutdown)


def use(relay: Relay) -> None:
    """Send through a relay that the program has opened, in place of one from the configuration."""
    global _relay  # noqa: PLW0603 -- as above
    with _opening.lock:
        _relay = relay


def _common(  # noqa: PLR0913, PLR0917 -- what Segment's calls have in common
    user_id: Any,
    context: Json | None,
    timestamp: Any,
    anonymous_id: Any,
    integrations: Json | None,
    message_id: str | None,
) -> dict[str, Any]:
    return {
        "userId": user_id,
        "anonymousId": anonymous_id,
        "context": context,
        "timestamp": timestamp,
        "integrations": integrations,
        "messageId": message_id,
    }


def _accept(kind: str, members: Json) -> tuple[bool, dict[str, Any]]:
    """Accept an event; returns whether it was, and its payload, as Segment's library does."""
    payload = {"type": kind, **members}
    try:
        payload = call_payload(kind, members)
        if not send:
            return True, payload
        relay = _opened()
        relay.send(payload)
    except KlavierError as error:
        if on_error is None:
            raise
        on_error(error, [payload])
        return False, payload
    if sync_mode:
        relay.flush()
    return True, payload


def _opened() -> Relay:
    global _relay  # noqa: PLW0603 -- as above
    with _opening.lock:
        if _relay is None:
            _relay = open_relay()
        return _relay
