"""Requests over HTTP: the only module that uses an HTTP library.

The synchronous transport drives httpx's connection pool, without its client: that one would write each URL to the log
(the legacy calls carry personal data in theirs), and keep cookies.  The asynchronous one is aiohttp, which takes a
small part of the time that httpx takes once many requests are under way.
"""

import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Self

from klavier.errors import TransportError, UsageError
from klavier.http.encoding import RequestEncoder, choose_proxy, decode_body
from klavier.http.failures import BoundError, describe_failure
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.version import VERSION

if TYPE_CHECKING:
    import httpx

KLAVIYO = "https://a.klaviyo.com"
"""Where Klaviyo's API is."""

LARGEST_REPLY = 20_000_000
"""How many bytes of a reply are read; Klaviyo's own are far smaller."""

_IDLE = 30.0
"""Seconds that an idle connection is kept: less than servers usually keep theirs, so that few are found closed."""


class _BaseTransport(ABC):
    """What both transports share: how requests are worded, how long to wait, how much to read."""

    def __init__(  # noqa: PLR0913 -- one keyword for each thing a transport can be told
        self,
        private_api_key: str | None,
        public_api_key: str | None = None,
        base_url: str = KLAVIYO,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 30.0,
        total_timeout: float = 120.0,
        connections: int = 100,
        largest_reply: int = LARGEST_REPLY,
        proxy: str | None = None,
        verify: bool = True,
    ) -> None:
        """Prepare a transport; no connection is made before the first request.

        Time-outs are seconds: to connect, between two pieces of a reply, and for a whole reply.  `largest_reply` is in
        bytes.  `proxy` is a URL; without one the environment's `HTTPS_PROXY` and `NO_PROXY` count, except for a
        `base_url` on this machine.  `verify=False` trusts any certificate: for a test server only.

        Raises `ConfigError` for a key or URL that cannot be used.
        """
        self._message = RequestEncoder.create(
            base_url, f"klavier/{VERSION}", private_api_key=private_api_key, public_api_key=public_api_key
        )
        self._proxy = choose_proxy(self._message.base_url, proxy)
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._total_timeout = total_timeout
        self._connections = connections
        self._largest_reply = largest_reply
        # Loading the certificates takes longer than all else here, and a server without TLS needs none.
        self._verify = verify and self._message.base_url.startswith("https:")
        self._closed = False
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Make the pool of connections."""

    def __repr__(self) -> str:
        """Show where requests go; never a key."""
        return f"<{type(self).__name__} {self._message.base_url}>"

    def _refusal(self, request: Request) -> Response | None:
        if self._closed:
            raise UsageError("the transport is closed; make a new one")
        return self._message.refuse(request)

    def _check_size(self, body: bytearray) -> None:
        if len(body) > self._largest_reply:
            raise BoundError(f"the reply is larger than {self._largest_reply} bytes")


class SyncTransport(_BaseTransport):
    """Sends requests to Klaviyo and waits for their replies; keeps connections alive; safe to share between threads."""

    _pool: "httpx.HTTPTransport"

    def _open(self) -> None:
        import httpx  # noqa: PLC0415 -- a heavy import, made by those who send

        most = self._connections
        self._pool = httpx.HTTPTransport(
            verify=self._verify,
            proxy=httpx.Proxy(self._proxy) if self._proxy else None,
            limits=httpx.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=_IDLE),
        )
        self._new_request = httpx.Request
        self._timeout = {
            "connect": self._connect_timeout,
            "read": self._read_timeout,
            "write": self._read_timeout,
            "pool": None,
        }

    def send(self, request: Request) -> Response:
        """Send one request, once.

        Every reply is a `Response`, whatever its status; redirects are not followed.  Raises `TransportError` where
        none came: time-out, reset, DNS, TLS, a reply that is no HTTP.  A request that cannot be meant for Klaviyo is
        answered by a local refusal.
        """
        refused = self._refusal(request)
        if refused is not None:
            return refused
        try:
            return self._exchange(request)
        except Exception as error:  # noqa: BLE001 -- whatever breaks below, the event needs its outcome
            problem = describe_failure(error)
        # Raised outside the handler: the error that was caught holds the request, and with it the key.
        raise TransportError(problem)

    def _exchange(self, request: Request) -> Response:
        say, started, body = self._message, time.monotonic(), bytearray()
        reply = self._pool.handle_request(
            self._new_request(
                request.method,
                say.url(request),
                headers=say.headers(request),
                content=say.content(request),
                extensions={"timeout": self._timeout},
            )
        )
        try:
            for piece in reply.iter_bytes():
                body += piece
                self._check_size(body)
                # A reply that drips byte by byte meets no other time-out.
                if time.monotonic() - started > self._total_timeout:
                    raise BoundError("waiting for the whole reply timed out")
        finally:
            reply.close()
        return Response(reply.status_code, decode_body(body), dict(reply.headers.items()))

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        self._pool.close()

    def __enter__(self) -> Self:
        """Return the transport itself; the end of the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()
