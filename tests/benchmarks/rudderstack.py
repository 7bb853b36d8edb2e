"""The cost of RudderStack's translation: parse, translate and serialize, one event at a time.

Run it as `python -m tests.benchmarks.rudderstack`.  The unit is the JSON round trip: the standard library reads and
writes the same bytes, in the same process and in turns with the translation, so that a busy machine slows down both.
"""

import json
from collections.abc import Sequence
from itertools import product
from statistics import median
from typing import Any

from attrs import frozen

from klavier import Vendor, load_vendor
from tests.benchmarks.timing import FACES, best, translate

_TRAITS = {
    "email": "user{i}@example.org",
    "phone": "+14155550{i:03}",
    "firstName": "Alex",
    "lastName": "Keener",
    "city": "Tokyo",
    "country": "JP",
    "zip": "100-0001",
    "street": "63, Shibuya",
    "plan": "free",
    "age": 23,
}
_COMMON = {
    "userId": "user-{i}",
    "anonymousId": "97c46c81-3140-456d-b2a9-690d70aaca{i:02}",
    "messageId": "message-{i}",
    "timestamp": "2024-03-01T10:20:30.123Z",
}


def _track(number: int) -> dict[str, Any]:
    properties = {"revenue": 25.5, "currency": "USD", "product_id": "p1", "sku": "s-1", "brand": "B", "coupon": "C"}
    context = {"traits": _numbered(_TRAITS, number), "ip": "14.5.67.21"}
    common = _numbered(_COMMON, number)
    return {"type": "track", **common, "event": "Item Purchased", "context": context, "properties": properties}


def _identify(number: int) -> dict[str, Any]:
    traits = _numbered(_TRAITS, number)
    return {"type": "identify", **_numbered(_COMMON, number), "context": {"ip": "14.5.67.21"}, "traits": traits}


def _ecommerce(number: int) -> dict[str, Any]:
    item = {
        "product_id": "p1",
        "sku": "s-1",
        "name": "Uno",
        "price": 12.5,
        "quantity": 2,
        "url": "https://e.org/p",
        "image_url": "https://e.org/i.png",
        "categories": ["a", "b"],
    }
    properties = {
        "order_id": f"o-{number}",
        "value": 25,
        "categories": ["a", "b"],
        "checkout_url": "https://e.org/c",
        "item_names": ["Uno"],
        "products": [item, item],
    }
    context = {"traits": {"email": f"user{number}@example.org", "firstName": "Alex"}}
    common = _numbered(_COMMON, number)
    return {"type": "track", **common, "event": "Checkout Started", "context": context, "properties": properties}


def _numbered(template: dict[str, Any], number: int) -> dict[str, Any]:
    return {key: value.format(i=number) if isinstance(value, str) else value for key, value in template.items()}


CASES = (("v2 track", "v2", _track), ("v2 identify", "v2", _identify), ("v1 ecommerce", "v1", _ecommerce))
_ROUNDS = 9
"""The median of nine rounds varied by 3 % between runs on a busy machine, that of five by 8 %."""


@frozen
class Cost:
    """The cost of translating one event: in JSON round trips, and as events per CPU-second on this machine."""

    name: str
    round_trips: float
    events_per_second: float

    def __str__(self) -> str:
        """Return the line that a benchmark prints."""
        return (
            f"{self.name:<34} {self.round_trips:5.2f} JSON round trips an event,"
            f" {self.events_per_second:>9,.0f} events per CPU-second"
        )


def setup(version: str, fidelity: str, wire: str, make: Any) -> tuple[Vendor, list[bytes]]:
    """Return the vendor of a case, and its events as lines."""
    settings = {"private_api_key": "pk_x", "api_version": version, "fidelity": fidelity, "wire": wire}
    lines = [json.dumps(make(number), separators=(",", ":")).encode() for number in range(50)]
    return load_vendor("rudderstack", settings), lines


def costs(seconds: float) -> list[Cost]:
    """Measure each case for about this many CPU-seconds."""
    found = []
    for (fidelity, wire), (name, version, make) in product(FACES, CASES):
        vendor, lines = setup(version, fidelity, wire, make)
        found.append(_measure(f"{name}, {fidelity}, {wire}", vendor, lines, seconds))
    return found


def _measure(name: str, vendor: Vendor, lines: Sequence[bytes], seconds: float) -> Cost:
    def translations() -> None:
        for line in lines:
            translate(vendor, line)

    def round_trips() -> None:
        for line in lines:
            json.dumps(json.loads(line), separators=(",", ":")).encode()

    part = seconds / _ROUNDS / 2
    rounds = [(best(translations, len(lines), part), best(round_trips, len(lines), part)) for _ in range(_ROUNDS)]
    return Cost(name, median(json / ours for ours, json in rounds), median(ours for ours, _ in rounds))


if __name__ == "__main__":
    for cost in costs(6.0):
        print(cost)  # noqa: T201 -- a script
