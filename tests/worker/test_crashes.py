"""Programs killed at random instants, started again: nothing is lost, doubled or out of order.

`KLAVIER_CRASHES=1000` kills so often in all.
"""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

import klavier
from klavier.flows.drivers import deliver
from klavier.sandbox.server import SandboxServer
from tests.support import crashing

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills and forks processes as POSIX systems do")

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("KLAVIER_CRASHES", "60"))
CONFIG = """
vendor = "rudderstack"

[klaviyo]
private_api_key = "pk_sandbox"
base_url = "{url}"

[delivery]
outbox = "klavier.db"
bulk = "{bulk}"
"""


class Lives:
    """Starts the program, kills it, starts it again; `accepted` is the first number that was not acknowledged."""

    def __init__(self, orders: IO[str], told: IO[str], seed: int) -> None:
        self._orders = orders
        self._told = told
        self._rng = random.Random(seed)  # noqa: S311 -- a repeatable test, not a secret
        self.accepted = 0
        self.counts = ""

    def live_and_be_killed(self) -> None:
        pid = self._begin(f"go {self.accepted}")
        delay = self._rng.choice([0.02, 0.1, 0.3]) * self._rng.random()
        killer = threading.Timer(delay, self._kill, [pid])
        killer.start()
        self._listen()
        killer.join()

    def live_to_the_end(self, more: int) -> None:
        self._begin(f"end {self.accepted} {self.accepted + more}")
        self._listen()

    def _begin(self, order: str) -> int:
        self._orders.write(f"{order}\n")
        self._orders.flush()
        word, pid = self._told.readline().split()
        assert word == "pid"
        return int(pid)

    def _listen(self) -> None:
        while (line := self._told.readline().strip()) != "over":
            word, rest = line.split(" ", 1)
            if word == "counts":
                self.counts = rest
                continue
            assert (word, int(rest)) == ("ok", self.accepted)
            self.accepted += 1

    @staticmethod
    def _kill(pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def program(config: Path, seed: int) -> Iterator[Lives]:
    command = [sys.executable, "-m", "tests.support.crashing", str(config)]
    with subprocess.Popen(  # noqa: S603 -- our own program
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Lives(process.stdin, process.stdout, seed)
        process.stdin.close()
        assert process.wait(30) == 0


def uninterrupted(count: int) -> klavier.Sandbox:
    sandbox = klavier.Sandbox()
    vendor = klavier.load_vendor("rudderstack", {"private_api_key": "pk_sandbox"})
    for number in range(count):
        for delivery in vendor.deliveries([klavier.parse_event(crashing.event(number))]):
            deliver(delivery, sandbox.send)
    return sandbox


def arrivals(sandbox: klavier.Sandbox) -> dict[str, list[int]]:
    """Return the numbers of each person's events by their first arrival."""
    found: dict[str, list[int]] = defaultdict(list)
    for call in sandbox.calls:
        attributes = (call.json or {}).get("data", {}).get("attributes", {})
        rows = [attributes] if call.path == "/api/events" else []
        for bulk in attributes.get("events-bulk-create", {}).get("data", []):
            rows += [event["attributes"] for event in bulk["attributes"]["events"]["data"]]
        for row in rows:
            number = row["properties"]["n"]
            person = found[f"u{number % crashing.PEOPLE}"]
            if number not in person:
                person.append(number)
    return found


@pytest.mark.parametrize(("bulk", "seed"), [("vendor", 1), ("max", 2)])
def test_kills_lose_double_and_misorder_nothing(tmp_path: Path, bulk: str, seed: int) -> None:
    sandbox = klavier.Sandbox()
    config = tmp_path / "klavier.toml"
    with SandboxServer(sandbox) as server:
        config.write_text(CONFIG.format(url=server.url, bulk=bulk))
        with program(config, seed) as lives:
            for _ in range(KILLS // 2):
                lives.live_and_be_killed()
            lives.live_to_the_end(more=20)
    assert lives.counts.endswith("rejected=0, failed=0, pending=0)")
    assert sandbox.comparable() == uninterrupted(lives.accepted).comparable()
    assert all(numbers == sorted(numbers) for numbers in arrivals(sandbox).values())
