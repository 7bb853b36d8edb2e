"""A Klaviyo without a network, and runs over lines to it, for the tests of `klavier.streams`."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import evolve

import klavier
from klavier.klaviyo.operations import usual_success
from klavier.plugins import Plugins
from klavier.streams.lines import Line
from klavier.streams.result import Result
from klavier.streams.run import StreamRun
from klavier.worker.worker import WorkerOptions
from tests.support.little_vendor import LittleSettings, LittleVendor

VENDOR = WorkerOptions(connections=4, window=32)
BATCHED = WorkerOptions(connections=4, window=32, batch=3)
BULK = WorkerOptions(combine=True, window=1000, run=200, linger=0.01)
EVERY_MODE = pytest.mark.parametrize("options", [VENDOR, BATCHED, BULK], ids=["vendor", "batched", "bulk"])


class Klaviyo:
    """Answers every request with a status and remembers it; -1 breaks the connection."""

    def __init__(self, status: int | None = None, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.headers = headers or {}
        self.requests: list[klavier.Request] = []
        self.is_open = False

    async def send(self, request: klavier.Request) -> klavier.Response:
        assert self.is_open
        self.requests.append(request)
        if self.status == -1:
            raise klavier.TransportError("the connection was reset")
        return usual_success(request) if self.status is None else klavier.Response(self.status, headers=self.headers)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Any]:
        self.is_open = True
        yield self.send
        self.is_open = False


class Bulkable(LittleVendor):
    """Marks its deliveries as such that bulk calls may carry them."""

    def deliveries(self, events: Any) -> Iterator[klavier.Delivery]:
        for delivery in super().deliveries(events):
            yield evolve(delivery, bulkable=True)


def lines(*payloads: Any) -> Iterator[Line]:
    for number, payload in enumerate(payloads, 1):
        yield Line("x", number, payload if isinstance(payload, bytes) else json.dumps(payload).encode())


def track(user: str, name: str = "E", **more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": user, "event": name, "messageId": f"{user}-{name}", **more}


def stream(
    klaviyo: Klaviyo,
    options: WorkerOptions = BULK,
    plugins: Plugins | None = None,
    is_ready: Callable[[], bool] | None = None,
) -> StreamRun:
    return StreamRun(
        Bulkable(LittleSettings()), klaviyo.connect, plugins=plugins or Plugins(), options=options, is_ready=is_ready
    )


def run(
    klaviyo: Klaviyo, *payloads: Any, options: WorkerOptions = BULK, plugins: Plugins | None = None
) -> list[Result]:
    found = stream(klaviyo, options, plugins)
    results = list(found.run(lines(*payloads)))
    assert found.requests == len(klaviyo.requests)
    assert not klaviyo.is_open
    return results


def kinds(results: Sequence[Result]) -> list[str]:
    return [result.outcome.kind for result in results]
