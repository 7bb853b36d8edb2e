"""Deliver a stream of lines through the worker: lines in, results out, in the same order and in bounded memory.

A run does not wait for a recovery as a relay does: events fail at once when the key is refused, and after some tries
when Klaviyo does not answer.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from attrs import frozen

from klavier.events.model import Event
from klavier.flows.drivers import Connect
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox import Entry
from klavier.outcome import Outcome
from klavier.retry import RetryPolicy
from klavier.streams.line_queue import LineQueue
from klavier.streams.lines import Line
from klavier.streams.result import Observers, Result, read_event
from klavier.worker.observed_send import observed_send
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.translator import Translator
from klavier.worker.worker import Worker, WorkerOptions

if TYPE_CHECKING:
    from klavier.plugins import Plugins
    from klavier.vendor import Vendor

TRIES, FIRST_DELAY, LONGEST_DELAY = 6, 1.0, 30.0
"""How often an event is tried, and the longest wait before the second and before any try, in seconds.

Five waits of 31 seconds together: enough for a deployment or a failover at Klaviyo, short enough for somebody who
looks at a terminal.  A relay, which nobody waits for, tries for hours.
"""

_POLL = 0.05
"""Seconds between two looks for new lines in a pipe while others are being delivered."""


class StreamRun:
    """Delivers lines as one vendor would.

    `connect` opens the transport in the event loop of the run.  `is_ready` returns whether the next line can be read
    without blocking, `is_stopping` whether no further line is to be started; see `LineQueue`.
    """

    def __init__(  # noqa: PLR0913 -- what it works with, and two questions about the input
        self,
        vendor: "Vendor",
        connect: Connect,
        *,
        plugins: "Plugins",
        options: WorkerOptions,
        is_ready: Callable[[], bool] | None = None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.requests = 0
        """How many requests were sent.  Results do not show them: many may share one."""
        self.observers = Observers(plugins, vendor.name)
        self.limiter: RateLimiter = RateLimiter(time.monotonic, share=options.share)
        """Keeps the requests of the run within Klaviyo's rate limits."""
        self._vendor = vendor
        self._connect = connect
        self._options = options
        self._plugins = plugins
        self._is_ready = is_ready
        self._is_stopping = is_stopping

    def run(self, lines: Iterable[Line]) -> Iterator[Result]:
        """Return one result for each line, in order.

        Raises what reading the lines raised, after the results of the lines before.
        """
        queue = LineQueue(lines, self._read, is_ready=self._is_ready, is_stopping=self._is_stopping)
        with asyncio.Runner() as runner:
            stack = AsyncExitStack()
            worker = self._worker(queue, runner.run(self._open(stack)))
            tasks = [runner.get_loop().create_task(worker.run(until_empty=False))]
            tasks[0].add_done_callback(lambda _: queue.changed.set())
            if self._is_ready is not None:
                tasks.append(runner.get_loop().create_task(_poll(self._is_ready, worker)))
            try:
                while not queue.is_done:
                    runner.run(_wait(queue))
                    if tasks[0].done():
                        tasks[0].result()
                        raise RuntimeError("the worker ended before its lines")
                    for result in queue.take():
                        self.observers.notify(result)
                        yield result
                    worker.notify()
            finally:
                runner.run(_end(tasks, stack))
        if queue.error is not None:
            raise queue.error

    async def _open(self, stack: AsyncExitStack) -> Sender:
        send = observed_send(await stack.enter_async_context(self._connect()), self._plugins)

        async def counted(request: Request) -> Response:
            self.requests += 1
            return await send(request)

        # At full rate also while Klaviyo does not answer: the attempts of each event end, not the sending.
        connections = self._options.connections
        return Sender(counted, self.limiter, time.monotonic, connections=connections, holds_back=False)

    def _worker(self, queue: LineQueue, sender: Sender) -> Worker:
        return Worker(
            queue,
            _LineTranslator(queue, self._vendor, self._plugins),
            sender,
            policy=_RunPolicy(tries=TRIES, first=FIRST_DELAY, longest=LONGEST_DELAY),
            options=self._options,
            now=time.time,
            observe=queue.finish,
            own_loop=True,
        )

    def _read(self, line: Line) -> tuple[Event, str] | Result:
        """Return the event of a line and its ordering key, or the result of a line that is no event."""
        event = read_event(line, self._plugins)
        if isinstance(event, Result):
            return event
        try:
            return event, self._vendor.key(event)
        except Exception:  # noqa: BLE001 -- a vendor may raise anything; translating the event reports it
            return event, "nobody"


class _LineTranslator(Translator):
    """Reads events from the queue, which parsed them already, instead of parsing their text again."""

    def __init__(self, queue: LineQueue, vendor: "Vendor", plugins: "Plugins") -> None:
        super().__init__(vendor, plugins)
        self._queue = queue

    def read(self, entry: Entry) -> Event | Outcome:
        return self._queue.start(entry)


@frozen
class _RunPolicy(RetryPolicy):
    """Counts every attempt, and retries no event while its endpoint does not answer.

    So a run over many lines ends although Klaviyo is down, instead of spending all attempts on each of them.
    """

    def is_free(self, outcome: Outcome, *, is_failing: bool = False) -> bool:  # noqa: ARG002 -- whatever happened
        return False

    def next_try(
        self, outcome: Outcome, tries: int, age: float, random: Callable[[], float], *, is_failing: bool = False
    ) -> float | None:
        return None if is_failing else super().next_try(outcome, tries, age, random)


async def _wait(queue: LineQueue) -> None:
    """Wait until there may be results to take, or the worker ended."""
    await queue.changed.wait()
    queue.changed.clear()


async def _poll(is_ready: Callable[[], bool], worker: Worker) -> None:
    """Wake the worker for lines that come while others are being delivered."""
    while True:
        await asyncio.sleep(_POLL)
        if is_ready():
            worker.notify()


async def _end(tasks: "list[asyncio.Task[None]]", stack: AsyncExitStack) -> None:
    """End the worker, which has nothing in flight unless the run was interrupted, and close the transport."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await stack.aclose()
