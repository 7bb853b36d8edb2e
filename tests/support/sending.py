"""The two transports behind one face, so that a test runs over both."""

import asyncio
from typing import Any, Protocol

from klavier import Request, Response
from klavier.http.transport import AsyncTransport, Transport

KEY = "pk_0123456789abcdef"
EVENT = Request("POST", "/api/events", json={"data": {"type": "event"}}, revision="2026-10-15")


class Send(Protocol):
    """Send requests to a server, one after the other over one transport."""

    def __call__(self, url: str, *requests: Request, **options: Any) -> list[Response]:
        """Give the replies; options are the transport's."""


def send_and_wait(url: str, *requests: Request, **options: Any) -> list[Response]:
    """Send with the synchronous transport."""
    with Transport(KEY, base_url=url, **options) as transport:
        return [transport.send(request) for request in requests]


def send_and_await(url: str, *requests: Request, **options: Any) -> list[Response]:
    """Send with the asynchronous transport, in a loop of its own."""

    async def run() -> list[Response]:
        async with AsyncTransport(KEY, base_url=url, **options) as transport:
            return [await transport.send(request) for request in requests]

    return asyncio.run(run())
