"""Send requests over klavier's transport: by default, through httpx's own transport, and through an httpx client."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import httpx

from klavier import Request, Response
from klavier.http.transport import HttpTransport, Transport

KEY = "pk_0123456789abcdef"
EVENT = Request("POST", "/api/events", json={"data": {"type": "event"}}, revision="2026-10-15")


class Send(Protocol):
    """Send requests to a server, one after the other over one transport."""

    def __call__(self, url: str, *requests: Request, **options: Any) -> list[Response]:
        """Return the replies; options are the transport's."""


def send_all(
    url: str, *requests: Request, key: str | None = KEY, http: Callable[[], HttpTransport] | None = None, **options: Any
) -> list[Response]:
    """Send requests in an event loop of their own, through what `http` creates or by default."""

    async def run() -> list[Response]:
        found = None if http is None else http()
        try:
            async with Transport(key, base_url=url, transport=found, **options) as transport:
                return [await transport.send(request) for request in requests]
        finally:
            if found is not None:
                await found.aclose()

    return asyncio.run(run())


def send_through_httpx(
    url: str, *requests: Request, verify: bool = True, proxy: str | None = None, **options: Any
) -> list[Response]:
    """Send through httpx's own transport."""
    return send_all(url, *requests, http=lambda: httpx.AsyncHTTPTransport(verify=verify, proxy=proxy), **options)


def send_through_client(
    url: str, *requests: Request, verify: bool = True, proxy: str | None = None, **options: Any
) -> list[Response]:
    """Send through an httpx client."""
    return send_all(url, *requests, http=lambda: httpx.AsyncClient(verify=verify, proxy=proxy), **options)
