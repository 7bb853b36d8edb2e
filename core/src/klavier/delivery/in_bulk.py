"""From lines to outcomes with the fewest calls: events by the thousand, profiles by the ten thousand.

The same stream as `klavier.delivery.pipeline`, through the dispatcher of the relay and a queue in memory for each
window of lines.  One run does not wait for a better day: a key that is not accepted fails its events at once, and a
Klaviyo that does not answer fails them after some tries.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING

from attrs import frozen

from klavier.delivery.collector import resting
from klavier.delivery.courier import AsyncSend, Courier
from klavier.delivery.dispatcher import Dispatcher, Pace
from klavier.delivery.lines import BOM, Line
from klavier.delivery.outbox import Entry, MemoryQueue
from klavier.delivery.pacing import Pacer
from klavier.delivery.patience import as_learnt
from klavier.delivery.pipeline import Observers, Result, read
from klavier.delivery.translator import Translator
from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, failed
from klavier.retry import RetryPolicy

if TYPE_CHECKING:
    from klavier.plugins import Plugins
    from klavier.vendor import Vendor

Connect = Callable[[], AbstractAsyncContextManager[AsyncSend]]

_ROOM = 50_000_000
"""Bytes of memory that a window of lines may take while it is under way; so the whole program stays below 120 MB."""

_PER_LINE, _PER_BYTE = 8_000, 10
"""What a line takes, whatever is in it, and what each byte of it takes: text, event, request and body, as measured."""


class InBulk:
    """One vendor, one way to send, and the plugins that look in; like `Pipeline`, with fewer calls.

    `connect` opens the transport in the event loop of the run.  Without `shows_events` results have no events but those
    that plugins want to see: each is read anew for it.
    """

    def __init__(
        self, vendor: "Vendor", connect: Connect, *, plugins: "Plugins", pace: Pace, shows_events: bool = True
    ) -> None:
        self.calls = 0
        """Requests that were sent; a result cannot show those that it shares with a thousand others."""
        self.observers = Observers(plugins, vendor.name)
        self._vendor = vendor
        self._connect = connect
        self._pace = pace
        self._plugins = plugins
        self._shows_events = shows_events
        self.pacer: Pacer = _Pacer(time.monotonic)
        """What Klaviyo's limits are kept by."""

    def run(self, lines: Iterable[Line]) -> Iterator[Result]:
        """Give one result for each line, in order; no more than one window of lines is held at a time."""
        with asyncio.Runner() as runner:
            opened = AsyncExitStack()
            courier = runner.run(self._open(opened))
            try:
                for window in _windows(lines):
                    yield from self._deliver(window, runner, courier)
            finally:
                runner.run(opened.aclose())

    async def _open(self, opened: AsyncExitStack) -> Courier:
        send = await opened.enter_async_context(self._connect())

        async def counted(request: Request) -> Response:
            self.calls += 1
            return await send(request)

        return _Courier(counted, self.pacer, time.monotonic)

    def _deliver(self, window: list[Line], runner: asyncio.Runner, courier: Courier) -> Iterator[Result]:
        unread: dict[int, Result] = {}
        ended: dict[int, tuple[Event | None, Outcome]] = {}

        def note(event: Event | None, entry: Entry, outcome: Outcome) -> None:
            ended[entry.seq] = (event, outcome)

        # The place in the window stands for the message id: two lines with one id are two lines all the same.
        entries: list[Entry] = []
        with resting():
            for place, line in enumerate(window, 1):
                event = read(line, self._plugins)
                if isinstance(event, Result):
                    unread[place] = event
                else:
                    entries.append(Entry(place, "", self._key(event), line.text.removeprefix(BOM), 0.0))
        if entries:
            runner.run(self._empty(entries, courier, note))
        shows = self._shows_events or self._plugins.answers("klavier_event_outcome")
        for place, line in enumerate(window, 1):
            result = unread.get(place) or self._result(line, *ended.pop(place, _NEVER_ENDED), shows=shows)
            self.observers.see(result)
            yield result

    async def _empty(
        self,
        entries: list[Entry],
        courier: Courier,
        note: Callable[[Event | None, Entry, Outcome], None],
    ) -> None:
        await Dispatcher(
            MemoryQueue(entries),
            Translator(self._vendor, self._plugins),
            courier,
            policy=_ONE_RUN,
            pace=self._pace,
            now=time.time,
            observe=note,
            own_loop=True,
            shows_events=lambda: False,
        ).run(until_empty=True)

    def _result(self, line: Line, event: Event | None, outcome: Outcome, *, shows: bool) -> Result:
        """Give a line its result; an event that was let go, or that a plugin dropped, is shown as it was read."""
        if event is None and shows:
            found = read(line, self._plugins)
            event = None if isinstance(found, Result) else found
        return Result(line, event, outcome, outcome.reason)

    def _key(self, event: Event) -> str:
        try:
            return self._vendor.key(event)
        except Exception:  # noqa: BLE001 -- a vendor may raise anything; it will again when it translates, and be told
            return "nobody"


_NEVER_ENDED = (None, failed("the run ended before the event had its outcome"))


@frozen
class _OneRun(RetryPolicy):
    """Every try counts, since nobody waits for the key or the network to be mended."""

    def is_free(self, outcome: Outcome) -> bool:  # noqa: ARG002 -- whatever happened
        return False


_ONE_RUN = _OneRun(tries=6, first=1.0, longest=30.0, give_up=600.0)


class _Pacer(Pacer):
    """Goes on after a key was not accepted: the next event is told the same at once."""

    def learn(self, request: Request, reply: Response) -> None:
        super().learn(request, as_learnt(reply))


class _Courier(Courier):
    """Never takes Klaviyo for down: it is the tries of each event that end."""

    @property
    def is_down(self) -> bool:
        return False

    @property
    def hold(self) -> float:
        return 0.0


def _windows(lines: Iterable[Line]) -> Iterator[list[Line]]:
    window: list[Line] = []
    room = _ROOM
    for line in lines:
        window.append(line)
        room -= _PER_LINE + _PER_BYTE * len(line.text)
        if room <= 0:
            yield window
            window, room = [], _ROOM
    if window:
        yield window
