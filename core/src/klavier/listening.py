"""Open the socket of a server, so that its errors are messages for the user."""

import errno
import os
import socket

from klavier.errors import UsageError

_LAST_PORT = 65_535
_BACKLOG = 2048
"""Connections that wait to be accepted: all that reconnect at once after a restart."""
_BUSY = (errno.EADDRINUSE, errno.EACCES)
"""The errors that another port does away with; all others are about the host."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises `UsageError` where the address cannot be used.

    Without TCP_NODELAY, which accepted connections inherit, a reply in two segments waits for the delayed
    acknowledgment of the first one, 44 ms in place of 1: asyncio sets it only for sockets that it made itself.
    """
    if not 0 <= port <= _LAST_PORT:
        raise UsageError(f"port: must be between 0 and {_LAST_PORT}; 0 takes a free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        host.encode("idna")  # create_server raises TypeError for such a name, and leaks a socket
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener  # noqa: TRY300 -- setsockopt may raise too
    except UnicodeError:
        reason, remedy = "not a host name", "host"
    except OSError as error:
        code = error.errno or 0
        reason = os.strerror(code) if code > 0 else "unknown host"
        remedy = "port" if code in _BUSY else "host"
    raise UsageError(f"cannot listen on {host}:{port} ({reason}); choose another {remedy}")
