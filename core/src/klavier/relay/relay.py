"""The relay for ordinary programs: calls return when the event is safe, a thread of its own delivers it."""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Self

from klavier.events.model import Event
from klavier.flows.drivers import AsyncSend, Connect
from klavier.relay.counts import Counts
from klavier.relay.intake import accept
from klavier.relay.tracking_api import Calls
from klavier.worker.leased_worker import LeasedWorker, RelayConfig

_POLL = 0.02
FLUSH_SECONDS = 30.0


class Relay(Calls[bool]):
    """Accepts events, keeps them in the outbox, delivers them in the background.

    The thread that delivers starts with the first event, not before, and anew in a forked process.  Use it as a context
    manager: at the end it flushes for up to thirty seconds, and what is not delivered by then stays in the outbox.
    """

    def __init__(self, config: RelayConfig, connect: Connect) -> None:
        self._config = config
        self._connect = connect
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: LeasedWorker | None = None
        self._closed = False

    def send(self, event: Event | Mapping[str, Any]) -> bool:
        """Accept one event or its payload; gives whether it is new (False: its message id was accepted before).

        Returns after the event is safe on disk.  Raises `EventError` for what is no event, `OutboxError` where it could
        not be kept.
        """
        return self.send_many([event])[0]

    def send_many(self, events: Iterable[Event | Mapping[str, Any]]) -> list[bool]:
        """Accept many events with one write, all of them or none; gives for each whether it is new."""
        fresh = self._config.outbox.append(
            [accept(event, self._config.vendor, self._config.plugins) for event in events]
        )
        self._start()
        return fresh

    def flush(self, timeout: float = FLUSH_SECONDS) -> Counts:
        """Wait until everything accepted so far has its outcome, at most `timeout` seconds; gives the counts.

        An event that failed and will be tried again counts as pending.
        """
        outbox = self._config.outbox
        last = outbox.last_seq()
        deadline = time.monotonic() + timeout
        if outbox.has_waiting(last):
            self._start()
        while self._is_waiting(last) and time.monotonic() < deadline:
            time.sleep(_POLL)
        return self.counts()

    def _is_waiting(self, last: int) -> bool:
        """Tell whether something up to `last` waits, or its outcome is still to be counted here."""
        if self._config.outbox.has_waiting(last):
            return True
        return self._worker is not None and self._worker.is_observing(last)

    def counts(self) -> Counts:
        """Give the counts so far, without waiting."""
        kinds = self._worker.kinds if self._worker is not None else {}
        return Counts.of(kinds, self._config.outbox.status().waiting)

    def close(self, timeout: float = FLUSH_SECONDS) -> Counts:
        """Flush, end the thread and close the outbox; what is not delivered stays in it.  Gives the counts."""
        if self._closed:
            return Counts()
        counts = self.flush(timeout)
        self._closed = True
        loop, worker, thread = self._loop, self._worker, self._thread
        if thread is not None and loop is not None and worker is not None and self._pid == os.getpid():
            with contextlib.suppress(RuntimeError):  # the loop may have ended by itself
                loop.call_soon_threadsafe(worker.stop)
            thread.join(timeout)
        self._config.outbox.close()
        return counts

    def __enter__(self) -> Self:
        """Use the relay as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Flush and close."""
        self.close()

    def _start(self) -> None:
        """Start the thread if this process has none, else tell it that there is more."""
        with self._lock:
            if self._pid != os.getpid():  # after a fork the parent's thread is not here
                self._pid, self._thread, self._loop, self._worker = os.getpid(), None, None, None
            if self._thread is None or not self._thread.is_alive():
                ready = threading.Event()
                self._thread = threading.Thread(target=self._deliver, args=(ready,), name="klavier", daemon=True)
                self._thread.start()
                ready.wait()
            elif self._loop is not None and self._worker is not None:
                self._loop.call_soon_threadsafe(self._worker.notify)

    def _deliver(self, ready: threading.Event) -> None:
        asyncio.run(self._run(ready))

    async def _run(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._worker = LeasedWorker(self._config, own_loop=True)
        ready.set()
        async with self._connect() as send:
            await self._worker.run(send)


@contextlib.asynccontextmanager
async def static_connection(send: AsyncSend) -> AsyncIterator[AsyncSend]:
    """Connect to something that needs no opening, such as a sandbox in this process."""
    yield send
