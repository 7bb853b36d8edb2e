"""Close connections whose request does not arrive, or does not end: slow clients cannot occupy all of them."""

import asyncio
from heapq import nsmallest
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEADER_SECONDS = 10.0
"""How long the line and the headers of a request may take: phones on bad networks take two or three seconds."""

_MOST_HEADER_BYTES = 1_000_000
"""Bytes that may arrive before the headers are complete. h11 itself stops at 64 KB; httptools has no limit."""

_CLOSED_TOGETHER = 20
"""One in so many connections is closed where there is no room for another: to find those that have waited longest all
are looked at, which takes half a millisecond."""

_REFUSED_POLITELY = 100
"""Connections beyond the limit that get an answer, 503; further ones are closed at once."""

_Base: Any = AutoHTTPProtocol
"""uvicorn's protocol over httptools where that is installed, else over h11."""


class TimelyProtocol(_Base):  # type: ignore[misc]  # which of the two it is, is known at run time only
    """uvicorn's protocol, with limits for the time and the bytes until the headers of a request are complete.

    uvicorn itself waits for them as long as the connection is open, and keeps all of them.
    """

    _timer: asyncio.TimerHandle | None = None
    _header_bytes = 0
    """Bytes that were received since the last whole headers."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first request; beyond the limit of connections close those that send none."""
        super().connection_made(transport)
        limit = self.limit_concurrency
        if limit is not None and len(self.connections) >= limit:
            self._make_room(1 + limit // _CLOSED_TOGETHER)
            if len(self.connections) > limit + _REFUSED_POLITELY:
                transport.close()
                return
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        """Read data, and wait for the rest of the headers where they are not complete."""
        super().data_received(data)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._header_bytes = 0
            self._stop_waiting()
            return
        is_rest_of_body = cycle is not None and cycle.more_body  # of a request that was refused
        self._header_bytes = 0 if is_rest_of_body else self._header_bytes + len(data)
        if self._header_bytes > _MOST_HEADER_BYTES:
            self.transport.close()
        elif self._timer is None:
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: a request for a WebSocket or HTTP/2 is answered without one, as clients expect."""

    def _make_room(self, number: int) -> None:
        """Close the connections that have waited longest for a request, at most so many."""
        waiting = [(timer.when(), id(each), each) for each in self.connections if (timer := each.waits_until)]
        for _, _, each in nsmallest(number, waiting):
            self.connections.discard(each)  # it is counted no more, although it ends a little later
            each.transport.close()

    @property
    def waits_until(self) -> asyncio.TimerHandle | None:
        """What closes the connection where no request comes; None while one is answered."""
        return self._timer or self.timeout_keep_alive_task

    def _wait_for_headers(self) -> None:
        self._timer = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
