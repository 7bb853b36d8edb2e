"""The worker of a gateway has a thread of its own: nothing it does delays the answer to an SDK."""

import asyncio
import threading
from typing import Any

import httpx

import klavier
from klavier.gateway.worker_thread import WorkerThread
from tests.support.gateway import KEY, Running
from tests.support.waiting import LONG


class Slow:
    """A plugin whose transformations wait."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    @klavier.hookimpl
    def klavier_transform_event(self) -> None:
        self.begun.set()
        assert self.may_end.wait(LONG)


def track(user: str) -> dict[str, Any]:
    return {"type": "track", "event": "E", "userId": user, "writeKey": KEY}


def test_a_slow_transformation_delays_no_answer(gateway: Running) -> None:
    plugin = Slow()
    gateway.gateway._relay_config.plugins.register(plugin)
    try:
        with httpx.Client(base_url=gateway.url, timeout=LONG) as client:
            assert client.post("/v1/track", json=track("u1")).status_code == 200
            assert plugin.begun.wait(LONG)
            assert client.post("/v1/track", json=track("u2")).status_code == 200
            assert client.get("/readyz").status_code == 200
            assert gateway.events() == []
    finally:
        plugin.may_end.set()
    gateway.wait()
    assert len(gateway.events()) == 2


def test_a_cancelled_wait_ends_the_work_in_the_thread() -> None:
    ended = threading.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def main() -> None:
        thread = WorkerThread(work)
        task = await thread.start()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert ended.wait(LONG)


def test_a_call_after_the_end_of_the_work_does_nothing() -> None:
    called: list[None] = []

    async def work() -> None:
        return None

    async def main() -> None:
        thread = WorkerThread(work)
        thread.call(lambda: called.append(None))
        await (await thread.start())
        thread.call(lambda: called.append(None))

    asyncio.run(main())
    assert called == []
