"""CPU time of Segment Actions' translation, single events and batches of 1,000, in JSON round trips.

Run it as `python -m tests.benchmarks.segment_actions`.  A JSON round trip is one `json.loads` and one `json.dumps` of
the same bytes, measured in the same process run: the ratio depends little on the machine.
"""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from klavier import Vendor, load_vendor, parse_line
from klavier.flows.drivers import plan
from klavier.flows.send_one import SendOne
from klavier.vendor import Delivery

_PROFILE = {
    "email": {"@path": "$.context.traits.email"},
    "phone_number": {"@path": "$.context.traits.phone"},
    "external_id": {"@path": "$.userId"},
    "anonymous_id": {"@path": "$.anonymousId"},
}
_TRACK_FIELDS = {"profile": _PROFILE, "value": {"@path": "$.properties.revenue"}}
TRACK = {"action": "trackEvent", "fields": {**_TRACK_FIELDS, "enable_batching": False}}
BATCHED = {"action": "trackEvent", "fields": {**_TRACK_FIELDS, "enable_batching": True}}
UPSERT = {"action": "upsertProfile", "fields": {"external_id": {"@path": "$.userId"}}}

_SLICE = 0.02
"""CPU seconds of one measurement, at least: long compared with the clock's resolution."""


@frozen
class Cost:
    """The CPU time of one event: parse, translate, serialize."""

    name: str
    seconds: float
    round_trip: float
    """CPU seconds of a JSON round trip of the same event."""

    @property
    def round_trips(self) -> float:
        """The cost in JSON round trips."""
        return self.seconds / self.round_trip

    def __str__(self) -> str:
        """Return the line that the benchmark prints."""
        return f"{self.name:<18} {self.seconds * 1e6:6.1f} us per event, {self.round_trips:.2f} JSON round trips"


def track(number: int) -> bytes:
    """Return the line of a track event."""
    event = {
        "type": "track",
        "event": "Item Purchased",
        **_common(number),
        "context": {"ip": "14.5.67.21", "traits": {"email": f"user{number}@example.org", "phone": "+14155552671"}},
        "properties": {"revenue": 25.5, "currency": "USD", "product_id": "p1", "sku": "s-1", "brand": "B", "new": True},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def identify(number: int) -> bytes:
    """Return the line of an identify event."""
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


def costs(seconds: float = 1.0, **settings: str) -> list[Cost]:
    """Measure each case for about this many CPU seconds."""
    tracks, identifies = ([make(number) for number in range(1000)] for make in (track, identify))
    return [
        _measure("trackEvent", _vendor(TRACK, settings), tracks[:50], 1, seconds),
        _measure("upsertProfile", _vendor(UPSERT, settings), identifies[:50], 1, seconds),
        _measure("trackEvent x1000", _vendor(BATCHED, settings), tracks, 1000, seconds),
    ]


def _vendor(mapping: dict[str, Any], settings: dict[str, str]) -> Vendor:
    return load_vendor("segment-actions", {"api_key": "pk_x", "mappings": [mapping], **settings})


def _measure(name: str, vendor: Vendor, lines: Sequence[bytes], together: int, seconds: float) -> Cost:
    """Measure the translation of lines, so many `together`, in turn with a JSON round trip of the same lines."""

    def translate() -> None:
        for start in range(0, len(lines), together):
            events = [parse_line(line) for line in lines[start : start + together]]
            for delivery in plan(vendor, events):
                assert _first_body(delivery)

    def round_trip() -> None:
        for line in lines:
            json.dumps(json.loads(line))

    fastest = {translate: float("inf"), round_trip: float("inf")}
    end = time.process_time() + seconds
    while time.process_time() < end:
        # Other processes only make a run slower: the fastest one is the cost of the code itself.
        for run, before in fastest.items():
            fastest[run] = min(before, _seconds_per_run(run))
    return Cost(name, fastest[translate] / len(lines), fastest[round_trip] / len(lines))


def _first_body(delivery: Delivery) -> bytes:
    """Serialize the first request of a delivery."""
    flow = delivery.flow
    request = flow.request if isinstance(flow, SendOne) else next(flow())
    return request.body


def _seconds_per_run(run: Callable[[], None]) -> float:
    runs, start = 0, time.process_time()
    while (spent := time.process_time() - start) < _SLICE:
        run()
        runs += 1
    return spent / runs


if __name__ == "__main__":
    for fidelity, wire in (("documented", "current"), ("deployed", "native")):
        print(f"fidelity {fidelity}, wire {wire}:")  # noqa: T201 -- for a script
        for cost in costs(2.0, fidelity=fidelity, wire=wire):
            print(f"  {cost}")  # noqa: T201 -- for a script
