"""Store the events of requests: a profile's events in the order of their times, many requests with one write."""

import asyncio
import contextlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from attrs import define, field, frozen

from klavier.gateway.bodies import Refusal
from klavier.gateway.messages import read_time

MOST_BYTES = 64_000_000
"""Bytes of events that wait to be stored: twenty full requests, a tenth of a second's traffic at 600 MB/s."""


@frozen
class Message:
    """One event as it will be stored; `is_event` is false for JSON that no vendor could translate."""

    source: str
    message_id: str
    key: str
    payload: bytes = field(repr=False)
    is_event: bool = True


Store = Callable[[Sequence[Message]], None]
"""Stores events durably, all of them or none; called in a thread. Raises `OutboxError`."""


@define(eq=False)
class _Held:
    """One event that waits: `release` is when, in seconds of the loop's clock; `stored` ends its request's wait."""

    message: Message
    profile: str
    happened: float
    release: float
    stored: "asyncio.Future[None]"


class Intake:
    """Holds each event for a short window, then stores those of one profile in the order of their times.

    RudderStack's browser SDK sends events in parallel requests, which overtake each other; see the gateway's page.
    Belongs to the event loop that runs it.
    """

    def __init__(self, store: Store, window: float) -> None:
        """Store through `store`; each event waits `window` seconds for earlier ones of its profile."""
        self._store = store
        self._window = window
        self._held: list[_Held] = []
        self._bytes = 0
        self._added = asyncio.Event()
        self._closing = False

    def check_room(self, size: int) -> None:
        """Raise `Refusal` (429) where so many more bytes of events would be too much."""
        if self._bytes and self._bytes + size > MOST_BYTES:
            raise Refusal(429, "overloaded", "more events arrive than can be stored; send them again later", 1)

    async def add(self, messages: Iterable[tuple[Message, dict[str, Any]]]) -> None:
        """Return when the events of one request, each with its payload, are stored.

        The payloads are not kept while the events wait: as objects they take ten times the memory.
        Raises `Refusal` (429) where too much waits already, `OutboxError` where they could not be stored.
        """
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        release = loop.time() + (0.0 if self._closing else self._window)
        held = [
            _Held(each, _profile_of(each, payload), _time_of(payload), release, stored) for each, payload in messages
        ]
        if not held:
            return
        size = sum(len(each.message.payload) for each in held)
        self.check_room(size)
        self._held += held
        del held
        self._bytes += size
        self._added.set()
        try:
            await stored
        finally:
            self._bytes -= size

    async def run(self) -> None:
        """Store events as they become due, until `close` and nothing waits."""
        while not (self._closing and not self._held):
            due = self._take_due(asyncio.get_running_loop().time())
            if due:
                await self._write(due)
            else:
                await self._sleep()

    def close(self) -> None:
        """Store what waits without further delay; `run` then ends."""
        self._closing = True
        self._added.set()

    def _take_due(self, now: float) -> list[_Held]:
        """Take the events whose window has passed, and the earlier ones of the same profiles."""
        if self._closing:
            due, self._held = self._held, []
            return _in_order(due)
        latest: dict[str, float] = {}
        for held in self._held:
            if held.release <= now:
                latest[held.profile] = max(held.happened, latest.get(held.profile, -math.inf))
        if not latest:
            return []
        ready: list[_Held] = []
        waiting: list[_Held] = []
        for held in self._held:
            is_due = held.release <= now or held.happened < latest.get(held.profile, -math.inf)
            (ready if is_due else waiting).append(held)
        self._held = waiting
        return _in_order(ready)

    async def _write(self, due: Sequence[_Held]) -> None:
        """Store events with one write, and end the waits of the requests that are stored as a whole."""
        error: Exception | None = None
        try:
            await asyncio.to_thread(self._store, [held.message for held in due])
        except Exception as raised:  # noqa: BLE001 -- each request reports it to its sender
            error = raised
        waiting = {id(held.stored) for held in self._held}
        for stored in {id(held.stored): held.stored for held in due}.values():
            if stored.done():
                continue
            if error is not None:
                stored.set_exception(error)
            elif id(stored) not in waiting:
                stored.set_result(None)

    async def _sleep(self) -> None:
        now = asyncio.get_running_loop().time()
        wait = min((held.release - now for held in self._held), default=None)
        self._added.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._added.wait()


def _in_order(due: Sequence[_Held]) -> list[_Held]:
    """Sort each profile's events by their times; each takes the place of one of its profile's in the order of arrival.

    Events without a readable time stay where they arrived.
    """
    timed: defaultdict[str, list[_Held]] = defaultdict(list)
    for held in due:
        if not math.isnan(held.happened):
            timed[held.profile].append(held)
    sorted_of: dict[str, Iterator[_Held]] = {
        profile: iter(sorted(group, key=lambda held: held.happened)) for profile, group in timed.items()
    }
    return [held if math.isnan(held.happened) else next(sorted_of[held.profile]) for held in due]


def _profile_of(message: Message, payload: dict[str, Any]) -> str:
    """Return what an anonymous visitor's events and the later identified ones have in common, else the ordering key."""
    anonymous = payload.get("anonymousId")
    return f"{message.source}:{anonymous}" if isinstance(anonymous, str) and anonymous else message.key


def _time_of(payload: dict[str, Any]) -> float:
    """Return when an event happened by its sender's clock: the corrected time contains the delay of each request."""
    happened = read_time(payload.get("originalTimestamp") or payload.get("timestamp"))
    return math.nan if happened is None else happened.timestamp()
