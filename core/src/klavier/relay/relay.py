"""The relay for ordinary programs: calls return when the event is stored, a thread delivers it."""

import asyncio
import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

from klavier.errors import EventError, KlavierError, OutboxError
from klavier.flows.drivers import Connect
from klavier.forking import ForkAware, register
from klavier.relay.base import FLUSH_SECONDS, POLL_SECONDS, Accepted, OnError, RelayBase
from klavier.relay.counts import Counts
from klavier.worker.leased_worker import LeasedWorker, RelayConfig

_CANCEL_SECONDS = 5.0
"""How long `close` waits for the thread after it has cancelled what is in flight: as a rule milliseconds.

Only an observer that does not return takes longer; then the thread closes the outbox itself when it ends.
"""

_log = logging.getLogger("klavier.relay")


class Relay(RelayBase[bool], ForkAware):
    """Accepts events, stores them in the outbox, delivers them in the background.

    The thread that delivers starts with the first event, not before, and anew in a forked process.  Use the relay as a
    context manager: at the end it flushes for up to thirty seconds, and what is not delivered by then stays in the
    outbox.
    """

    def __init__(self, config: RelayConfig, connect: Connect, on_error: OnError | None = None) -> None:
        super().__init__(config, connect, on_error)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        register(self)

    def send(self, event: Accepted) -> bool:
        """Accept one event or its payload; returns whether it is new (False: its message id was accepted before).

        Returns after the event is stored on disk.  Raises `EventError` for what is no event, `OutboxFullError` where
        there is no room, `OutboxError` where it could not be stored, `RelayClosedError` after `close`; with `on_error`
        it raises none of them and returns False.
        """
        return self.send_many([event])[0]

    def send_many(self, events: Iterable[Accepted]) -> list[bool]:
        """Accept many events with one write, all of them or none; returns for each whether it is new."""
        events = list(events)
        try:
            return self._append(events)
        except KlavierError as error:
            self._report(error, events)
            return [False] * len(events)

    def _refuse(self, error: EventError, call: Mapping[str, Any]) -> bool:
        self._report(error, [call])
        return False

    def _append(self, events: list[Accepted]) -> list[bool]:
        entries = self._read(events)
        try:
            fresh = self._config.outbox.append(entries)
        except OutboxError:
            self._check_open()  # another thread may have closed the relay meanwhile
            raise
        self._start()
        return fresh

    def flush(self, timeout: float = FLUSH_SECONDS) -> Counts:
        """Wait until everything accepted so far has its outcome, at most `timeout` seconds; returns the counts.

        An event that failed and will be tried again counts as pending.  Returns earlier where Klaviyo does not accept
        the key, or refuses everything, and the next try is later than that.  Raises `RelayClosedError` after `close`.
        """
        self._check_open()
        try:
            self._wait(timeout, closing=False)
            return self.counts()
        except OutboxError:
            self._check_open()  # another thread may have closed the relay meanwhile
            raise

    def close(self, timeout: float = FLUSH_SECONDS) -> Counts:
        """Flush, end the thread and close the outbox; what is not delivered stays in it.  Returns the counts.

        Closing again returns the same counts.  Does not wait while Klaviyo does not accept the key, or
        refuses everything.
        """
        if self._last_counts is not None:
            return self._last_counts
        deadline = time.monotonic() + timeout
        try:
            self._wait(timeout, closing=True)
        except OutboxError:
            if self._last_counts is None:  # no other thread has closed the relay meanwhile
                raise
        with self._lock:  # nothing starts a thread from here on
            if self._last_counts is not None:
                return self._last_counts
            counts = self._finish(self.counts())
        if self._end_thread(max(0.0, deadline - time.monotonic())):
            self._config.outbox.close()
        return counts

    def __enter__(self) -> Self:
        """Use the relay as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Flush and close."""
        self.close()

    def renew_after_fork(self) -> None:
        """Drop the parent's thread, which does not run in the child; the next event starts one there."""
        self._lock = threading.Lock()
        self._thread = self._loop = self._worker = self._task = None

    def _wait(self, timeout: float, *, closing: bool) -> None:
        outbox = self._config.outbox
        if threading.current_thread() is self._thread:
            return  # called by an observer: nothing is delivered while the thread waits
        last = outbox.last_seq()
        deadline = time.monotonic() + timeout
        if outbox.has_waiting(last) and not self._start():
            return
        while self._is_waiting(last):
            left = deadline - time.monotonic()
            if left <= 0 or self._is_blocked(left, closing=closing):
                return
            time.sleep(min(POLL_SECONDS, left))

    def _start(self) -> bool:
        """Start the thread if this process has none, else notify it; returns whether there is one.

        While the interpreter ends, no thread starts: what was accepted stays in the outbox.
        """
        if sys.is_finalizing():  # threads that ran are frozen
            return False
        with self._lock:
            if self._last_counts is not None:
                return False
            if self._thread is None or not self._thread.is_alive():
                ready = threading.Event()
                thread = threading.Thread(target=self._deliver, args=(ready,), name="klavier", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # since Python 3.12 also in functions of `atexit`
                    return False
                self._thread = thread
                ready.wait()
            elif self._loop is not None and self._worker is not None:
                with contextlib.suppress(RuntimeError):  # the loop has just ended; the next event starts a new one
                    self._loop.call_soon_threadsafe(self._worker.notify)
            return True

    def _end_thread(self, seconds: float) -> bool:
        """Stop the thread, after `seconds` by cancelling what is in flight; returns whether it has ended."""
        thread, loop, worker, task = self._thread, self._loop, self._worker, self._task
        if thread is None or loop is None or worker is None or task is None:
            return True
        if sys.is_finalizing():
            return False
        if thread is threading.current_thread():
            worker.stop()
            return False
        for end, timeout in ((worker.stop, seconds), (task.cancel, _CANCEL_SECONDS)):
            with contextlib.suppress(RuntimeError):  # the loop may have ended by itself
                loop.call_soon_threadsafe(end)
            thread.join(min(timeout, threading.TIMEOUT_MAX))
            if not thread.is_alive():
                return True
        return False

    def _deliver(self, ready: threading.Event) -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError):
                asyncio.run(self._run(ready))
        except Exception as error:  # noqa: BLE001 -- a traceback of a thread helps nobody, and may hold personal data
            if self._last_counts is None:
                _log.error("delivery ended: %s: %s; the next event starts it again", type(error).__name__, error)
        finally:
            ready.set()
        if self._last_counts is not None:
            self._config.outbox.close()

    async def _run(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(_Executor(thread_name_prefix="klavier"))
        self._task = asyncio.current_task()
        self._worker = LeasedWorker(self._config, own_loop=True)
        ready.set()
        async with self._connect() as send:
            await self._worker.run(send)


class _Executor(ThreadPoolExecutor):
    """Runs calls in threads and, once the interpreter ends and no thread takes any, in the thread of the loop.

    So a `close` that `atexit` calls still delivers what waits.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call; returns its future."""
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            future: Future[Any] = Future()
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 -- whoever awaits the call gets it
                future.set_exception(error)
            return future
