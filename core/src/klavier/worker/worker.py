"""The worker: empties an outbox through one vendor, in order, within Klaviyo's limits.

One coroutine does everything but the sending: it starts attempts, sends what may be sent, settles what ended, and
sleeps until something changes. Nothing waits for a rate limit while it occupies a connection that another could use.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from klavier.flows.drivers import no_reply
from klavier.garbage import WORKER, rare_collection
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox.base import EntryQueue
from klavier.retry import FREE_RETRY_SECONDS, RetryPolicy
from klavier.worker.attempt import Attempt
from klavier.worker.batch_attempt import BatchAttempt
from klavier.worker.batcher import Batch, Batcher
from klavier.worker.bulk.job import send_bulk, send_single
from klavier.worker.bulk.packing import ItemGroup
from klavier.worker.fair_queue import LARGE_BACKLOG
from klavier.worker.in_flight import Finished, InFlight, RunningAttempt
from klavier.worker.partitions import READ_AHEAD, Partitions
from klavier.worker.sender import Sender
from klavier.worker.settlement import Observer, Settler, Watcher
from klavier.worker.time_slice import TimeSlice
from klavier.worker.translator import Translator

if TYPE_CHECKING:
    from klavier.outbox.entry import Entry

_STEP = 1000
"""How many events are translated before what is ready is sent: about 30 ms of work, so that the first requests leave
early and replies are handled soon. More save no processor time."""

_SPARE = 4
"""The part of the window that profiles with a large backlog may use in addition: one in four. Without it such a profile
waits until others leave a full window, and a Zipf-distributed backlog of 400,000 events takes 1.41 times the least time
in bulk, with it 1.10 times."""

_WINDOW_BYTES = 10_000_000
"""How many bytes of payloads may be in flight. Payload, event, requests and bodies together take up to ten times as
much (measured with events of 0.5 to 90 KB), so 100 MB."""

_SHORTEST_SLEEP = 0.001
"""The clock of a loop may be coarser than a wait that was computed: without a minimum the loop would spin."""


@frozen
class WorkerOptions:
    """How a worker sends: with `combine` in the fewest calls, else each request as the vendor sends it.

    - `connections`: how many requests are in flight at once.
    - `window`: how many events are in flight at once, of which some wait for a connection or a settlement.
    - `run`: how many events of one ordering key an attempt has.
    - `batch`: how many events the vendor translates together.
    - `linger`: how long a request waits for others to share a bulk call with, in seconds.
    - `share`: the part of Klaviyo's quotas to use.
    - `reorder_window`: how long an event waits for earlier ones of its profile that it may have overtaken, in seconds.
    """

    combine: bool = False
    connections: int = 32
    window: int = 256
    run: int = 1
    batch: int = 1
    linger: float = 0.05
    share: float = 1.0
    reorder_window: float = 0.0


class Worker:
    """Delivers what is in an outbox through one vendor."""

    def __init__(  # noqa: PLR0913 -- the parts it works with, each made and tested by itself
        self,
        outbox: EntryQueue,
        translator: Translator,
        sender: Sender,
        *,
        policy: RetryPolicy,
        options: WorkerOptions,
        now: Callable[[], float],
        observe: Observer,
        own_loop: bool = False,
        watch: Watcher | None = None,
    ) -> None:
        """`now` returns Unix seconds, and may jump; `own_loop` says that the event loop runs nothing else."""
        self._translator = translator
        self._sender = sender
        self._options = options
        self._now = now
        self._own_loop = own_loop
        self._partitions = Partitions(
            outbox,
            longest_delay=max(policy.longest, FREE_RETRY_SECONDS),
            reorder_window=options.reorder_window,
        )
        self._batcher = Batcher(combine=options.combine, linger=options.linger)
        self._settler = Settler(
            outbox,
            policy,
            observe,
            now=now,
            own_loop=own_loop,
            connections=options.connections,
            vendor=translator.vendor,
            watch=watch,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._stopping = False

    def notify(self) -> None:
        """Look for new entries in the outbox now."""
        self._partitions.notify()
        self._changed.set()

    def stop(self) -> None:
        """Finish what is in flight, start nothing more."""
        self._stopping = True
        self._settler.stop()
        self._changed.set()

    def is_observing(self, seq: int) -> bool:
        """Return whether an outcome up to this position may be stored and not yet observed; safe from other threads."""
        return self._settler.is_observing(seq)

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping

    @property
    def in_flight(self) -> int:
        """How many events are taken from the outbox and not settled yet."""
        return self._partitions.taken.entries

    async def run(self, *, until_empty: bool) -> None:
        """Deliver until `stop`, or until no entry is left that waits."""
        with rare_collection(WORKER):
            await self._run(until_empty=until_empty)

    async def _run(self, *, until_empty: bool) -> None:
        try:
            while True:
                has_work = await self._start()
                self._send_ready(is_complete=not has_work and not self._partitions.expects_more)
                if self._settler.wait == 0 or (not self._settler.is_empty and not self._tasks):
                    await self._settle()
                    continue
                if self._is_done(until_empty=until_empty):
                    return
                await (asyncio.sleep(0) if has_work else self._sleep())
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def _room(self) -> int:
        """How many more events may be in flight."""
        return max(0, self._options.window - self._partitions.taken.entries)

    def _is_done(self, *, until_empty: bool) -> bool:
        if not self._settler.is_empty or self._tasks:
            return False
        return self._stopping or (until_empty and self._partitions.is_empty)

    async def _start(self) -> bool:
        """Start some attempts, if there is room; returns whether there is more to start at once."""
        if self._stopping:
            return False
        partitions, now = self._partitions, self._now()
        self._sender.update_slow()
        for endpoint in partitions.blocked:
            partitions.release(endpoint, self._sender.permits(endpoint))
        partitions.load(now, max(READ_AHEAD, self._options.window))
        room, most_bytes = self._room, _WINDOW_BYTES - partitions.taken.size
        window = self._options.window
        spare = max(0, window + window // _SPARE - max(window, partitions.taken.entries))
        taken = partitions.take(now, min(room, _STEP), most_bytes, self._options.run, spare=min(spare, _STEP))
        batch: list[Entry] = []
        time_slice = TimeSlice(own_loop=self._own_loop)
        for entries in taken:
            if time_slice.is_over:
                self._translator.mark(())
                await time_slice.let_others_run()
            if self._options.batch <= 1 or entries[0].interrupted:  # what may have ended a worker is translated alone
                self._start_attempt(Attempt(entries, self._translator, self._batcher, self._finish))
                continue
            batch += entries
            if len(batch) >= self._options.batch:
                self._start_attempt(BatchAttempt(batch, self._translator, self._batcher, self._finish))
                batch = []
        if batch:
            self._start_attempt(BatchAttempt(batch, self._translator, self._batcher, self._finish))
        if taken:
            self._translator.mark(())
        return bool(taken) or (room > 0 and partitions.can_load)

    def _start_attempt(self, attempt: RunningAttempt) -> None:
        self._add(attempt, attempt.start())

    def _add(self, attempt: RunningAttempt, groups: Sequence[ItemGroup]) -> None:
        """Add requests to those that wait to be sent."""
        for group in groups:
            group.backlog = attempt.remaining + self._partitions.backlog(group.items[0].owner.entries)
            self._batcher.add(group, asyncio.get_running_loop().time())

    def _send_ready(self, *, is_complete: bool) -> None:
        """Send what may be sent now; what an endpoint's circuit holds back leaves memory."""
        loop = asyncio.get_running_loop()
        ready = self._batcher.ready(
            loop.time(),
            self._sender,
            is_idle=is_complete and not self._tasks,
            is_complete=is_complete and self._room > 0,
        )
        for batch in ready:
            task = loop.create_task(self._send(batch))
            self._tasks.add(task)
            task.add_done_callback(self._on_sent)
        for group, endpoint in self._batcher.withdraw(self._sender.blocked_endpoint):
            for item in group.items:
                item.owner.attempt.on_unsent(item.owner, endpoint)

    async def _send(self, batch: Batch) -> None:
        """Send a batch and pass on the replies."""
        requests: list[Request] = []

        async def send(request: Request) -> Response:
            requests.append(request)
            return await self._sender.send(request, acquired=len(requests) == 1)

        try:
            if batch.endpoint is None:
                replies = [await send_single(item, send) for item in batch.items]
            else:
                replies = await send_bulk(batch.endpoint, batch.items, send)
        except Exception as error:  # noqa: BLE001 -- whatever a reply holds, its events need their outcomes
            replies = [no_reply(error)] * len(batch.items)
        is_failing = self._sender.is_failing(requests[-1])
        time_slice = TimeSlice(own_loop=self._own_loop)
        for item, reply in zip(batch.items, replies, strict=True):
            in_flight: InFlight = item.owner
            in_flight.is_failing = is_failing
            self._add(in_flight.attempt, in_flight.attempt.on_reply(in_flight, reply))
            if time_slice.is_over:
                await time_slice.let_others_run()

    def _on_sent(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._changed.set()

    def _finish(self, finished: Finished) -> None:
        """Have an attempt settled: at once where many entries wait for it."""
        self._settler.add(finished, is_urgent=self._partitions.backlog(finished.entries[:1]) >= LARGE_BACKLOG)

    async def _settle(self) -> None:
        """Settle what has ended; continue its partitions, or delay them at the first entry still in the outbox."""
        settled = await self._settler.settle()
        time_slice = TimeSlice(own_loop=self._own_loop)
        for finished in settled:
            entry = finished.waiting
            if entry is None:
                self._partitions.finish(finished.entries[0].key)
            elif finished.blocked_by and not finished.due:
                self._partitions.block(entry, finished.blocked_by)
            else:
                self._partitions.delay_until(entry, finished.due)
            if time_slice.is_over:
                await time_slice.let_others_run()

    async def _sleep(self) -> None:
        """Sleep until something changes, or the next time at which something may be done."""
        loop, now, partitions = asyncio.get_running_loop(), self._now(), self._partitions
        waits: list[float] = []
        if self._room > 0 and (due := partitions.next_due(now)) is not None:
            waits.append(due - now)
        if (end := self._batcher.next_linger(loop.time())) is not None:
            waits.append(end - loop.time())
        retries = [self._sender.slow_wait, *(self._sender.release_wait(endpoint) for endpoint in partitions.blocked)]
        waits += [wait for wait in retries if wait is not None]
        if self._sender.has_connection:
            is_complete = self._room > 0 or not self._tasks
            held_back = self._batcher.held_back(loop.time(), is_complete=is_complete)
            waits += [self._sender.wait(request) for request in held_back]
        if (wait := self._settler.wait) is not None:
            waits.append(wait)
        alarm = None
        if waits:
            alarm = loop.call_later(max(min(waits), _SHORTEST_SLEEP), self._changed.set)
        await self._changed.wait()
        self._changed.clear()
        if alarm is not None:
            alarm.cancel()
