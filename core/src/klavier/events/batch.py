"""Batches: several events in one JSON object, as the SDKs of Segment and RudderStack post them."""

from typing import Any

_SHARED = ("context", "integrations", "sentAt")
"""Members that a batch states once for all its events."""
_NULLABLE = frozenset({"context", "integrations"})
"""Members that an SDK writes as null where an event has none of its own; the batch's then counts."""


def split_batch(body: Any) -> list[Any] | None:
    """Return the events of an object with `batch`, each with the members that the batch states once; None for others.

    Elements that are no object are returned unchanged, so that whoever parses them rejects them.

    Source: Segment's HTTP Tracking API and RudderStack's HTTP API, batch calls.
    """
    if not isinstance(body, dict) or not isinstance(body.get("batch"), list):
        return None
    shared = {name: body[name] for name in _SHARED if body.get(name) is not None}
    return [{**shared, **_without_null(event)} if isinstance(event, dict) else event for event in body["batch"]]


def _without_null(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if value is not None or name not in _NULLABLE}
