"""The thread in which a gateway's worker delivers."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine


class WorkerThread:
    """Runs a coroutine in a thread with an event loop of its own.

    So neither a translation nor a plugin that takes long delays the answer to an SDK.
    """

    def __init__(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        self._work = work
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> "asyncio.Task[None]":
        """Start the thread; returns the task that ends with it, and that ends the work when it is cancelled."""
        task = asyncio.create_task(self._wait(), name="klavier-worker")
        await asyncio.to_thread(self._started.wait)
        return task

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called in the thread, from any other one; not where the work has ended."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # its loop is closed
                self._loop.call_soon_threadsafe(function)

    async def _wait(self) -> None:
        try:
            await asyncio.to_thread(asyncio.run, self._run())
        except asyncio.CancelledError:
            if self._task is not None:
                self.call(self._task.cancel)
            raise

    async def _run(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._started.set()
        await self._work()
