"""Store the events of requests durably, those of many requests with one write."""

import asyncio
from collections.abc import Callable, Sequence

from attrs import define, field, frozen

from klavier.gateway.bodies import Refusal

MOST_BYTES = 64_000_000
"""Bytes of events that wait to be stored: sixteen requests of the default `max_body` (4 MB), a tenth of a second's
traffic at 600 MB/s."""


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
class _Waiting:
    """The events of one request, and what ends its wait when they are stored."""

    messages: Sequence[Message]
    stored: "asyncio.Future[None]"


class Intake:
    """Stores events; what arrives while a write is under way is stored together with the next one.

    Belongs to the event loop that runs it.
    """

    def __init__(self, store: Store) -> None:
        """Store through `store`."""
        self._store = store
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        self._added = asyncio.Event()
        self._closing = False

    def check_room(self, size: int) -> None:
        """Raise `Refusal` (429) where so many more bytes of events would be too much."""
        if self._bytes and self._bytes + size > MOST_BYTES:
            raise Refusal(429, "overloaded", "more events arrive than can be stored; send them again later", 1)

    async def add(self, messages: Sequence[Message]) -> None:
        """Return when the events of one request are stored.

        Raises `Refusal` (429) where too much waits already, `OutboxError` where they could not be stored.
        """
        if not messages:
            return
        size = sum(len(message.payload) for message in messages)
        self.check_room(size)
        waiting = _Waiting(messages, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._bytes += size
        self._added.set()
        try:
            await waiting.stored
        finally:
            self._bytes -= size

    async def run(self) -> None:
        """Store events until `close`, and then what still waits."""
        while self._waiting or not self._closing:
            if self._waiting:
                requests, self._waiting = self._waiting, []
                await self._write(requests)
            else:
                self._added.clear()
                await self._added.wait()

    def close(self) -> None:
        """Store what waits, then end `run`."""
        self._closing = True
        self._added.set()

    async def _write(self, requests: Sequence[_Waiting]) -> None:
        """Store the events of requests with one write, and end the waits of the requests."""
        error: Exception | None = None
        try:
            await asyncio.to_thread(self._store, [message for request in requests for message in request.messages])
        except Exception as raised:  # noqa: BLE001 -- each request reports it to its sender
            error = raised
        for request in requests:
            if request.stored.done():  # its client has gone
                continue
            if error is None:
                request.stored.set_result(None)
            else:
                request.stored.set_exception(error)
