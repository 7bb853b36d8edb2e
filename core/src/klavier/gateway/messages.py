"""Complete the events of a request as the CDPs' own servers do: types, times, address and user agent.

Source: Segment's HTTP Tracking API and RudderStack's HTTP API, and what their SDKs send.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen

from klavier.events.batch import split_batch
from klavier.values.times import read_moment

_PRIVATE = ("writeKey", "_metadata")
"""What is for the server alone; the key must not reach a file."""
_FARTHEST = timedelta(days=400)
"""Clocks that differ by more are not corrected: a wrong `sentAt` would move history by years."""


@frozen
class Client:
    """The browser or app of a request; empty texts where it is not known or not to be filled in."""

    ip: str = ""
    user_agent: str = ""


def read_messages(body: Any, event_type: str | None) -> Iterator[Any]:
    """Return the events of a body, each as sent: one event, an array, or an object with `batch`.

    `event_type` is the type that the path names, for a single event without one. The members that a batch states once
    are added to its events that lack them. What is no object is returned unchanged, and rejected when it is checked.
    """
    if isinstance(body, list):
        yield from body
        return
    events = split_batch(body)
    if events is None:
        if isinstance(body, dict) and event_type is not None and not body.get("type"):
            body = {**body, "type": event_type}
        yield body
    else:
        yield from events


def complete(message: Mapping[str, Any], received_at: datetime, client: Client) -> dict[str, Any]:
    """Return an event with `receivedAt`, a corrected `timestamp`, and the client's address and user agent.

    `timestamp` becomes the time of receipt less the time from the event to `sentAt`, both by the sender's clock; the
    sender's own time stays as `originalTimestamp`.
    """
    event = {name: value for name, value in message.items() if name not in _PRIVATE}
    event["receivedAt"] = write_time(received_at)
    if "properties" in event and "event" in event and "type" not in event:
        return event  # Freshpaint's format has its own members for times and addresses
    original = event.get("originalTimestamp") or event.get("timestamp")
    if original in (None, ""):
        event["timestamp"] = event["receivedAt"]
    else:
        event["originalTimestamp"] = original
        event["timestamp"] = _correct(original, event.get("sentAt"), received_at) or original
    context = event.get("context")
    if (client.ip or client.user_agent) and (context is None or isinstance(context, dict)):
        filled = dict(context or {})
        if client.ip and not filled.get("ip"):
            filled["ip"] = client.ip
        if client.user_agent and not filled.get("userAgent"):
            filled["userAgent"] = client.user_agent
        event["context"] = filled
    return event


def write_time(moment: datetime) -> str:
    """Write a time as SDKs do: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _correct(original: Any, sent_at: Any, received_at: datetime) -> str | None:
    happened, sent = read_moment(original), read_moment(sent_at)
    if happened is None or sent is None or abs(received_at - sent) > _FARTHEST:
        return None
    try:
        return write_time(received_at - (sent - happened))
    except OverflowError:
        return None
