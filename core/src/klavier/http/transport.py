"""Send requests to Klaviyo over httpx.

`Transport` calls httpx's transport interface directly. Through `httpx.AsyncClient` a request takes about 1.7 times the
processor time (346 against 187 us with 32 connections over loopback), and the client logs each URL, which in a legacy
call carries personal data.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx

from klavier.errors import ConfigError, TransportError, UsageError
from klavier.http.encoding import RequestEncoder, choose_proxy, decode_body
from klavier.http.failures import BoundError, describe_failure
from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.strictjson import kind_of
from klavier.version import VERSION

if TYPE_CHECKING:
    import ssl

KLAVIYO = "https://a.klaviyo.com"
"""Where Klaviyo's API is."""

LARGEST_REPLY = 20_000_000
"""How many bytes of a reply are read; Klaviyo's own are far smaller."""

_LARGEST_TOGETHER = 50_000_000
"""How many bytes of replies are held while they are read, of all requests in flight: a server that sends without an
end to each of 32 connections would take 640 MB otherwise. Replies of 1.5 MB each stay below it."""

_IDLE = 30.0
"""Seconds that an idle connection is kept: less than servers usually keep theirs, so that few are found closed."""

HttpTransport = httpx.AsyncBaseTransport | httpx.AsyncClient
"""What a user may pass to send through: an httpx transport (tests, proxies, TLS) or a client (instrumentation)."""

