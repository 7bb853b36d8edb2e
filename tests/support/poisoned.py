"""A program that delivers from an outbox, and that one event kills or stalls: `python -m tests.support.poisoned`.

Arguments: the outbox's path, how the event named `Poison` ends the process (`kill`, `stall`, `stall in C`), the most
seconds of one translation, and how many events the vendor translates together.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Sequence

import klavier
from klavier.klaviyo.operations import usual_success
from klavier.outbox import SqliteOutbox
from klavier.worker import watchdog
from klavier.worker.leased_worker import LeasedWorker, RelayConfig
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import PlainVendor

_WAYS: dict[str, Callable[[], object]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stall": lambda: list(iter(int, 1)),
    "stall in C": lambda: re.match(r"(a*)*b", "a" * 64),
}


class Poisoned(PlainVendor):
    def __init__(self, way: str) -> None:
        self._way = way

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterable[klavier.Delivery]:
        for event in events:
            if event.payload["event"] == "Poison":
                _WAYS[self._way]()
        yield from super().deliveries(events)


async def send(request: klavier.Request) -> klavier.Response:
    return usual_success(request)


def main(path: str, way: str, seconds: str, batch: str) -> None:
    watchdog.TRANSLATION_SECONDS = float(seconds)
    options = WorkerOptions(combine=True, window=1000, run=1000, batch=int(batch), linger=0.0)
    config = RelayConfig(Poisoned(way), klavier.Plugins(), SqliteOutbox(path), options=options)
    worker = LeasedWorker(config, own_loop=True, has_watchdog=True)
    asyncio.run(worker.run(send, until_empty=True))
    sys.stdout.write(" ".join(f"{kind}={count}" for kind, count in sorted(worker.reporter.kinds.items())))


if __name__ == "__main__":
    main(*sys.argv[1:])
