"""An httpx transport to a server inside this process, such as the sandbox."""

from collections.abc import Mapping
from typing import Protocol

import httpx

from klavier.errors import TransportError


class Server(Protocol):
    """What answers raw HTTP requests with status, headers and body; raises `TransportError` for a broken connection."""

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer a request; may block."""
        ...

    async def handle_async(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer a request without blocking the event loop."""
        ...


class InProcessTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends requests to a server in this process, for `httpx.Client`, `httpx.AsyncClient` and klavier's `transport=`.

    A broken connection is `httpx.RemoteProtocolError`, as over a network.
    """

    def __init__(self, server: Server) -> None:
        """Send to `server`, whatever host a URL names."""
        self._server = server

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a synchronous client."""
        try:
            reply = self._server.handle(*_split(request), request.read())
        except TransportError as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from None
        return _response(request, *reply)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an asynchronous client."""
        try:
            reply = await self._server.handle_async(*_split(request), await request.aread())
        except TransportError as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from None
        return _response(request, *reply)


def _split(request: httpx.Request) -> tuple[str, str, str, Mapping[str, str]]:
    path = request.url.raw_path.split(b"?", 1)[0].decode("ascii")
    return request.method, path, request.url.query.decode("ascii"), request.headers


def _response(request: httpx.Request, status: int, headers: Mapping[str, str], body: bytes) -> httpx.Response:
    return httpx.Response(status, headers=headers, content=body, request=request)
