"""The calls of a relay, named as in the vendors' own libraries."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar

from klavier.errors import EventError
from klavier.events.model import Event
from klavier.relay.intake import call_payload

P = ParamSpec("P")
T = TypeVar("T")
Json = Mapping[str, Any]


def suggest_keywords(method: Callable[P, T]) -> Callable[P, T]:
    """Decorate a method so that a misspelled keyword raises `TypeError` with the closest name, on every Python."""
    code = method.__code__
    known = frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if not kwargs.keys() <= known:
            name = min(kwargs.keys() - known)
            close = difflib.get_close_matches(name, known - {"self"}, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise TypeError(f"{method.__name__}() has no argument {name!r}{hint}")
        return method(*args, **kwargs)

    return call


class TrackingApi(ABC, Generic[T]):
    """identify, track, page, screen, group and alias: each passes one event to `send`.

    All but `alias` need an identity: `user_id`, `anonymous_id`, or an email or phone in traits or properties.  Common
    arguments: `timestamp` is when it happened (a datetime or ISO 8601 string, by default now), `message_id` names the
    event, so that sending it again delivers it once (by default random), `context` and `integrations` are as in the
    vendors' specifications.

    Raises `EventError` for what is no event, `OutboxError` where it could not be stored, `RelayClosedError` after
    `close`.
    """

    @abstractmethod
    def send(self, event: Event | Json) -> T:
        """Accept one event, or its payload."""

    @suggest_keywords
    def identify(  # noqa: PLR0913 -- as the vendors' own libraries
        self,
        user_id: Any = None,
        traits: Json | None = None,
        *,
        anonymous_id: Any = None,
        timestamp: Any = None,
        message_id: str | None = None,
        context: Json | None = None,
        integrations: Json | None = None,
    ) -> T:
        """Identify a profile and set its traits."""
        return self._send(
            "identify",
            userId=user_id,
            traits=traits,
            anonymousId=anonymous_id,
            timestamp=timestamp,
            messageId=message_id,
            context=context,
            integrations=integrations,
        )

    @suggest_keywords
    def track(  # noqa: PLR0913 -- as the vendors' own libraries
        self,
        event: str,
        properties: Json | None = None,
        *,
        user_id: Any = None,
        anonymous_id: Any = None,
        timestamp: Any = None,
        message_id: str | None = None,
        context: Json | None = None,
        integrations: Json | None = None,
    ) -> T:
        """Record what a profile did."""
        return self._send(
            "track",
            userId=user_id,
            event=event,
            properties=properties,
            anonymousId=anonymous_id,
            timestamp=timestamp,
            messageId=message_id,
            context=context,
            integrations=integrations,
        )

    @suggest_keywords
    def page(  # noqa: PLR0913 -- as the vendors' own libraries
        self,
        name: str | None = None,
        properties: Json | None = None,
        *,
        user_id: Any = None,
        category: str | None = None,
        anonymous_id: Any = None,
        timestamp: Any = None,
        message_id: str | None = None,
        context: Json | None = None,
        integrations: Json | None = None,
    ) -> T:
        """Record that a profile viewed a web page."""
        return self._send(
            "page",
            userId=user_id,
            name=name,
            category=category,
            properties=properties,
            anonymousId=anonymous_id,
            timestamp=timestamp,
            messageId=message_id,
            context=context,
            integrations=integrations,
        )

    @suggest_keywords
    def screen(  # noqa: PLR0913 -- as the vendors' own libraries
        self,
        name: str | None = None,
        properties: Json | None = None,
        *,
        user_id: Any = None,
        category: str | None = None,
        anonymous_id: Any = None,
        timestamp: Any = None,
        message_id: str | None = None,
        context: Json | None = None,
        integrations: Json | None = None,
    ) -> T:
        """Record that a profile viewed a screen of an app."""
        return self._send(
            "screen",
            userId=user_id,
            name=name,
            category=category,
            properties=properties,
            anonymousId=anonymous_id,
            timestamp=timestamp,
            messageId=message_id,
            context=context,
            integrations=integrations,
        )

    @suggest_keywords
    def group(  # noqa: PLR0913 -- as the vendors' own libraries
        self,
        group_id: Any,
        traits: Json | None = None,
        *,
        user_id: Any = None,
        anonymous_id: Any = None,
        timestamp: Any = None,
        message_id: str | None = None,
        context: Json | None = None,
        integrations: Json | None = None,
    ) -> T:
        """Record that a profile belongs to a company or a list."""
        return self._send(
            "group",
            userId=user_id,
            groupId=group_id,
            traits=traits,
            anonymousId=anonymous_id,
            timestamp=timestamp,
            messageId=message_id,
            context=context,
            integrations=integrations,
        )

    @suggest_keywords
    def alias(  # noqa: PLR0913 -- as the vendors' own libraries
        self,
        previous_id: Any,
        user_id: Any,
        *,
        anonymous_id: Any = None,
        timestamp: Any = None,
        message_id: str | None = None,
        context: Json | None = None,
        integrations: Json | None = None,
    ) -> T:
        """Record that two ids belong to one profile."""
        return self._send(
            "alias",
            userId=user_id,
            previousId=previous_id,
            anonymousId=anonymous_id,
            timestamp=timestamp,
            messageId=message_id,
            context=context,
            integrations=integrations,
        )

    def _send(self, kind: str, **members: Any) -> T:
        try:
            payload = call_payload(kind, members)
        except EventError as error:
            return self._refuse(
                error, {"type": kind, **{name: each for name, each in members.items() if each is not None}}
            )
        return self.send(payload)

    @abstractmethod
    def _refuse(self, error: EventError, call: Json) -> T:
        """Raise the error of a call that is no event, or return what such a call returns."""
