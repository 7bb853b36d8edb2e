"""The relay for asynchronous programs: the same calls, awaited; delivery is a task of the program's own loop."""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Self

from klavier.events.model import Event
from klavier.relay.counts import Counts
from klavier.relay.intake import accept
from klavier.relay.relay import FLUSH_SECONDS, Connect
from klavier.relay.tracking_api import Calls
from klavier.worker.leased_worker import LeasedWorker, Parts

_POLL = 0.02


class AsyncRelay(Calls[Coroutine[Any, Any, bool]]):
    """Accepts events, keeps them in the outbox, delivers them in a task of the running loop."""

    def __init__(self, parts: Parts, connect: Connect) -> None:
        self._parts = parts
        self._connect = connect
        self._runner: LeasedWorker | None = None
        self._task: asyncio.Task[None] | None = None

    async def send(self, event: Event | Mapping[str, Any]) -> bool:
        """Accept one event or its payload; gives whether it is new.  Returns after the event is safe on disk."""
        return (await self.send_many([event]))[0]

    async def send_many(self, events: Iterable[Event | Mapping[str, Any]]) -> list[bool]:
        """Accept many events with one write, all of them or none; gives for each whether it is new."""
        rows = [accept(event, self._parts.vendor, self._parts.plugins) for event in events]
        fresh = await asyncio.to_thread(self._parts.outbox.put, rows)
        self._start()
        return fresh

    async def flush(self, timeout: float = FLUSH_SECONDS) -> Counts:  # noqa: ASYNC109 -- gives counts, raises nothing
        """Wait until everything accepted so far has its outcome, at most `timeout` seconds; gives the counts."""
        outbox = self._parts.outbox
        last = await asyncio.to_thread(outbox.last)
        deadline = time.monotonic() + timeout
        if await asyncio.to_thread(outbox.pending_up_to, last):
            self._start()
        while await self._is_waiting(last) and time.monotonic() < deadline:  # noqa: ASYNC110 -- see below
            await asyncio.sleep(_POLL)  # another process may be the one that delivers: only the file tells
        return self.counts()

    async def _is_waiting(self, last: int) -> bool:
        """Tell whether something up to `last` waits, or its outcome is still to be counted here."""
        if await asyncio.to_thread(self._parts.outbox.pending_up_to, last):
            return True
        return self._runner is not None and self._runner.is_telling(last)

    def counts(self) -> Counts:
        """Give the counts so far, without waiting."""
        kinds = self._runner.kinds if self._runner is not None else {}
        return Counts.of(kinds, self._parts.outbox.pending())

    async def close(self, timeout: float = FLUSH_SECONDS) -> Counts:  # noqa: ASYNC109 -- gives counts, raises nothing
        """Flush, end the delivery and close the outbox; what is not delivered stays in it.  Gives the counts."""
        counts = await self.flush(timeout)
        if self._runner is not None and self._task is not None:
            self._runner.stop()
            await asyncio.wait({self._task}, timeout=timeout)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._parts.outbox.close()
        return counts

    async def __aenter__(self) -> Self:
        """Use the relay as an asynchronous context manager."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Flush and close."""
        await self.close()

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._runner = LeasedWorker(self._parts)
            self._task = asyncio.create_task(self._run(self._runner), name="klavier")
        elif self._runner is not None:
            self._runner.notify()

    async def _run(self, runner: LeasedWorker) -> None:
        async with self._connect() as send:
            await runner.run(send)
