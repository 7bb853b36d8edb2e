"""What protects a sandbox server that a browser or a stalled client can reach: who may look inside, and bounds."""

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from klavier.klaviyo.limits import BODY_BYTES

if TYPE_CHECKING:
    from starlette.requests import Request

HEADER_SECONDS = 10.0
"""How long the header of a request may take to arrive; a client that never ends it holds a connection."""

BODY_SECONDS = 30.0
"""How long a body may take to arrive."""

_KEPT = BODY_BYTES + 1
"""Bytes of a body that are kept: enough to see that it is too large."""

_WAITING = "IDLE"
"""h11's name for the state of a connection whose next request has no complete header yet."""

_READ = 10 * BODY_BYTES
"""Bytes of a body that are read: a client that sends too much should read why, which it does after sending."""


class SlowBodyError(Exception):
    """A body did not arrive in time."""


def refusal_of(request: "Request") -> str:
    """Return why a request may not look inside the sandbox; empty where it may.

    A web page of another site can send requests to a server on this machine, and under a name that it makes resolve to
    this machine it can read the replies too.  Programs send no `Origin`, and name the server by its address, as
    `localhost` or by a name without dots, such as that of a container.
    """
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if not _is_local_name(host):
        return "this host name may be a stranger's: use the IP address, localhost or a name without dots"
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return "this request comes from a page of another site"
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        return "this request comes from a page of another site"
    return ""


async def read_body(request: "Request") -> bytes:
    """Return the body, or the part of a too large one that shows it; raises `SlowBodyError`."""
    kept = bytearray()
    read = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                read += len(piece)
                kept += piece[: _KEPT - len(kept)]
                if read > _READ:
                    break
    except TimeoutError:
        raise SlowBodyError from None
    return bytes(kept)


def with_deadline(protocol: type[Any]) -> type[Any]:
    """Return uvicorn's protocol, which closes a connection whose next header does not arrive in time."""

    class Deadline(protocol):  # type: ignore[misc]  # a class that is not known before
        _alarm: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._set_alarm()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if str(self.conn.their_state) != _WAITING:
                self._clear_alarm()
            elif self._alarm is None:
                self._set_alarm()

        def connection_lost(self, exc: Exception | None) -> None:
            self._clear_alarm()
            super().connection_lost(exc)

        def _set_alarm(self) -> None:
            self._alarm = self.loop.call_later(HEADER_SECONDS, self.transport.close)

        def _clear_alarm(self) -> None:
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None

    return Deadline


def _is_local_name(host: str) -> bool:
    if "." not in host or host.endswith(".localhost"):
        return bool(host)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
