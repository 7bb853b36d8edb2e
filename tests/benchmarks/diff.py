"""How many events `klavier diff` compares in a CPU-second, beside one JSON reading and writing of the same events.

Run it as `python -m tests.benchmarks.diff`.  The parts are measured in turn, and the best of several rounds counts:
other work on a machine makes a round slower and never faster.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from klavier import Event, Vendor, load_vendor, parse_line
from klavier.comparison.compare import Comparing
from klavier.flows.drivers import plan
from klavier.garbage import COMPARISON, rare_collection

COUNT = 4000
PEOPLE = 500
ROUNDS = 5
NAMES = ("Product Viewed", "Product Added", "Checkout Started", "Order Completed", "Newsletter Opened")
PAIRS = (
    (("rudderstack", {"private_api_key": "pk_x"}), ("segment-actions", {"api_key": "pk_x"})),
    (("segment-classic", {"private_key": "pk_x", "api_key": "PUBKEY"}), ("segment-actions", {"api_key": "pk_x"})),
)


def lines() -> Iterator[bytes]:
    """Yield events of a shop, eight for each person, one of them an identify call."""
    for number in range(COUNT):
        person, item = number % PEOPLE, f"p{number % 97}"
        event = {
            "messageId": f"m-{number}",
            "userId": f"u{person}",
            "anonymousId": f"a-{person}",
            "timestamp": f"2026-10-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.123Z",
            "context": {"ip": "14.5.67.21", "traits": {"email": f"p{person}@shop.test"}},
        }
        product = {"product_id": item, "sku": item, "name": "Uno", "price": 12.5, "quantity": 1 + number % 3}
        if number < PEOPLE:
            traits = {"email": f"p{person}@shop.test", "firstName": "Ada", "city": "Tokyo", "plan": "pro"}
            yield orjson.dumps({**event, "type": "identify", "traits": traits})
            continue
        name = NAMES[number % len(NAMES)]
        properties: dict[str, Any] = product
        if name in ("Checkout Started", "Order Completed"):
            properties = {"order_id": f"o-{number}", "revenue": 10.5, "currency": "USD", "products": [product] * 2}
        yield orjson.dumps({**event, "type": "track", "event": name, "properties": properties})


def cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(left: Vendor, right: Vendor, text: list[bytes]) -> Iterator[tuple[str, float]]:
    """Yield the parts with their CPU-seconds, each in its best round."""
    events = [parse_line(line) for line in text]
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        comparing = Comparing(left, right)
        for name, work in (
            ("one JSON round trip", lambda: [orjson.dumps(orjson.loads(line)) for line in text]),
            ("reading", lambda: [parse_line(line) for line in text]),
            (f"translation, {left.name}", lambda: translate(left, events)),
            (f"translation, {right.name}", lambda: translate(right, events)),
            ("both sides", lambda: add_all(comparing, events)),  # noqa: B023 -- called at once
            ("finding differences", lambda: comparing.finish(5)),  # noqa: B023 -- called at once
        ):
            best[name] = min(best.get(name, float("inf")), cpu_seconds(work))
    yield from best.items()


def add_all(comparing: Comparing, events: list[Event]) -> None:
    for place, event in enumerate(events, 1):
        comparing.add(place, event)


def translate(vendor: Vendor, events: list[Event]) -> None:
    for start in range(0, len(events), vendor.batch_size):
        for _ in plan(vendor, events[start : start + vendor.batch_size]):
            pass


if __name__ == "__main__":
    text = list(lines())
    with rare_collection(COMPARISON):
        for left, right in PAIRS:
            found = dict(measure(load_vendor(*left), load_vendor(*right), text))
            trip = found["one JSON round trip"]
            for name, spent in found.items():
                print(f"{name:<30} {1e6 * spent / COUNT:>7.1f} us an event, {spent / trip:>6.1f} round trips")  # noqa: T201 -- a script prints
            spent = found["both sides"] + found["finding differences"]
            print(f"{left[0]} to {right[0]}: {COUNT / spent:,.0f} events a CPU-second")  # noqa: T201 -- as above
