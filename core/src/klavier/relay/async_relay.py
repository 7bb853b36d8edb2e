"""The relay for asynchronous programs: the same calls, awaited; delivery is a task of the program's own loop."""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Self

from klavier.events.model import Event
from klavier.flows.drivers import Connect
from klavier.relay.counts import Counts
from klavier.relay.intake import accept
from klavier.relay.relay import FLUSH_SECONDS
from klavier.relay.tracking_api import Calls
from klavier.worker.leased_worker import LeasedWorker, RelayConfig

_POLL = 0.02


class AsyncRelay(Calls[Coroutine[Any, Any, bool]]):
    """Accepts events, keeps them in the outbox, delivers them in a task of the running loop."""

    def __init__(self, config: RelayConfig, connect: Connect) -> None:
        self._config = config
        self._connect = connect
        self._worker: LeasedWorker | None = None
        self._task: asyncio.Task[None] | None = None

    async def send(self, event: Event | Mapping[str, Any]) -> bool:
        """Accept one event or its payload; gives whether it is new.  Returns after the event is safe on disk."""
        return (await self.send_many([event]))[0]

    async def send_many(self, events: Iterable[Event | Mapping[str, Any]]) -> list[bool]:
        """Accept many events with one write, all of them or none; gives for each whether it is new."""
        rows = [accept(event, self._config.vendor, self._config.plugins) for event in events]
        fresh = await asyncio.to_thread(self._config.outbox.append, rows)
        self._start()
        return fresh

    async def flush(self, timeout: float = FLUSH_SECONDS) -> Counts:  # noqa: ASYNC109 -- gives counts, raises nothing
        """Wait until everything accepted so far has its outcome, at most `timeout` seconds; gives the counts."""
        outbox = self._config.outbox
        last = await asyncio.to_thread(outbox.last_seq)
        deadline = time.monotonic() + timeout
        if await asyncio.to_thread(outbox.has_waiting, last):
            self._start()
        while await self._is_waiting(last) and time.monotonic() < deadline:  # noqa: ASYNC110 -- see below
            await asyncio.sleep(_POLL)  # another process may be the one that delivers: only the file tells
        return self.counts()

    async def _is_waiting(self, last: int) -> bool:
        """Tell whether something up to `last` waits, or its outcome is still to be counted here."""
        if await asyncio.to_thread(self._config.outbox.has_waiting, last):
            return True
        return self._worker is not None and self._worker.is_observing(last)

    def counts(self) -> Counts:
        """Give the counts so far, without waiting."""
        kinds = self._worker.kinds if self._worker is not None else {}
        return Counts.of(kinds, self._config.outbox.status().waiting)

    async def close(self, timeout: float = FLUSH_SECONDS) -> Counts:  # noqa: ASYNC109 -- gives counts, raises nothing
        """Flush, end the delivery and close the outbox; what is not delivered stays in it.  Gives the counts."""
        counts = await self.flush(timeout)
        if self._worker is not None and self._task is not None:
            self._worker.stop()
            await asyncio.wait({self._task}, timeout=timeout)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._config.outbox.close()
        return counts

    async def __aenter__(self) -> Self:
        """Use the relay as an asynchronous context manager."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Flush and close."""
        await self.close()

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._worker = LeasedWorker(self._config)
            self._task = asyncio.create_task(self._run(self._worker), name="klavier")
        elif self._worker is not None:
            self._worker.notify()

    async def _run(self, worker: LeasedWorker) -> None:
        async with self._connect() as send:
            await worker.run(send)
