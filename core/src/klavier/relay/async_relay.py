"""The relay for asynchronous programs: the same calls, awaited; delivery is a task of the program's own loop."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Self

from klavier.errors import EventError, KlavierError, OutboxError
from klavier.flows.drivers import Connect
from klavier.relay.base import FLUSH_SECONDS, POLL_SECONDS, Accepted, OnError, RelayBase
from klavier.relay.counts import Counts
from klavier.worker.leased_worker import LeasedWorker, RelayConfig

_log = logging.getLogger("klavier.relay")


class AsyncRelay(RelayBase[Coroutine[Any, Any, bool]]):
    """Accepts events, stores them in the outbox, delivers them in a task of the running loop."""

    def __init__(self, config: RelayConfig, connect: Connect, on_error: OnError | None = None) -> None:
        super().__init__(config, connect, on_error)
        self._task: asyncio.Task[None] | None = None

    async def send(self, event: Accepted) -> bool:
        """Accept one event or its payload; returns whether it is new, after it is stored on disk."""
        return (await self.send_many([event]))[0]

    async def send_many(self, events: Iterable[Accepted]) -> list[bool]:
        """Accept many events with one write, all of them or none; returns for each whether it is new."""
        events = list(events)
        try:
            return await self._append(events)
        except KlavierError as error:
            self._report(error, events)
            return [False] * len(events)

    def _refuse(self, error: EventError, call: Mapping[str, Any]) -> Coroutine[Any, Any, bool]:
        self._report(error, [call])
        return _not_new()

    async def _append(self, events: list[Accepted]) -> list[bool]:
        entries = self._read(events)
        try:
            fresh = await asyncio.to_thread(self._config.outbox.append, entries)
        except OutboxError:
            self._check_open()  # another task may have closed the relay meanwhile
            raise
        self._start()
        return fresh

    async def flush(self, timeout: float = FLUSH_SECONDS) -> Counts:  # noqa: ASYNC109 -- returns counts, raises nothing
        """Wait until everything accepted so far has its outcome, at most `timeout` seconds; returns the counts.

        Returns earlier where Klaviyo does not accept the key, or refuses everything, and the next try is later than
        that.
        """
        self._check_open()
        try:
            await self._wait(timeout, closing=False)
            return self.counts()
        except OutboxError:
            self._check_open()  # another task may have closed the relay meanwhile
            raise

    async def close(self, timeout: float = FLUSH_SECONDS) -> Counts:  # noqa: ASYNC109 -- returns counts, raises nothing
        """Flush, end the delivery and close the outbox; what is not delivered stays in it.  Returns the counts.

        Closing again returns the same counts.  Does not wait while Klaviyo does not accept the key, or
        refuses everything.
        """
        if self._last_counts is not None:
            return self._last_counts
        deadline = time.monotonic() + timeout
        try:
            await self._wait(timeout, closing=True)
        except OutboxError:
            if self._last_counts is None:  # no other task has closed the relay meanwhile
                raise
        if self._last_counts is not None:  # another task was quicker
            return self._last_counts
        counts = self._finish(self.counts())
        if self._worker is not None and self._task is not None:
            self._worker.stop()
            await asyncio.wait({self._task}, timeout=max(0.0, deadline - time.monotonic()))
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

    async def _wait(self, seconds: float, *, closing: bool) -> None:
        outbox = self._config.outbox
        last = await asyncio.to_thread(outbox.last_seq)
        deadline = time.monotonic() + seconds
        if await asyncio.to_thread(outbox.has_waiting, last):
            self._start()
        while await asyncio.to_thread(self._is_waiting, last):
            left = deadline - time.monotonic()
            if left <= 0 or self._is_blocked(left, closing=closing):
                return
            await asyncio.sleep(min(POLL_SECONDS, left))

    def _start(self) -> None:
        if self._last_counts is not None:
            return
        if self._task is None or self._task.done():
            self._worker = LeasedWorker(self._config)
            self._task = asyncio.create_task(self._run(self._worker), name="klavier")
        elif self._worker is not None:
            self._worker.notify()

    async def _run(self, worker: LeasedWorker) -> None:
        try:
            async with self._connect() as send:
                await worker.run(send)
        except Exception as error:  # noqa: BLE001 -- nobody awaits this task
            _log.error("delivery ended: %s: %s; the next event starts it again", type(error).__name__, error)


async def _not_new() -> bool:
    return False
