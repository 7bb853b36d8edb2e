"""A flush waits for what was accepted before it, and for nothing else."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import klavier
from klavier.relay.relay import static_connection

CONFIG = 'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_sandbox"\n[delivery]\noutbox = "memory"\n'
EARLY = 40


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "klavier.toml"
    path.write_text(CONFIG)
    return path


async def slow(_: klavier.Request) -> klavier.Response:
    await asyncio.sleep(0.02)
    return klavier.Response(202)


@contextmanager
def load(relay: klavier.Relay) -> Iterator[list[int]]:
    """Keep accepting events until the end of the block; gives what was accepted so far."""
    over = threading.Event()
    accepted: list[int] = []

    def accept() -> None:
        while not over.is_set():
            relay.track("Later", user_id=f"u{len(accepted) % 50}")
            accepted.append(1)
            time.sleep(0.001)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield accepted
    finally:
        over.set()
        thread.join()


def test_a_relay_that_keeps_accepting_is_flushed_all_the_same(config: Path) -> None:
    told: list[str] = []

    def tell(event: klavier.Event | None, _: klavier.Outcome) -> None:
        told.append(getattr(event, "event", ""))

    relay = klavier.open(config, connect=lambda: static_connection(slow), on_outcome=tell)
    with load(relay) as accepted:
        for number in range(EARLY):
            relay.track("Early", user_id=f"e{number % 5}")
        relay.flush(60)
        assert told.count("Early") == EARLY  # all of them, observed and counted
        at_flush = len(accepted)
        time.sleep(0.2)
        assert len(accepted) > at_flush  # and it did not wait for the load to end
    assert relay.close(60).pending == 0


def test_a_flush_that_others_keep_busy_does_not_wait_for_its_time_out(config: Path) -> None:
    with klavier.open(config, connect=lambda: static_connection(slow)) as relay, load(relay):
        relay.track("Early", user_id="e1")
        began = time.monotonic()
        relay.flush(60)
        assert time.monotonic() - began < 30


def test_the_same_for_asynchronous_programs(config: Path) -> None:
    told: list[str] = []

    def tell(event: klavier.Event | None, _: klavier.Outcome) -> None:
        told.append(getattr(event, "event", ""))

    async def main() -> None:
        async with klavier.aopen(config, connect=lambda: static_connection(slow), on_outcome=tell) as relay:

            async def keep_accepting() -> None:
                while True:
                    await relay.track("Later", user_id=f"u{len(told) % 50}")

            others = asyncio.create_task(keep_accepting())
            for number in range(EARLY):
                await relay.track("Early", user_id=f"e{number % 5}")
            began = time.monotonic()
            await relay.flush(60)
            assert told.count("Early") == EARLY
            assert time.monotonic() - began < 30
            assert not others.done()
            others.cancel()

    asyncio.run(main())
