"""Close connections whose request does not arrive, so that slow clients cannot occupy all of them."""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEADER_SECONDS = 10.0
"""How long the line and the headers of a request may take: phones on bad networks take two or three seconds."""

_Base: Any = AutoHTTPProtocol
"""uvicorn's protocol over httptools where that is installed, else over h11."""


class TimelyProtocol(_Base):  # type: ignore[misc]  # which of the two it is, is known at run time only
    """uvicorn's protocol, with a limit for the time until the headers of a request are complete.

    uvicorn itself waits for them as long as the connection is open.
    """

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        """Read data, and wait for the rest of the headers where they are not complete."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            if self._timer is None:
                self._wait_for_headers()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        self._timer = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
