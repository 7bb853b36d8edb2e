"""Why no reply came, in one phrase without secrets."""

import socket
import ssl
from collections.abc import Iterator


class BoundError(Exception):
    """A reply went past a bound of our own; the message says which."""


def problem_of(error: BaseException) -> str:
    """Say why no reply came, from the kinds of errors alone: their messages may quote a URL or a key."""
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, BoundError):
            return str(cause)
        # aiohttp's own errors about TLS are no whole SSLErrors: the one that they wrap has the reason.
        if type(cause) in (ssl.SSLError, ssl.SSLCertVerificationError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return f"TLS failed ({getattr(cause, 'reason', None) or type(cause).__name__})"
        if isinstance(cause, socket.gaierror):
            return "the host's name was not found (DNS)"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
    names = {kind.__name__ for cause in chain for kind in type(cause).__mro__}
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
    "ContentEncodingError": "the reply cannot be decompressed",
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
"""By the names of httpx's and aiohttp's errors (so that neither is imported for it), the telling ones first."""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
