"""Deliver from an outbox while this process holds its lease; another process takes over when it ends."""

import asyncio
import contextlib
import logging
import os
import socket
import time
import uuid

from attrs import field, frozen

from klavier.errors import LeaseLostError, OutboxError
from klavier.flows.drivers import AsyncSend
from klavier.outbox.base import Lease, Outbox
from klavier.plugins import Plugins
from klavier.retry import RetryPolicy
from klavier.vendor import Vendor
from klavier.worker.observed_send import observed_send
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.report import WorkerReport, read_report, write_report
from klavier.worker.reporter import Reporter
from klavier.worker.sender import Sender
from klavier.worker.settlement import Observer, Watcher
from klavier.worker.translator import Translator
from klavier.worker.watchdog import Watchdog
from klavier.worker.worker import Worker, WorkerOptions

LEASE_SECONDS = 15.0
"""How long a process that stands still keeps others from delivering.

One that died is noticed at once where there are file locks.  Much longer than a healthy process pauses (a slow disk or
a long garbage collection: 2 s), and short enough that nobody has to restart anything by hand.
"""

_RENEW_SECONDS = LEASE_SECONDS / 5
"""Four renewals may be late before the lease is lost."""

_FIRST_REPORT_SECONDS = 0.5
"""When a new holder renews first: other processes then see what it reports soon, and one that ends at once saves it."""

_MAINTAIN_SECONDS = 3600.0
"""How often what is old enough is purged. It stays for up to an hour longer, less than 1 % of the seven days for which
message ids are kept; purging more often deletes the same rows. Lower it where dead letters are kept for hours only."""

_POLL_SECONDS = 0.5
"""How often a process that delivers looks for what other processes have accepted: one query of 10 us."""

_RETRY_SECONDS = 1.0
"""How often a process that waits tries to acquire the lease: about how long events wait after the holder was killed."""

_REPORT_SECONDS = 1.0
"""How long a report is waited for: monitors wait for some seconds."""

_log = logging.getLogger("klavier.relay")


@frozen
class RelayConfig:
    """What a relay or a worker is made of: the vendor, the plugins, the outbox, and how to deliver from it."""

    vendor: Vendor
    plugins: Plugins
    outbox: Outbox = field(repr=False)
    options: WorkerOptions = field(factory=WorkerOptions)
    policy: RetryPolicy = field(factory=RetryPolicy)
    observe: Observer = field(default=lambda _event, _entry, _outcome: None, repr=False)


