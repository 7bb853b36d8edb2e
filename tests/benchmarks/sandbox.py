"""How many calls the sandbox answers in a CPU-second, and how long its server takes for a request.

Run it as `python -m tests.benchmarks.sandbox`.  The reference of single events, bulk events and upserts is what reading
the same bodies alone takes, so that runs on different machines can be compared.  A request over a connection that is
kept alive should take less than 2 ms.
"""

import http.client
import statistics
import time
from collections.abc import Callable, Sequence

import orjson

from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import FakeClock, Sandbox
from klavier.sandbox.server import SandboxServer
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


def measure_server(name: str, requests: Sequence[Request]) -> str:
    """Measure requests one after the other over one connection, with Python's plain client."""
    headers = {
        "Authorization": "Klaviyo-API-Key pk_sandbox",
        "Content-Type": "application/vnd.api+json",
        "revision": CURRENT,
    }
    spent = []
    with SandboxServer(Sandbox("pk_sandbox")) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        for request in requests:
            began = time.perf_counter()
            connection.request(request.method, request.path, request.body or None, headers)
            connection.getresponse().read()
            spent.append(1000 * (time.perf_counter() - began))
        connection.close()
    late = statistics.quantiles(spent, n=20)[-1]
    return f"{name:<14} {statistics.median(spent):>9.2f} ms a request over one connection, 95 % below {late:.2f} ms"


if __name__ == "__main__":
    for name, make in (("single events", events), ("bulk events", bulk), ("upserts", upserts)):
        print(measure(name, make()))  # noqa: T201 -- a script prints
    print(measure_server("posts", events()[:1000]))  # noqa: T201 -- as above
    print(measure_server("reads", [Request("GET", "/api/profiles", revision=CURRENT)] * 1000))  # noqa: T201 -- as above
