"""Deliver from an outbox for as long as it is wanted: one process at a time, the next takes over when it ends."""

import asyncio
import contextlib
import logging
import os
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable

from attrs import field, frozen

from klavier.errors import OutboxError, PluginError
from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox import Entry, Outbox
from klavier.outcome import Kind, Outcome
from klavier.plugins import Plugins
from klavier.retry import RetryPolicy
from klavier.vendor import Vendor
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.translator import Translator
from klavier.worker.worker import Observer, Pace, Worker

AsyncSend = Callable[[Request], Awaitable[Response]]

CLAIM_SECONDS = 15.0
"""How long a process that died keeps others from delivering."""

_BEAT = CLAIM_SECONDS / 5
_FORGETTING = 3600.0
_LOOK = 0.5
"""How often, in seconds, a process that delivers looks for what other processes have accepted."""

_log = logging.getLogger("klavier.relay")


@frozen
class Parts:
    """What a relay is made of."""

    vendor: Vendor
    plugins: Plugins
    outbox: Outbox = field(repr=False)
    pace: Pace = field(factory=Pace)
    policy: RetryPolicy = field(factory=RetryPolicy)
    observe: Observer = field(default=lambda _event, _entry, _outcome: None, repr=False)


class LeasedWorker:
    """Delivers from the outbox of `parts`; one runner belongs to one event loop."""

    def __init__(self, parts: Parts, *, own_loop: bool = False) -> None:
        """Prepare a runner; `own_loop` tells that its event loop runs nothing else."""
        self.parts = parts
        self._own_loop = own_loop
        self.kinds: Counter[Kind] = Counter()
        self.dispatcher: Worker | None = None
        self.pacer: RateLimiter = RateLimiter(time.monotonic)
        self._holder = f"{os.getpid()}-{uuid.uuid4()}"
        self._stopping = False
        self._sleeper = asyncio.Event()

    def is_telling(self, seq: int) -> bool:
        """Tell whether this process has outcomes up to a place that are on the disk and not yet counted."""
        dispatcher = self.dispatcher
        return dispatcher is not None and dispatcher.is_telling(seq)

    async def run(self, send: AsyncSend, *, until_empty: bool = False) -> None:
        """Deliver until `stop`, or until nothing waits; waits its turn while another process delivers."""
        while not self._stopping:
            if not await self._claim():
                if until_empty and not self.parts.outbox.pending():
                    return
                await self._doze(1.0)
                continue
            try:
                ended = await self._run_claimed(send, until_empty=until_empty)
            finally:
                await asyncio.to_thread(self.parts.outbox.release, self._holder)
            if ended:
                return

    def stop(self) -> None:
        """Finish what is under way, then end."""
        self._stopping = True
        self.notify()
        if self.dispatcher is not None:
            self.dispatcher.stop()

    def notify(self) -> None:
        """Tell that the outbox has more."""
        self._sleeper.set()
        if self.dispatcher is not None:
            self.dispatcher.notify()

    async def _run_claimed(self, send: AsyncSend, *, until_empty: bool) -> bool:
        """Deliver while the claim holds; gives whether the work has ended, rather than the claim."""
        dispatcher = self.dispatcher = self._dispatcher(send)
        beside = [
            asyncio.create_task(work) for work in (self._beat(dispatcher), self._look(dispatcher), self._forget())
        ]
        try:
            await dispatcher.run(until_empty=until_empty)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            self.dispatcher = None
        return until_empty or self._stopping

    def _dispatcher(self, send: AsyncSend) -> Worker:
        parts = self.parts
        return Worker(
            parts.outbox,
            Translator(parts.vendor, parts.plugins),
            Sender(send, self.pacer, time.monotonic),
            policy=parts.policy,
            pace=parts.pace,
            now=time.time,
            observe=self._observe,
            own_loop=self._own_loop,
        )

    def _observe(self, event: Event | None, entry: Entry, outcome: Outcome) -> None:
        self.kinds[outcome.kind] += 1
        try:
            self.parts.observe(event, entry, outcome)
        except Exception as error:  # noqa: BLE001 -- an observer may raise anything, and delivery goes on
            _log.warning("an observer of outcomes failed: %s", error if isinstance(error, PluginError) else type(error))

    async def _claim(self) -> bool:
        return await asyncio.to_thread(self.parts.outbox.claim, self._holder, time.time(), CLAIM_SECONDS)

    async def _beat(self, dispatcher: Worker) -> None:
        """Prolong the claim; where that fails, stop delivering before another process begins."""
        while True:
            await asyncio.sleep(_BEAT)
            try:
                held = await self._claim()
            except OutboxError:
                held = False
            if not held:
                dispatcher.stop()
                return

    async def _forget(self) -> None:
        """Let the outbox forget old message ids now and every hour, so that it does not grow for ever."""
        while True:
            try:
                await asyncio.to_thread(self.parts.outbox.forget)
            except OutboxError as error:
                _log.warning("%s; old message ids stay for another hour", error)
            await asyncio.sleep(_FORGETTING)

    async def _look(self, dispatcher: Worker) -> None:
        """Wake the dispatcher when another process has accepted something, or put a dead letter back."""
        last = 0
        while True:
            with contextlib.suppress(OutboxError):  # a disk that fails is the dispatcher's to tell
                found = await asyncio.to_thread(self.parts.outbox.last)
                if found != last:
                    last = found
                    dispatcher.notify()
            await asyncio.sleep(_LOOK)

    async def _doze(self, seconds: float) -> None:
        self._sleeper.clear()
        try:
            await asyncio.wait_for(self._sleeper.wait(), seconds)
        except TimeoutError:
            return
