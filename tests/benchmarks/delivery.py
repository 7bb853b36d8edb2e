"""What accepting and delivering costs, beside what the HTTP client alone costs with the same bodies.

Run it as `python -m tests.benchmarks.delivery`.  Everything is measured in turns, some rounds in one run, and in
processor time of this process (the server is another one), so the ratios hold on a busy machine too.  Where Klaviyo's
own Python library is installed (the dependency group `benchmark`), its bulk call with the same events is measured too.
"""

import asyncio
import gc
import importlib.util
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from attrs import evolve, frozen

from klavier import Plugins, Request, Response, Vendor, load_vendor
from klavier.events.reader import parse_event
from klavier.flows.drivers import plan
from klavier.flows.execution import FlowExecution
from klavier.http.transport import Transport
from klavier.klaviyo.operations import OPERATIONS, UNLIMITED
from klavier.outbox import SqliteOutbox
from klavier.relay.intake import accept
from klavier.retry import RetryPolicy
from klavier.worker.bulk.packing import BulkItem, combine
from klavier.worker.factory import FEWEST_CALLS
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.translator import Translator
from klavier.worker.worker import Worker, WorkerOptions
from tests.benchmarks.rudderstack import _track
from tests.support.counting_server import counting_server

AsyncSend = Callable[[Request], Awaitable[Response]]
VENDOR_OPTIONS = WorkerOptions()
"""How `bulk = "vendor"` works with the usual number of connections."""

OFFICIAL = "klaviyo_api"
KEY = "pk_benchmark"
PEOPLE = 10
_BATCH = 500
_BODY = 1000
_ROUNDS = 15
_SOME_BODIES = 4
"""How many full bodies Klaviyo's own library is measured with, which takes long over each."""


@frozen
class Cost:
    """What was measured: events, the processor time of this process, and the time on the clock, in seconds."""

    name: str
    events: int
    cpu: float
    clock: float

    @property
    def each(self) -> float:
        """Processor time for one event, in microseconds."""
        return self.cpu / self.events * 1e6

    def __str__(self) -> str:
        """Write the line that the benchmark prints."""
        return f"{self.name:<40} {self.each:>12.1f} {self.events / self.clock:>16,.0f}"


def payloads(count: int) -> list[dict[str, Any]]:
    """Make tracks of `PEOPLE` hundred profiles with identifiers, traits and properties, each with its own id."""
    return [{**_track(n % (PEOPLE * 100)), "messageId": f"message-{n}"} for n in range(count)]


def vendor() -> Vendor:
    """RudderStack with its newest calls, which its own servers make one event at a time."""
    return load_vendor("rudderstack", {"private_api_key": KEY, "api_version": "v2"})


def measure(name: str, count: int, work: Callable[[], object]) -> Cost:
    """Measure one piece of work, the garbage of the work before it gone."""
    gc.collect()
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(name, count, time.process_time() - cpu, time.perf_counter() - clock)


def accepted(events: list[dict[str, Any]], batch: int) -> Cost:
    """Accept events into an outbox on disk, `batch` with one write; each write is safe before the next begins."""
    known = vendor()
    with tempfile.TemporaryDirectory() as folder:
        outbox = SqliteOutbox(Path(folder) / "klavier.db")

        def work() -> None:
            for first in range(0, len(events), batch):
                outbox.append([accept(event, known) for event in events[first : first + batch]])

        found = measure(f"accepted, {batch} with a write", len(events), work)
        assert outbox.status().waiting == len(events)
        outbox.close()
    return found


async def answer_at_once(_: Request) -> Response:
    """Take the place of the network where only our own work is to be measured."""
    return _TAKEN


_TAKEN = Response(202, {})


@asynccontextmanager
async def no_network() -> AsyncIterator[AsyncSend]:
    """Open what sends nothing."""
    yield answer_at_once


def network(url: str) -> Callable[[], Any]:
    """Return what opens klavier's own transport to an address."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[AsyncSend]:
        async with Transport(KEY, "AbC123", url) as transport:
            yield transport.send

    return connect


def delivered(name: str, events: list[dict[str, Any]], options: WorkerOptions, connect: Callable[[], Any]) -> Cost:
    """Deliver events from an outbox on disk through the dispatcher, no limits but the connections."""
    known, kinds = vendor(), []
    unlimited = {operation.name: UNLIMITED for operation in OPERATIONS}
    with tempfile.TemporaryDirectory() as folder:
        outbox = SqliteOutbox(Path(folder) / "klavier.db")
        outbox.append([accept(event, known) for event in events])

        async def main() -> None:
            async with connect() as send:
                await Worker(
                    outbox,
                    Translator(known, Plugins()),
                    Sender(send, RateLimiter(time.monotonic, rates=unlimited), time.monotonic),
                    policy=RetryPolicy(),
                    options=options,
                    now=time.time,
                    observe=lambda _event, _entry, outcome: kinds.append(outcome.kind),
                    own_loop=True,
                ).run(until_empty=True)

        found = measure(name, len(events), lambda: asyncio.run(main()))
        assert kinds == ["delivered"] * len(events)
        assert outbox.status().waiting == 0
        outbox.close()
    return found


def client_alone(name: str, requests: list[Request], count: int, url: str, connections: int = 32) -> Cost:
    """Send requests that are ready by the transport alone, as many at once as a relay would have under way."""

    async def send_all(send: AsyncSend, rest: Iterator[Request]) -> None:
        for request in rest:
            reply = await send(request)
            assert reply.ok

    async def main() -> None:
        rest = iter(requests)
        async with Transport(KEY, "AbC123", url, connections=connections) as transport:
            await asyncio.gather(*(send_all(transport.send, rest) for _ in range(connections)))

    return measure(name, count, lambda: asyncio.run(main()))


def singles(events: list[dict[str, Any]]) -> list[Request]:
    """Translate events beforehand: the requests that the vendor's own calls are, their bodies serialized."""
    known = vendor()
    legs = [FlowExecution(delivery) for event in events for delivery in plan(known, [parse_event(event)])]
    found = [leg.request for leg in legs if leg.request is not None]
    assert all(request.body for request in found)
    return found


