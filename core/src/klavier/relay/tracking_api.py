"""The calls of a relay, as people know them from the vendors' own libraries, in the wire format."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from klavier.events.model import Event
from klavier.relay.intake import call_payload

T = TypeVar("T")
Json = Mapping[str, Any]


class Calls(ABC, Generic[T]):
    """identify, track, page, screen, group and alias, each said as one event to `send`.

    Every call takes `user_id` or `anonymous_id`, and `timestamp`, `message_id`, `context` and `integrations` where the
    caller has them.  Raises `EventError` for what is no event, `OutboxError` where it could not be kept.
    """

    @abstractmethod
    def send(self, event: Event | Json) -> T:
        """Accept one event, or its payload."""

    def identify(self, user_id: Any = None, traits: Json | None = None, **more: Any) -> T:
        """Say who someone is."""
        return self._say("identify", {"userId": user_id, "traits": traits}, more)

    def track(self, event: str, properties: Json | None = None, *, user_id: Any = None, **more: Any) -> T:
        """Say what someone did."""
        return self._say("track", {"userId": user_id, "event": event, "properties": properties}, more)

    def page(self, name: str | None = None, properties: Json | None = None, *, user_id: Any = None, **more: Any) -> T:
        """Say which web page someone viewed."""
        return self._say("page", {"userId": user_id, "name": name, "properties": properties}, more)

    def screen(self, name: str | None = None, properties: Json | None = None, *, user_id: Any = None, **more: Any) -> T:
        """Say which mobile screen someone viewed."""
        return self._say("screen", {"userId": user_id, "name": name, "properties": properties}, more)

    def group(self, group_id: Any, traits: Json | None = None, *, user_id: Any = None, **more: Any) -> T:
        """Say to which company or list someone belongs."""
        return self._say("group", {"userId": user_id, "groupId": group_id, "traits": traits}, more)

    def alias(self, previous_id: Any, user_id: Any, **more: Any) -> T:
        """Say that two ids are one person."""
        return self._say("alias", {"userId": user_id, "previousId": previous_id}, more)

    def _say(self, kind: str, members: dict[str, Any], more: dict[str, Any]) -> T:
        named = {_WIRE_NAMES.get(name, name): value for name, value in more.items()}
        return self.send(call_payload(kind, {**members, **named}))


_WIRE_NAMES = {
    "anonymous_id": "anonymousId",
    "message_id": "messageId",
    "original_timestamp": "originalTimestamp",
}
