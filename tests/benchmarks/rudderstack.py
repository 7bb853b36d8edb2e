"""How fast RudderStack's translation is: parse, translate and serialise, one event at a time.

Run it as `python -m tests.benchmarks.rudderstack`.  The references were measured for RudderStack's own transformer on
a machine like the one this was written on, in events per CPU-second.
"""

import json
from typing import Any

from klavier import load_vendor
from tests.benchmarks.timing import Rate, measure, print_both

_PERSON = {
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
    context = {"traits": _numbered(_PERSON, number), "ip": "14.5.67.21"}
    common = _numbered(_COMMON, number)
    return {"type": "track", **common, "event": "Item Purchased", "context": context, "properties": properties}


def _identify(number: int) -> dict[str, Any]:
    traits = _numbered(_PERSON, number)
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


CASES = (
    ("v2 track", "v2", _track, 12_000),
    ("v2 identify", "v2", _identify, 13_000),
    ("v1 ecommerce", "v1", _ecommerce, 15_000),
)


def rates(seconds: float = 1.0, **settings: str) -> list[Rate]:
    """Measure each case for about this many CPU-seconds."""
    found = []
    for name, version, make, reference in CASES:
        vendor = load_vendor("rudderstack", {"private_api_key": "pk_x", "api_version": version, **settings})
        lines = [json.dumps(make(number), separators=(",", ":")).encode() for number in range(50)]
        found.append(measure(name, vendor, lines, reference, seconds))
    return found


if __name__ == "__main__":
    print_both(rates, 6.0)
