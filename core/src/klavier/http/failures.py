"""Describe why no reply came, in one phrase without secrets."""

import socket
import ssl
from collections.abc import Iterator


class BoundError(Exception):
    """A reply exceeded one of klavier's own bounds; the message says which."""


def describe_failure(error: BaseException) -> str:
    """Return why no reply came, from the classes of the errors alone: their messages may quote a URL or a key."""
    chain = list(_iterate_causes(error))
    for cause in chain:
        if isinstance(cause, BoundError):
            return str(cause)
        # aiohttp's own TLS errors derive from SSLError, but only the error that they wrap has the reason.
        if type(cause) in (ssl.SSLError, ssl.SSLCertVerificationError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return f"TLS failed ({getattr(cause, 'reason', None) or type(cause).__name__})"
        if isinstance(cause, socket.gaierror):
            return "the host's name was not found (DNS)"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
    # httpx-aiohttp maps a lost connection to httpx.ConnectTimeout; aiohttp's own class is the precise one.
    if any(type(cause).__module__.startswith("aiohttp") for cause in chain):
        chain = [cause for cause in chain if not type(cause).__module__.startswith("httpx")]
    names = {base.__name__ for cause in chain for base in type(cause).__mro__}
    return next((phrase for name, phrase in _PHRASES.items() if name in names), f"{type(error).__name__} while sending")


_PHRASES = {
    "ConnectTimeout": "connecting timed out",
    "ConnectionTimeoutError": "connecting timed out",
    "ReadTimeout": "waiting for the reply timed out",
    "WriteTimeout": "sending timed out",
    "TimeoutError": "waiting for the reply timed out",
    "ProxyError": "the proxy refused the connection",
    "ClientHttpProxyError": "the proxy refused the connection",
    "ClientProxyConnectionError": "the proxy refused the connection",
    "DecodingError": "the reply cannot be decompressed",
    "ConnectError": "the connection could not be made",
    "ClientConnectorError": "the connection could not be made",
    "RemoteProtocolError": "the reply is malformed or was cut off",
    "ServerDisconnectedError": "the reply is malformed or was cut off",
    "ClientPayloadError": "the reply is malformed or was cut off",
    "ClientResponseError": "the reply is malformed or was cut off",
    "HttpProcessingError": "the reply is malformed or was cut off",
    "LocalProtocolError": "the request cannot be written as HTTP",
    "NetworkError": "the connection was reset",
    "OSError": "the connection was reset",
}
"""By the class names of httpx's and aiohttp's errors, most specific first."""


def _iterate_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