def bodies(requests: list[Request]) -> list[Request]:
    """Combine requests into the fewest calls beforehand, their bodies serialized."""
    items = [BulkItem(request, None, bulkable=True) for request in requests]
    endpoint = items[0].endpoint
    assert endpoint is not None
    packed = [combine(endpoint, items[start : start + _BODY]) for start in range(0, len(items), _BODY)]
    assert all(request.body for request in packed)
    return packed


def official(requests: list[Request], count: int, url: str) -> Cost | None:
    """Send ready bulk bodies by Klaviyo's own library; None where it is not installed."""
    if importlib.util.find_spec(OFFICIAL) is None:
        return None
    library = importlib.import_module(OFFICIAL)
    client = library.KlaviyoAPI(KEY, test_host=url)
    documents = [orjson.loads(request.body) for request in requests]
    return measure(
        "Klaviyo's own library, bulk call",
        count,
        lambda: [client.Events.bulk_create_events(document) for document in documents],
    )


def report(count: int = 20_000, singly: int = 1_000, rounds: int = 1) -> list[list[Cost]]:
    """Measure everything with `count` events, and what goes one by one with `singly`; a row of `rounds` for each.

    Klaviyo's library has an empty row where it is not installed.
    """
    events = payloads(count)
    few = events[:singly]
    ready = singles(events)
    packed = bodies(ready)
    largest = evolve(FEWEST_CALLS, linger=0.05)  # the wait for a last body that is not full is no work
    with counting_server() as url:
        delivered("imports and first uses", few[:50], largest, network(url))
        measures: list[Callable[[], Cost | None]] = [
            lambda: accepted(events, _BATCH),
            lambda: accepted(few, 1),
            lambda: delivered('delivered, bulk = "vendor", no network', few, VENDOR_OPTIONS, no_network),
            lambda: delivered('delivered, bulk = "max", no network', events, largest, no_network),
            lambda: delivered('delivered, bulk = "vendor", loopback', few, VENDOR_OPTIONS, network(url)),
            lambda: client_alone("the HTTP client alone, one by one", ready[:singly], singly, url),
            lambda: delivered('delivered, bulk = "max", loopback', events, largest, network(url)),
            lambda: client_alone("the HTTP client alone, bulk bodies", packed, count, url),
            lambda: official(packed[:_SOME_BODIES], min(count, _SOME_BODIES * _BODY), url),
        ]
        found = [[measured() for measured in measures] for _ in range(rounds)]
    return [[cost for cost in row if cost is not None] for row in zip(*found, strict=True)]


def best(costs: list[Cost]) -> Cost:
    """Return the least of some costs of the same work."""
    return min(costs, key=lambda cost: cost.cpu)


def beside(costs: list[Cost], others: list[Cost]) -> float:
    """Return how many times as much the others cost: the median of comparisons with the neighbor in time."""
    return median(other.each / cost.each for cost, other in zip(costs, others, strict=True))


def lines(found: list[list[Cost]]) -> str:
    """Write the report: the best of each row, since other work only makes slower, then how rows compare."""
    many, _, _, _, single, client, bulk, _, theirs = found
    head = f"{'':<40} {'us CPU an event':>12} {'events a second':>16}\n"
    told = "".join(f"{best(row)}\n" for row in found if row)
    compared = [f"accepted in batches: {many[0].events / best(many).clock:,.0f} a second, each safe on disk"]
    compared += [f"one by one: {beside(single, client):.0%} of what the HTTP client alone does, by processor time"]
    if theirs:
        compared += [f"in bulk: {beside(bulk, theirs):.1f} times what Klaviyo's own library does, by processor time"]
    else:
        compared += ["klaviyo-api is not installed: install the dependency group `benchmark` to compare with it"]
    return head + told + "".join(f"- {line}\n" for line in compared)


if __name__ == "__main__":
    sys.stdout.write(lines(report(rounds=_ROUNDS)))
