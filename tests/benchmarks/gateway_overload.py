"""Whether `klavier serve` stays in flat memory and loses nothing while it is sent 1.5 times what it takes.

Run it as `python -m tests.benchmarks.gateway_overload`, on Linux; it takes ten minutes, or `KLAVIER_MINUTES`. It first
measures how many events a second `klavier serve` takes and delivers, sets its `rate_limit` to that, and then sends 1.5
times as many, in batches of 100 over 64 connections; a bare Starlette application that only parses and answers is sent
the same at the same time. Each minute it prints memory, accepted and refused events. At the end, when nothing waits any
more, each accepted event must have reached the server that stands for Klaviyo once, and no refused one. That takes as
long again: Klaviyo's limits allow 2,500 events a second in bulk.
"""

import asyncio
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from attrs import define, field

from tests.benchmarks.gateway import (
    BARE,
    BATCH,
    CONFIG,
    ask,
    measure,
    request_of,
    server,
    wait_until_delivered,
    waiting_events,
)
from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTES = float(os.environ.get("KLAVIER_MINUTES", "10"))
CONNECTIONS = 64
BEYOND = 1.5
_NUMBER = re.compile(rb'"unique_id": ?"load-(\d+)-(\d+)"')
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_REPLY = b'HTTP/1.1 202 Accepted\r\nContent-Length: 19\r\n\r\n{"data":{"id":"J"}}'


@define
class Load:
    """What one server was sent: requests by status since the last look, and the batches that it accepted."""

    port: int
    statuses: Counter[int] = field(factory=Counter)
    accepted: set[int] = field(factory=set, repr=False)
    broken: int = 0


async def send(load: Load, rate: float, until: float) -> None:
    """Send batches at a steady rate, as far as there are free connections."""
    turns = itertools.count()
    began = time.monotonic()

    async def work() -> None:
        writer: asyncio.StreamWriter | None = None
        while (now := time.monotonic()) < until:
            number = next(turns)
            due = began + number * BATCH / rate
            if due > now:
                await asyncio.sleep(due - now)
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
                status = await ask(reader, writer, request_of("load", number))
            except (OSError, EOFError):
                load.broken += 1
                writer = None
                continue
            load.statuses[status] += 1
            if status == 200:
                load.accepted.add(number)
        if writer is not None:
            writer.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))


async def report(loads: dict[str, Load], processes: dict[str, "subprocess.Popen[bytes]"], until: float) -> None:
    """Print a line for each server at the start and after each minute."""
    began = last = time.monotonic()
    for minute in itertools.count():
        now = time.monotonic()
        for name, load in loads.items():
            seconds = max(now - last, 0.001)
            counts, load.statuses = load.statuses, Counter()
            accepted, refused = counts.pop(200, 0) * BATCH / seconds, counts.pop(429, 0) * BATCH / seconds
            _print(
                f"{minute:>3} min {name:<6} {_memory(processes[name].pid)}; {accepted:>7,.0f} accepted/s, "
                f"{refused:>7,.0f} refused/s with 429, others {dict(counts)}, {load.broken} broken connections; "
                f"load average {os.getloadavg()[0]:.1f}"
            )
        last = now
        if now >= until:
            return
        await asyncio.sleep(min(began + 60 * (minute + 1), until) - time.monotonic())


def _memory(pid: int) -> str:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    found = {line.split()[0]: int(line.split()[1]) / 1000 for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return f"{found['VmRSS:']:>6.1f} MB (at most {found['VmHWM:']:.1f})"


async def _record(port: int) -> None:
    """Answer every request as Klaviyo would, and count how often each event came; the counts are at /counts."""
    counts: Counter[tuple[int, int]] = Counter()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                counts.update((int(batch), int(n)) for batch, n in _NUMBER.findall(body))
                reply = _REPLY
                if b" /counts " in head:
                    text = "\n".join(f"{batch} {n} {count}" for (batch, n), count in counts.items()).encode()
                    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)
                writer.write(reply)
        except (OSError, EOFError):
            writer.close()

    running = await asyncio.start_server(answer, "127.0.0.1", port, limit=20_000_000)
    await running.serve_forever()


def _check(url: str, accepted: set[int]) -> None:
    """Print how many accepted events came never or twice, and how many refused ones came."""
    found: dict[int, Counter[int]] = {}
    for line in httpx.get(f"{url}/counts", timeout=300).text.splitlines():
        batch, _, count = map(int, line.split())
        found.setdefault(batch, Counter())[count] += 1
    missing = sum(BATCH - found.get(batch, Counter()).total() for batch in accepted)
    twice = sum(counts.total() - counts[1] for counts in found.values())
    extra = sum(counts.total() for batch, counts in found.items() if batch not in accepted)
    _print(f"{len(accepted) * BATCH:,} accepted: {missing} missing, {twice} twice, {extra} that were not accepted")


@contextmanager
def _recorder() -> "Iterator[str]":
    """Run `_record` in a process of its own; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.gateway_overload", "--record", str(port)]
    with subprocess.Popen(command) as process:  # noqa: S603 -- this very file
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _measure_rate(folder: Path, url: str) -> float:
    """Return how many events a second `klavier serve` takes and delivers."""
    port, health = free_port(), free_port()
    with server(_serve_command(folder, url, port, limit=1_000_000, health=health), port, folder):
        began = time.monotonic()
        events = asyncio.run(measure(port, "trial", None)).events
        wait_until_delivered(health)
        return events / (time.monotonic() - began)


def _serve_command(folder: Path, url: str, port: int, *, limit: int, health: int | None = None) -> list[str]:
    (folder / "klavier.toml").write_text(CONFIG.format(url=url, window=0.1, limit=limit), "utf-8")
    monitored = [] if health is None else ["--health", f"127.0.0.1:{health}"]
    return ["-m", "klavier", "serve", "--port", str(port), *monitored]


async def _overload(loads: dict[str, Load], processes: dict[str, "subprocess.Popen[bytes]"], rate: float) -> None:
    until = time.monotonic() + 60 * MINUTES
    sending = [send(load, rate, until) for load in loads.values()]
    await asyncio.gather(*sending, report(loads, processes, until))


def main() -> None:
    """Measure, send too much, and compare what arrived."""
    with ExitStack() as stack:
        trial, serve, bare = (Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(3))
        url = stack.enter_context(_recorder())
        rate = _measure_rate(trial, url)
        _print(f"klavier serve takes and delivers {rate:,.0f} events a second; it is sent {BEYOND} times as many")
        health = free_port()
        loads = {"serve": Load(free_port()), "bare": Load(free_port())}
        command = _serve_command(serve, url, loads["serve"].port, limit=round(rate), health=health)
        processes = {
            "serve": stack.enter_context(server(command, loads["serve"].port, serve)),
            "bare": stack.enter_context(server(["-c", BARE % loads["bare"].port], loads["bare"].port, bare)),
        }
        asyncio.run(_overload(loads, processes, BEYOND * rate))
        while waiting := waiting_events(health):
            _print(f"{waiting:,.0f} events still wait to be delivered")
            time.sleep(10)
        _print(f"afterwards serve has {_memory(processes['serve'].pid)}")
        _check(url, loads["serve"].accepted)


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 -- what it is run for


if __name__ == "__main__":
    if "--record" in sys.argv:
        asyncio.run(_record(int(sys.argv[-1])))
    else:
        main()
