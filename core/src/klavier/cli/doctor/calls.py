"""Which of a vendor's calls Klaviyo has retired, found by a dry run of one event of each kind."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from klavier.events.reader import parse_event
from klavier.flows.rehearsal import rehearse
from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.revisions import RETIRES

if TYPE_CHECKING:
    from klavier.klaviyo.request import Request
    from klavier.vendor import Vendor

LEGACY_GONE = "2024-06-30"
"""The day on which Klaviyo shut the v1 and v2 calls down."""

_PROFILE = {"userId": "doctor", "messageId": "doctor", "context": {"traits": {"email": "doctor@example.com"}}}
_EVENTS = (
    {"type": "identify", "traits": {"email": "doctor@example.com"}},
    {"type": "track", "event": "Order Completed", "properties": {"order_id": "1", "revenue": 1}},
    {"type": "page", "name": "Home", "properties": {}},
    {"type": "screen", "name": "Home", "properties": {}},
    {"type": "group", "groupId": "list", "traits": {"subscribe": True}},
)


def outdated_calls(vendor: "Vendor", today: date | None = None) -> Iterator[tuple[str, bool]]:
    """Yield the retired APIs that the vendor uses, each with whether its calls fail today."""
    requests = rehearse(vendor, [parse_event({**_PROFILE, **event}) for event in _EVENTS]).requests
    day = (today or datetime.now(UTC).date()).isoformat()
    if any(_is_legacy(request) for request in requests):
        yield f"the vendor's native wire uses the legacy API, which Klaviyo shut down on {LEGACY_GONE}", True
    for revision in sorted({request.revision for request in requests if request.revision}):
        retired = RETIRES.get(revision)
        if retired is not None and retired <= day:
            yield f"revision {revision} was retired on {retired}; Klaviyo answers as the oldest it still serves", False


def _is_legacy(request: "Request") -> bool:
    operation = find_operation(request.method, request.path)
    return operation is not None and operation.name.startswith("legacy_")
