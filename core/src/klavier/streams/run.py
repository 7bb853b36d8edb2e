"""From lines to outcomes with the fewest calls: events by the thousand, profiles by the ten thousand.

The same stream as `klavier.streams.pipeline`, through the dispatcher of the relay and a queue in memory.
One run does not wait for a better day: a key that is not accepted fails its events at once, and a Klaviyo that does not
answer fails them after some tries.
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
from klavier.outcome import Outcome
from klavier.retry import RetryPolicy
from klavier.streams.line_queue import LineQueue
from klavier.streams.lines import Line
from klavier.streams.patience import as_learnt
from klavier.streams.pipeline import Observers, Result, read
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.translator import Translator
from klavier.worker.worker import Pace, Worker

if TYPE_CHECKING:
    from klavier.plugins import Plugins
    from klavier.vendor import Vendor


class StreamRun:
    """One vendor, one way to send, and the plugins that look in; like `Pipeline`, with fewer calls.

    `connect` opens the transport in the event loop of the run.  Without `shows_events` results have no events but those
    that plugins want to see: each is read anew for it.  `is_ready` tells whether the next line can be had without a
    wait, where there may be one: who waits for a line has nothing under way.
    """

    def __init__(  # noqa: PLR0913 -- what it works with, and what is known of the lines and the results
        self,
        vendor: "Vendor",
        connect: Connect,
        *,
        plugins: "Plugins",
        pace: Pace,
        shows_events: bool = True,
        is_ready: Callable[[], bool] | None = None,
    ) -> None:
        self.calls = 0
        """Requests that were sent; a result cannot show those that it shares with a thousand others."""
        self.observers = Observers(plugins, vendor.name)
        self._vendor = vendor
        self._connect = connect
        self._pace = pace
        self._plugins = plugins
        self._shows_events = shows_events
        self._is_ready = is_ready
        self.pacer: RateLimiter = _Pacer(time.monotonic)
        """What Klaviyo's limits are kept by."""

    def run(self, lines: Iterable[Line]) -> Iterator[Result]:
        """Give one result for each line, in order; no more lines are held at a time than there is room for.

        Raises what reading the lines raised, when those before it have their results.
        """
        feed = LineQueue(lines, self._key, is_ready=self._is_ready)
        with asyncio.Runner() as runner:
            opened = AsyncExitStack()
            courier = runner.run(self._open(opened))
            dispatcher = self._dispatcher(feed, courier)
            delivering = runner.get_loop().create_task(dispatcher.run(until_empty=False))
            delivering.add_done_callback(lambda _: feed.news.set())
            try:
                while not feed.is_done:
                    runner.run(_news(feed))
                    if delivering.done():
                        delivering.result()
                        raise RuntimeError("the delivery ended before its lines")
                    shows = self._shows_events or self._plugins.answers("klavier_event_outcome")
                    for result in feed.take(self._shown if shows else _plain):
                        self.observers.see(result)
                        yield result
                    dispatcher.notify()
            finally:
                runner.run(_end(delivering, opened))
        if feed.error is not None:
            raise feed.error

    async def _open(self, opened: AsyncExitStack) -> Sender:
        send = await opened.enter_async_context(self._connect())

        async def counted(request: Request) -> Response:
            self.calls += 1
            return await send(request)

        return _Courier(counted, self.pacer, time.monotonic)

    def _dispatcher(self, feed: LineQueue, courier: Sender) -> Worker:
        return Worker(
            feed,
            Translator(self._vendor, self._plugins),
            courier,
            policy=_ONE_RUN,
            pace=self._pace,
            now=time.time,
            observe=feed.note,
            own_loop=True,
        )

    def _shown(self, line: Line, event: Event | None, outcome: Outcome) -> Result:
        """Give a line its result; an event that was let go, or that a plugin dropped, is shown as it was read."""
        found = read(line, self._plugins) if event is None else event
        return Result(line, None if isinstance(found, Result) else found, outcome, outcome.reason)

    def _key(self, line: Line) -> str | Result:
        """Give the ordering key of a line, or the result of one that is no event."""
        event = read(line, self._plugins)
        if isinstance(event, Result):
            return event
        try:
            return self._vendor.key(event)
        except Exception:  # noqa: BLE001 -- a vendor may raise anything; it will again when it translates, and be told
            return "nobody"


def _plain(line: Line, _: Event | None, outcome: Outcome) -> Result:
    return Result(line, None, outcome, outcome.reason)


async def _news(feed: LineQueue) -> None:
    """Wait until there may be results to take, or the delivery broke off."""
    await feed.news.wait()
    feed.news.clear()


async def _end(delivering: "asyncio.Task[None]", opened: AsyncExitStack) -> None:
    """End the delivery, which has nothing under way unless it was interrupted, and close the transport."""
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    await opened.aclose()


@frozen
class _OneRun(RetryPolicy):
    """Every try counts, since nobody waits for the key or the network to be mended."""

    def is_free(self, outcome: Outcome) -> bool:  # noqa: ARG002 -- whatever happened
        return False


_ONE_RUN = _OneRun(tries=6, first=1.0, longest=30.0, give_up=600.0)


class _Pacer(RateLimiter):
    """Goes on after a key was not accepted: the next event is told the same at once."""

    def learn(self, request: Request, reply: Response) -> None:
        super().learn(request, as_learnt(reply))


class _Courier(Sender):
    """Never takes Klaviyo for down: it is the tries of each event that end."""

    @property
    def is_down(self) -> bool:
        return False

    @property
    def hold(self) -> float:
        return 0.0
