"""How many events `klavier serve` accepts durably, while it delivers them, beside a bare Starlette application.

Run it as `python -m tests.benchmarks.gateway`; it takes two minutes. Three servers take their turn in processes of
their own, and this process sends them batches of 100 events over eight connections:

- `bare`: an application that parses the body and answers, which is the least that any gateway does,
- `serve`: `klavier serve`, which stores each batch durably and delivers it in bulk to a server that answers at once,
- `window`: the same with the usual `reorder_window`, for which events wait before they are delivered.

First each gets as much as it takes, then a steady rate of events for the latencies: while it delivers the backlog of
the first phase, which takes all the processor time that is left, and without a backlog. What a server accepts for each
second of its own processor time does not depend on what else the machine does. The sender, the gateway and the server
that stands for Klaviyo share the machine's cores.
"""

import asyncio
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

import httpx
from attrs import field, frozen

from tests.support.counting_server import counting_server
from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 100
CONNECTIONS = 8
SECONDS = 8.0
RATE = 3000
"""Events a second of the steady phase."""

KEY = "wk_0123456789"
BARE = """
import orjson, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def collect(request):
    orjson.loads(await request.body())
    return JSONResponse({"success": True})

app = Starlette(routes=[Route("/v1/batch", collect, methods=["POST"])])
uvicorn.run(app, host="127.0.0.1", port=%d, log_config=None, access_log=False)
"""
CONFIG = """
vendor = "rudderstack"
[klaviyo]
private_api_key = "pk_benchmark"
base_url = "{url}"
[vendors.rudderstack]
api_version = "v2"
[delivery]
bulk = "max"
[gateway]
reorder_window = {window}
[gateway.sources.load]
write_key = "wk_0123456789"
rate_limit = {limit}
"""


@frozen
class Phase:
    """What one phase measured: events, seconds, and the seconds that each request took."""

    events: int
    seconds: float
    latencies: list[float] = field(repr=False)
    refused: int = 0

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    def percentile(self, percent: int) -> float:
        """Return how many milliseconds so many percent of the requests took at most."""
        return 1000 * quantiles(self.latencies, n=100)[percent - 1]


def request_of(prefix: str, number: int) -> bytes:
    """Return a request with a batch of new events, as an SDK writes it; each event has about 400 bytes."""
    batch = [
        {
            "type": "track",
            "event": "Product Viewed",
            "messageId": f"{prefix}-{number}-{n}",
            "userId": f"user-{(number * BATCH + n) % 5000}",
            "timestamp": "2026-11-30T09:00:00.000Z",
            "properties": {"product_id": f"p{n}", "name": "Metronome", "price": 30.5, "currency": "USD"},
            "context": {"library": {"name": "load", "version": "1"}, "traits": {"email": f"u{n}@shop.test"}},
        }
        for n in range(BATCH)
    ]
    body = json.dumps({"batch": batch, "writeKey": KEY, "sentAt": "2026-11-30T09:00:00.000Z"}).encode()
    return b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Send a request, and return the status of its reply."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    await reader.readexactly(length)
    return int(head.split()[1])


async def measure(port: int, prefix: str, rate: float | None) -> Phase:
    """Send for some seconds: as much as is taken, or so many events a second."""
    numbers = itertools.count()
    prepared = [request_of(prefix, next(numbers)) for _ in range(400)]
    latencies: list[float] = []
    refused = 0
    began = time.perf_counter()
    turns = iter(range(10**9))

    async def work() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (now := time.perf_counter()) - began < SECONDS:
            due = began if rate is None else began + next(turns) * BATCH / rate
            if due > now:
                await asyncio.sleep(due - now)
            request = prepared.pop() if prepared else request_of(prefix, next(numbers))
            sent = time.perf_counter() if rate is None else max(due, began)
            status = await ask(reader, writer, request)
            latencies.append(time.perf_counter() - sent)
            refused += status != 200
        writer.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return Phase(BATCH * (len(latencies) - refused), time.perf_counter() - began, latencies, refused)


@contextmanager
def server(command: list[str], port: int, folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a server with Python until the end of the block, which begins when it answers."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *command], cwd=folder, stdout=log, stderr=log)  # noqa: S603 -- ours
        try:
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/healthz")
                    break
                except httpx.TransportError:
                    assert process.poll() is None, (folder / "log").read_text()
                    time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            process.wait(60)


def _metrics(port: int) -> dict[str, float]:
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def waiting_events(port: int) -> float:
    """Return how many events wait in the outbox of the gateway that is monitored at a port."""
    return _metrics(port)["klavier_pending_events"]


def wait_until_delivered(port: int) -> None:
    """Wait until nothing waits any more in the outbox of the gateway that is monitored at a port."""
    while waiting_events(port):
        time.sleep(0.5)


def _steady(what: str, phase: Phase) -> str:
    return f"{what}: p50 {phase.percentile(50):.1f} ms, p99 {phase.percentile(99):.1f} ms"


def _measure_server(name: str, port: int, monitored: int | None) -> tuple[int, str]:
    """Send in phases to a server; returns how many events it took and what was measured."""
    most = asyncio.run(measure(port, f"{name}-most", None))
    phases = [most]
    shown = [f"{most.rate:,.0f} events/s at most, p99 {most.percentile(99):.1f} ms"]
    if monitored is not None:
        shown.append(f"{waiting_events(monitored):,.0f} wait")
        phases.append(asyncio.run(measure(port, f"{name}-backlog", RATE)))
        shown.append(_steady(f"at {phases[-1].rate:,.0f} events/s with a backlog", phases[-1]))
        wait_until_delivered(monitored)
    phases.append(asyncio.run(measure(port, f"{name}-steady", RATE)))
    shown.append(_steady(f"at {phases[-1].rate:,.0f} events/s", phases[-1]))
    if monitored is not None:
        wait_until_delivered(monitored)
    return sum(phase.events for phase in phases), "; ".join(shown)


def main() -> None:
    """Measure the three servers, and print what they did."""
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")  # noqa: T201 -- what it is run for
    with tempfile.TemporaryDirectory() as name, counting_server() as klaviyo:
        for kind, window in (("bare", ""), ("serve", "0.0"), ("window", "0.1")):
            folder, port, monitored = Path(name) / kind, free_port(), free_port()
            folder.mkdir()
            command = ["-c", BARE % port]
            if kind != "bare":
                (folder / "klavier.toml").write_text(CONFIG.format(url=klaviyo, window=window, limit=1_000_000))
                command = ["-m", "klavier", "serve", "--port", str(port), "--health", f"127.0.0.1:{monitored}"]
            before = _spent()
            with server(command, port, folder):
                events, shown = _measure_server(kind, port, None if kind == "bare" else monitored)
            rate = events / (_spent() - before)
            print(f"{kind:<8} {shown}; {rate:,.0f} events per CPU-second")  # noqa: T201 -- as above


def _spent() -> float:
    """Return the processor time of the servers that have ended, in seconds."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    main()