_SendHttp = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Transport:
    """Sends requests to one Klaviyo account and awaits the replies; belongs to the event loop that first uses it."""

    def __init__(  # noqa: PLR0913 -- one keyword for each option of a connection
        self,
        private_api_key: str | None,
        public_api_key: str | None = None,
        base_url: str = KLAVIYO,
        *,
        access_token: str | None = None,
        connect_timeout: float = 10.0,
        read_timeout: float = 30.0,
        total_timeout: float = 120.0,
        connections: int = 100,
        largest_reply: int = LARGEST_REPLY,
        proxy: str | None = None,
        verify: bool = True,
        transport: HttpTransport | None = None,
        read_only: bool = False,
    ) -> None:
        """Prepare a transport; no connection is made before the first request.

        Time-outs are seconds: to connect, between two pieces of a reply, and for a whole reply. `largest_reply` is in
        bytes. `access_token` is an OAuth token, sent in place of the private key. `proxy` is a URL; without one the
        environment's `HTTPS_PROXY` and `NO_PROXY` count, except for a `base_url` on this machine. `verify=False`
        trusts any certificate: for a test server only.

        `transport` is an httpx transport or client to send through; `connections`, `proxy` and `verify` are then its
        own. It is not closed here. `read_only` refuses every call but those that read, whoever makes it.

        Raises `ConfigError` for a key, URL or transport that cannot be used.
        """
        self._encoder = RequestEncoder.create(
            base_url,
            f"klavier/{VERSION}",
            private_api_key=private_api_key,
            public_api_key=public_api_key,
            access_token=access_token,
        )
        self._timeouts = {"connect": connect_timeout, "read": read_timeout, "write": read_timeout, "pool": None}
        self._total_timeout = total_timeout
        self._largest_reply = largest_reply
        self._held = 0
        self._read_only = read_only
        self._closed = False
        self._own: httpx.AsyncBaseTransport | None = None
        if transport is None:
            base = self._encoder.base_url
            # Loading the certificates takes longer than all else here, and a server without TLS needs none.
            needs_certificates = verify and base.startswith("https:")
            self._own = _create_default(connections, choose_proxy(base, proxy), verify=needs_certificates)
        self._send_http = _find_send(self._own if transport is None else transport)

    def __repr__(self) -> str:
        """Show where requests go; never a key."""
        return f"<{type(self).__name__} {self._encoder.base_url}>"

    async def send(self, request: Request) -> Response:
        """Send one request, once.

        Every reply is a `Response`, whatever its status; redirects are not followed. A request that cannot be meant for
        Klaviyo is answered by a local refusal.

        Raises `TransportError` where no reply came: time-out, reset, DNS, TLS, a reply that is no HTTP. Raises
        `UsageError` where the transport is closed, or is `read_only` and the call may write.
        """
        if self._closed:
            raise UsageError("the transport is closed; make a new one")
        if self._read_only and not is_read(request):
            raise UsageError(f"{request.method} {request.path}: this transport only reads; nothing was sent")
        refusal = self._encoder.refuse(request)
        if refusal is not None:
            return refusal
        try:
            return await self._exchange(request)
        except Exception as error:  # noqa: BLE001 -- whatever fails below, the event needs its outcome
            problem = describe_failure(error)
        # Raised outside the handler: the error that was caught refers to the request, and with it to the key.
        raise TransportError(problem)

    async def _exchange(self, request: Request) -> Response:
        encoder = self._encoder
        http_request = httpx.Request(
            request.method,
            encoder.url(request),
            headers=encoder.headers(request),
            content=encoder.content(request),
            extensions={"timeout": self._timeouts},
        )
        # A reply that arrives byte by byte meets no other time-out.
        async with asyncio.timeout(self._total_timeout):
            reply = await self._send_http(http_request)
            try:
                body = await self._read(reply)
            finally:
                await reply.aclose()
        return Response(reply.status_code, decode_body(body), dict(reply.headers.items()))

    async def _read(self, reply: httpx.Response) -> bytes:
        """Return the body of a reply; raises `BoundError` where it, or all that are read, are too large."""
        pieces: list[bytes] = []
        size = 0
        try:
            async with aclosing(reply.aiter_bytes()) as parts:  # type: ignore[type-var]  # it is a generator
                async for piece in parts:
                    size += len(piece)
                    self._held += len(piece)
                    if size > self._largest_reply:
                        raise BoundError(f"the reply is larger than {self._largest_reply} bytes")
                    if self._held > _LARGEST_TOGETHER:
                        raise BoundError(f"replies are larger than {_LARGEST_TOGETHER} bytes together")
                    pieces.append(piece)
            return b"".join(pieces)
        finally:
            self._held -= size
            pieces.clear()  # an error refers to this frame

    async def close(self) -> None:
        """Close the connections, except those of a transport that was passed in."""
        self._closed = True
        if self._own is not None:
            await self._own.aclose()

    async def __aenter__(self) -> Self:
        """Return itself; the end of the block closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.close()


def is_read(request: Request) -> bool:
    """Return whether a call only reads: a GET of an operation that is known to; the legacy API writes by GET, too."""
    operation = find_operation(request.method, request.path)
    return request.method == "GET" and operation is not None and not operation.is_legacy


def prepare(transport: object) -> None:
    """Check what a user passed, and import what sends; raises `ConfigError` for what is no asynchronous transport."""
    if transport is None:
        import httpx_aiohttp  # noqa: F401, PLC0415 -- loads aiohttp, which a user's own transport needs not
    else:
        _find_send(transport)


def _create_default(connections: int, proxy: str | None, *, verify: bool) -> httpx.AsyncBaseTransport:
    """Create httpx-aiohttp's transport: with many connections httpx's own pool takes ten times the processor time."""
    from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415 -- loads aiohttp, which a user's own transport needs not

    class CookielessTransport(AiohttpTransport):
        """Stores no cookie: Klaviyo's API needs none, and no request depends on an earlier one."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            reply = await super().handle_async_request(request)
            session: Any = self.client  # aiohttp's session, which exists once a request was sent
            session.cookie_jar.clear()
            return reply

    context: ssl.SSLContext | bool = httpx.create_ssl_context() if verify else False
    return CookielessTransport(
        verify=context,
        proxy=httpx.Proxy(proxy) if proxy else None,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=_IDLE),
    )


def _find_send(transport: object) -> _SendHttp:
    """Return what sends one HTTP request and streams the reply; raises `ConfigError` for what is no async transport."""
    if isinstance(transport, httpx.AsyncClient):
        client = transport
        logging.getLogger("httpx").addFilter(_remove_query)

        async def send(request: httpx.Request) -> httpx.Response:
            return await client.send(request, stream=True, follow_redirects=False)

        return send
    if isinstance(transport, httpx.AsyncBaseTransport):
        return transport.handle_async_request
    raise ConfigError(
        f"transport: must be an httpx.AsyncBaseTransport or an httpx.AsyncClient, not {kind_of(transport)}"
    )


def _remove_query(record: logging.LogRecord) -> bool:
    """Remove the query from the URLs that httpx's client logs: in Klaviyo's legacy calls it holds personal data."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            argument.copy_with(query=None) if isinstance(argument, httpx.URL) else argument for argument in record.args
        )
    return True