class LeasedWorker:
    """Delivers from an outbox, one process at a time; belongs to the event loop that runs it."""

    def __init__(self, config: RelayConfig, *, own_loop: bool = False, has_watchdog: bool = False) -> None:
        """Prepare to deliver.

        `own_loop` says that the event loop runs nothing else; with `has_watchdog` a translation that takes longer than
        30 s ends the process, for a command that a supervisor starts again.
        """
        self.config = config
        self._own_loop = own_loop
        self._has_watchdog = has_watchdog
        self.reporter = Reporter(config.vendor.name, config.observe)
        self.watch: Watcher | None = None
        """Sees how each attempt ended, with its requests and replies; set it before `run`."""
        self.worker: Worker | None = None
        """The worker while this process holds the lease."""
        self.rate_limiter: RateLimiter = RateLimiter(time.monotonic, share=config.options.share)
        self._sender: Sender | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last_report: WorkerReport | None = None
        self._stopping = False
        self._changed = asyncio.Event()

    @property
    def paused(self) -> float:
        """The seconds until a paused account is tried again; 0.0 where it is not paused.

        It is paused while Klaviyo does not accept the key, or refuses everything.
        """
        return 0.0 if self._sender is None else self._sender.paused

    @property
    def pause_reason(self) -> str:
        """Why the account is paused; an empty string where it is not paused."""
        return "" if self._sender is None else self._sender.pause_reason

    async def fetch_report(self) -> WorkerReport | None:
        """Return what `report` returns, in any event loop; the last one while a translation keeps the worker's busy."""
        loop = self._loop
        if loop is None or loop is asyncio.get_running_loop():
            return self.report()
        report = self._report()
        try:
            fetched = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(report, loop))
        except RuntimeError:  # the worker's loop has just been closed
            report.close()
            return None
        with contextlib.suppress(TimeoutError):
            self._last_report = await asyncio.wait_for(fetched, _REPORT_SECONDS)
        return self._last_report

    async def _report(self) -> WorkerReport | None:
        return self.report()

    def report(self) -> WorkerReport | None:
        """Return the state of the worker, None unless this process holds the lease; call it in the loop's thread."""
        worker, sender = self.worker, self._sender
        if worker is None or sender is None:
            return None
        return self.reporter.report(worker, sender, self.rate_limiter)

    def is_observing(self, seq: int) -> bool:
        """Return whether this process has outcomes up to a position that are stored and not yet counted."""
        worker = self.worker
        return worker is not None and worker.is_observing(seq)

    async def run(self, send: AsyncSend, *, until_empty: bool = False) -> None:
        """Deliver until `stop`, or until nothing waits; waits for the lease while another process delivers."""
        self._loop = asyncio.get_running_loop()
        last_report, holder = "", f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4()}"
        send = observed_send(send, self.config.plugins)
        self._sender = Sender(send, self.rate_limiter, time.monotonic, connections=self.config.options.connections)
        while not self._stopping:
            try:
                lease = await asyncio.to_thread(self.config.outbox.acquire, holder, LEASE_SECONDS)
                if lease is not None:
                    _log.info("this process delivers now")
                    last_report = ""
                    if await self._run_leased(lease, self._sender, until_empty=until_empty):
                        return
                    continue
                report, level = "another process delivers; waiting to take over", logging.INFO
                if until_empty and not await asyncio.to_thread(self._has_waiting):
                    return
            except OutboxError as error:
                report, level = f"{error}; trying again every second", logging.ERROR
            if report != last_report:
                _log.log(level, "%s", report)
                last_report = report
            await self._sleep(_RETRY_SECONDS)

    def stop(self) -> None:
        """Finish what is in flight, then end."""
        self._stopping = True
        self.notify()
        if self.worker is not None:
            self.worker.stop()

    def notify(self) -> None:
        """Look for new entries now."""
        self._changed.set()
        if self.worker is not None:
            self.worker.notify()

    async def _run_leased(self, lease: Lease, sender: Sender, *, until_empty: bool) -> bool:
        """Deliver while the lease is held; returns whether the work has ended, rather than the lease."""
        before = read_report(lease.previous.report)
        if before is not None:
            self.rate_limiter.resume({use.endpoint: use.share for use in before.limits}, lease.previous.age)
        interrupted = await asyncio.to_thread(lease.take_interrupted)
        if interrupted:
            _log.warning("the last worker ended while it translated %d events; they are tried again", interrupted)
        worker = self.worker = self._worker(lease, sender)
        if self._stopping:  # since the lease was asked for, when there was no worker to stop
            worker.stop()
        tasks = [
            asyncio.create_task(work) for work in (self._renew(lease, worker), self._poll(worker), self._maintain())
        ]
        try:
            await worker.run(until_empty=until_empty)
        except LeaseLostError:
            _log.warning("another process has taken over; this one has settled nothing since")
            return self._stopping
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.worker = None
            with contextlib.suppress(OutboxError):  # a lease that cannot be given back ends by itself
                await asyncio.to_thread(lease.release)
        # A worker that a failed renewal stopped may have left entries.
        return self._stopping or (until_empty and not worker.is_stopping)

    def _has_waiting(self) -> bool:
        outbox = self.config.outbox
        return outbox.has_waiting(outbox.last_seq())

    def _worker(self, lease: Lease, sender: Sender) -> Worker:
        config, mark = self.config, lease.mark_translating
        if self._has_watchdog:
            mark = Watchdog(mark).mark_translating
        return Worker(
            lease,
            Translator(config.vendor, config.plugins, mark),
            sender,
            policy=config.policy,
            options=config.options,
            now=time.time,
            observe=self.reporter.observe,
            own_loop=self._own_loop,
            watch=self.watch,
        )

    async def _renew(self, lease: Lease, worker: Worker) -> None:
        """Extend the lease; where that fails, stop delivering before another process begins."""
        pause = _FIRST_REPORT_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = _RENEW_SECONDS
            report = self.report()
            try:
                held = await asyncio.to_thread(lease.renew, b"" if report is None else write_report(report))
            except OutboxError:
                held = False
            if not held:
                worker.stop()
                return

    async def _maintain(self) -> None:
        """Purge what is old enough, now and every hour, so that the outbox does not grow for ever."""
        while True:
            try:
                await asyncio.to_thread(self.config.outbox.maintain)
            except OutboxError as error:
                _log.warning("%s; what is old stays for another hour", error)
            await asyncio.sleep(_MAINTAIN_SECONDS)

    async def _poll(self, worker: Worker) -> None:
        """Notify the worker when another process has accepted something, or requeued a dead letter."""
        last = 0
        while True:
            with contextlib.suppress(OutboxError):  # the worker reports a disk that fails
                found = await asyncio.to_thread(self.config.outbox.last_seq)
                if found != last:
                    last = found
                    worker.notify()
            await asyncio.sleep(_POLL_SECONDS)

    async def _sleep(self, seconds: float) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
