"""How many calls the sandbox answers in a CPU-second: single events, bulk events, upserts.

Run it as `python -m tests.benchmarks.sandbox`.  The reference is what reading the same bodies alone takes, so that
runs on different machines can be compared.
"""

import time
from collections.abc import Callable, Sequence

import orjson

from klavier.klaviyo.request import Request
from klavier.sandbox import FakeClock, Sandbox
from tests.support.klaviyo import bulk_events, event, event_attributes, group, profile_data, upsert

COUNT = 10_000
PEOPLE = 1000


def events() -> list[Request]:
    return [event(unique_id=f"m{n}", profile=_person(n), properties={"sku": f"s{n}", "n": n}) for n in range(COUNT)]


def upserts() -> list[Request]:
    return [upsert(email=f"p{n % PEOPLE}@b.co", first_name="Ada", properties={"plan": "pro"}) for n in range(COUNT)]


def bulk() -> list[Request]:
    def groups(start: int) -> list[dict[str, object]]:
        return [group(_person(n), event_attributes(unique_id=f"m{n}")) for n in range(start, start + 1000)]

    return [bulk_events(*groups(start)) for start in range(0, COUNT, 1000)]


def _person(number: int) -> dict[str, object]:
    return profile_data(email=f"p{number % PEOPLE}@b.co", external_id=f"u{number % PEOPLE}")


def cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(name: str, requests: Sequence[Request]) -> str:
    bodies = [request.body for request in requests]
    sandbox = Sandbox(clock=FakeClock())
    spent = cpu_seconds(lambda: [sandbox.send(request) for request in requests])
    assert all(call.status in (200, 201, 202) for call in sandbox.calls)
    reading = cpu_seconds(lambda: [orjson.loads(body) for body in bodies])
    return f"{name:<14} {COUNT / spent:>9,.0f} a CPU-second, {spent / reading:.1f} times the reading of their bodies"


if __name__ == "__main__":
    for name, make in (("single events", events), ("bulk events", bulk), ("upserts", upserts)):
        print(measure(name, make()))  # noqa: T201 -- a script prints
