"""How fast Segment Actions' translation is: parse, translate and serialise, one event at a time and 1000 together.

Run it as `python -m tests.benchmarks.segment_actions`.  The references were measured for Segment's own implementation
on a machine like the one this was written on, in events per CPU-second.
"""

import json
from typing import Any

from klavier import Vendor, load_vendor, parse_line
from klavier.flows.drivers import deliver, plan
from klavier.klaviyo.operations import usual_success
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from tests.benchmarks.timing import Rate, best, measure, print_both

SINGLE, BATCHED = 7_000, 46_000

_PROFILE = {
    "email": {"@path": "$.context.traits.email"},
    "phone_number": {"@path": "$.context.traits.phone"},
    "external_id": {"@path": "$.userId"},
    "anonymous_id": {"@path": "$.anonymousId"},
}
TRACK = {"action": "trackEvent", "fields": {"profile": _PROFILE, "value": {"@path": "$.properties.revenue"}}}
UPSERT = {"action": "upsertProfile", "fields": {"external_id": {"@path": "$.userId"}}}


def track(number: int) -> bytes:
    event = {
        "type": "track",
        "event": "Item Purchased",
        **_common(number),
        "context": {"ip": "14.5.67.21", "traits": {"email": f"user{number}@example.org", "phone": "+14155552671"}},
        "properties": {"revenue": 25.5, "currency": "USD", "product_id": "p1", "sku": "s-1", "brand": "B", "new": True},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def identify(number: int) -> bytes:
    traits = {
        "email": f"user{number}@example.org",
        "firstName": "Alex",
        "lastName": "Keener",
        "title": "Owner",
        "avatar": "https://e.org/a.png",
        "company": {"name": "Acme"},
        "address": {"city": "Tokyo", "state": "Kanto", "postal_code": "100-0001", "street": "63, Shibuya"},
    }
    event = {"type": "identify", **_common(number), "context": {"traits": {"phone": "+14155552671"}}, "traits": traits}
    return json.dumps(event, separators=(",", ":")).encode()


def _common(number: int) -> dict[str, Any]:
    return {
        "userId": f"user-{number}",
        "anonymousId": f"97c46c81-3140-456d-b2a9-690d70aa{number:04}",
        "messageId": f"message-{number}",
        "timestamp": "2024-03-01T10:20:30.123Z",
    }


def measure_batches(name: str, vendor: Vendor, lines: list[bytes], seconds: float) -> Rate:
    """Translate all lines as one batch over and over."""

    def send(request: Request) -> Response:
        assert request.body
        return usual_success(request)

    def run() -> None:
        for delivery in plan(vendor, [parse_line(line) for line in lines]):
            assert all(outcome.kind == "delivered" for outcome in deliver(delivery, send))

    return Rate(name, best(run, len(lines), seconds), BATCHED, goal=1.5)


def rates(seconds: float = 1.0, **settings: str) -> list[Rate]:
    """Measure each case for about this many CPU-seconds."""
    batched = {**TRACK, "fields": {**TRACK["fields"], "enable_batching": True}}  # type: ignore[dict-item]  # a table
    vendors = [
        load_vendor("segment-actions", {"api_key": "pk_x", "mappings": [mapping], **settings})
        for mapping in ({**TRACK, "fields": {**TRACK["fields"], "enable_batching": False}}, UPSERT, batched)  # type: ignore[dict-item]  # a table
    ]
    return [
        measure("trackEvent", vendors[0], [track(number) for number in range(50)], SINGLE, seconds),
        measure("upsertProfile", vendors[1], [identify(number) for number in range(50)], SINGLE - 1_000, seconds),
        measure_batches("trackEvent x1000", vendors[2], [track(number) for number in range(1000)], seconds),
    ]


if __name__ == "__main__":
    print_both(rates, 2.0)
