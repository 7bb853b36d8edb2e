"""A flush waits for what was accepted before it, and for nothing else."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import klavier

CONFIG = 'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_sandbox"\n[delivery]\noutbox = "memory"\n'
EARLY = 40
WAITING = 100
"""How many events of the load may wait: enough that there always are some, few enough to be delivered at the end."""

HOURS = 10_000.0
"""The time-out of a flush; one that waits for it is ended as a test that hangs."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "klavier.toml"
    path.write_text(CONFIG)
    return path


async def slow(_: httpx.Request) -> httpx.Response:
    await asyncio.sleep(0.02)
    return httpx.Response(202, json={})


class Outcomes:
    """Counts the events that were observed by their names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def observe(self, event: klavier.Event | None, _: klavier.Outcome) -> None:
        self.names.append(getattr(event, "event", ""))


@contextmanager
def load(relay: klavier.Relay, outcomes: Outcomes) -> Iterator[list[int]]:
    """Keep accepting events until the end of the block, as fast as they are delivered; yields what was accepted."""
    over = threading.Event()
    accepted: list[int] = []

    def accept() -> None:
        while not over.is_set():
            if len(accepted) - outcomes.names.count("Later") < WAITING:
                relay.track("Later", user_id=f"u{len(accepted) % 50}")
                accepted.append(1)
            else:
                time.sleep(0.001)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield accepted
    finally:
        over.set()
        thread.join()


def test_a_relay_that_keeps_accepting_is_flushed_all_the_same(config: Path) -> None:
    outcomes = Outcomes()
    relay = klavier.open(config, transport=httpx.MockTransport(slow), on_outcome=outcomes.observe)
    with load(relay, outcomes) as accepted:
        for number in range(EARLY):
            relay.track("Early", user_id=f"e{number % 5}")
        relay.flush(HOURS)
        assert outcomes.names.count("Early") == EARLY  # all of them, observed and counted
        at_flush = len(accepted)
        while len(accepted) == at_flush:  # the load goes on
            time.sleep(0.001)
    assert relay.close(HOURS).pending == 0


def test_the_same_for_asynchronous_programs(config: Path) -> None:
    outcomes = Outcomes()

    async def main() -> None:
        async with klavier.aopen(config, transport=httpx.MockTransport(slow), on_outcome=outcomes.observe) as relay:

            async def keep_accepting() -> None:
                accepted = 0
                while True:
                    if accepted - outcomes.names.count("Later") < WAITING:
                        await relay.track("Later", user_id=f"u{accepted % 50}")
                        accepted += 1
                    else:
                        await asyncio.sleep(0.001)

            others = asyncio.create_task(keep_accepting())
            for number in range(EARLY):
                await relay.track("Early", user_id=f"e{number % 5}")
            await relay.flush(HOURS)
            assert outcomes.names.count("Early") == EARLY
            assert not others.done()
            others.cancel()

    asyncio.run(main())
