"""The live part of the page as server-sent events: the panels that changed, once a second."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import orjson

MOST_STREAMS = 50
"""Pages that are kept up to date at once; one more is answered with 503, and its browser asks again."""

_PERIOD = 1.0
_STREAM_SECONDS = 300.0
"""How long one stream lasts; browsers then open the next, so that one of a signed-out page ends."""
_KEEP_ALIVE_SECONDS = 15.0
"""How often something is sent while nothing changes, so that no proxy closes the connection."""

Panels = dict[str, str]
"""HTML by the id of the element that it fills."""


class Live:
    """Streams of panels to pages; `close` ends all of them, so that a server can stop."""

    def __init__(self, render: Callable[[], Awaitable[Panels]]) -> None:
        """`render` returns all panels as they are now."""
        self._render = render
        self._closing = asyncio.Event()
        self._count = 0

    @property
    def has_room(self) -> bool:
        """Whether another stream may begin."""
        return self._count < MOST_STREAMS and not self._closing.is_set()

    def close(self) -> None:
        """End all streams, and begin no other."""
        self._closing.set()

    async def stream(self, is_signed_in: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield server-sent events: the panels that differ from those before, until the stream is old."""
        self._count += 1
        loop = asyncio.get_running_loop()
        known: Panels = {}
        sent_at, end = loop.time(), loop.time() + _STREAM_SECONDS
        try:
            yield b"retry: 2000\n\n"
            while loop.time() < end and is_signed_in() and not self._closing.is_set():
                panels = await self._render()
                changed = {name: html for name, html in panels.items() if known.get(name) != html}
                known = panels
                if changed:
                    yield b"data: " + orjson.dumps(changed) + b"\n\n"
                    sent_at = loop.time()
                elif loop.time() - sent_at >= _KEEP_ALIVE_SECONDS:
                    yield b": still here\n\n"
                    sent_at = loop.time()
                await self._pause()
        finally:
            self._count -= 1

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_PERIOD):
                await self._closing.wait()
        except TimeoutError:
            return
