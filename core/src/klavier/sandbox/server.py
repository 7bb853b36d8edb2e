"""The sandbox over HTTP, for programs in any language and for tests of the transport.

Needs the extra `server` (starlette and uvicorn).  Besides Klaviyo's own paths the server answers `GET
/_sandbox/state`, `GET /_sandbox/summary` and `GET /_sandbox/calls`, and `POST /_sandbox/reset` deletes
everything; these refuse pages of other sites and host names that are a stranger's.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from klavier.errors import TransportError, UsageError
from klavier.listening import listen
from klavier.sandbox.exchange import Incoming, Reply, find_repeated
from klavier.sandbox.sandbox import Sandbox, base_url
from klavier.sandbox.server_guard import SlowBodyError, read_body, refusal_of, with_deadline

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

_TRANSPORT = "klavier.transport"
"""The key of the connection in the ASGI scope, through which a fault closes it."""

_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
_STOP_SECONDS = 10.0
"""How long the end of the server is waited for: connections are closed by force, so milliseconds as a rule."""


def make_app(sandbox: Sandbox) -> "Starlette":
    """Return the sandbox as an ASGI application.

    Raises `UsageError` where starlette is not installed.  A fault that breaks the connection needs `SandboxServer` or
    `serve`; under another server it raises `TransportError` in the application.
    """
    try:
        from starlette.applications import Starlette  # noqa: PLC0415 -- an extra
        from starlette.responses import Response  # noqa: PLC0415 -- an extra
        from starlette.routing import Route  # noqa: PLC0415 -- an extra
    except ImportError:
        raise _missing() from None

    async def klaviyo(request: "Request") -> Any:
        try:
            incoming = await _incoming(request)
        except SlowBodyError:
            return Response("the body took too long to arrive\n", 408)
        return _Answer(await sandbox.respond_async(incoming))

    async def inspect(request: "Request") -> Any:
        refusal = refusal_of(request)
        return _forbidden(refusal) if refusal else _inspection(sandbox, request.path_params["what"])

    async def reset(request: "Request") -> Any:
        refusal = refusal_of(request)
        if refusal:
            return _forbidden(refusal)
        sandbox.reset()
        return _inspection(sandbox, "state")

    return Starlette(
        routes=[
            Route("/_sandbox/reset", reset, methods=["POST"]),
            Route("/_sandbox/{what}", inspect, methods=["GET"]),
            Route("/{path:path}", klaviyo, methods=_METHODS),
        ]
    )


class SandboxServer:
    """The sandbox on a port of this machine, as a context manager; `url` is its address.

    Port 0 takes a free one.  The server runs in a thread of its own; the sandbox can be read meanwhile.
    Raises `UsageError` where the extra `server` is not installed, or the port is taken.
    """

    def __init__(self, sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> None:
        self.sandbox = sandbox
        self._host, self._port = host, port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""
        self.listener: socket.socket

    def __enter__(self) -> Self:
        """Start the server."""
        self.listener = listen(self._host, self._port)
        self.url = _url(self.listener)
        self._server = _server(self.sandbox, self.listener)
        arguments = (self._server, self.listener)
        self._thread = threading.Thread(target=_run, args=arguments, name="klavier-sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server, and return when it has ended, or after `_STOP_SECONDS`."""
        if self._server is not None:
            self._server.should_exit = True
            self._server.force_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)


def serve(
    sandbox: Sandbox, host: str = "127.0.0.1", port: int = 8765, *, announce: Callable[[str], None] | None = None
) -> None:
    """Serve the sandbox until the program is interrupted; `announce` is called with the address.

    Raises `UsageError` where the extra `server` is not installed, or the port is taken.
    """
    listener = listen(host, port)
    server = _server(sandbox, listener)
    if announce is not None:
        announce(_url(listener))
    _run(server, listener)


def _missing() -> UsageError:
    return UsageError("the sandbox server needs starlette and uvicorn; pip install 'klavier[server]'")


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(sandbox: Sandbox, listener: socket.socket) -> "uvicorn.Server":
    try:
        import uvicorn  # noqa: PLC0415 -- an extra

        app = make_app(sandbox)
        config = uvicorn.Config(
            app, http=_protocol(), ws="none", lifespan="off", loop="asyncio", log_config=None, access_log=False
        )
    except ImportError:
        listener.close()
        raise _missing() from None
    except UsageError:
        listener.close()
        raise
    # A connection that a fault breaks is no error of the server.
    logging.getLogger("uvicorn.error").addFilter(_is_no_fault)
    return uvicorn.Server(config)


def _is_no_fault(record: logging.LogRecord) -> bool:
    return "ASGI callable returned without" not in record.getMessage()


def _run(server: "uvicorn.Server", listener: socket.socket) -> None:
    try:
        server.run(sockets=[listener])
    finally:
        listener.close()


def _protocol() -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, extended so that the application can reach its connection."""
    from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415 -- an extra

    class Protocol(with_deadline(H11Protocol)):  # type: ignore[misc]  # a class that is not known before
        app: Any

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            inner = self.app

            async def app(scope: Any, receive: Any, send: Any) -> None:
                scope[_TRANSPORT] = transport
                await inner(scope, receive, send)

            self.app = app

    return Protocol


async def _incoming(request: "Request") -> Incoming:
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw.split(b"?")[0].decode("ascii", "replace")
    headers = {name.lower(): value for name, value in request.headers.items()}
    base = base_url(headers.get("host"), request.url.scheme)
    params = request.query_params
    repeated = find_repeated(name for name, _ in params.multi_items())
    return Incoming(request.method, path, dict(params), headers, await read_body(request), base, repeated)


class _Answer:
    """An ASGI response whose connection can break."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:  # noqa: ARG002 -- the signature of ASGI
        reply = self._reply
        transport = scope.get(_TRANSPORT)
        if reply.broken and transport is None:
            raise TransportError("the connection breaks here")
        if reply.broken == "none" and transport is not None:
            transport.abort()
            return
        body = reply.body
        headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in reply.http_headers().items()]
        if reply.status not in (204, 304):
            headers.append((b"content-length", str(max(len(body), 2) if reply.broken else len(body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if reply.broken:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            return  # the server closes a connection whose response is not complete
        await send({"type": "http.response.body", "body": body})


def _forbidden(refusal: str) -> Any:
    from starlette.responses import JSONResponse  # noqa: PLC0415 -- an extra

    return JSONResponse({"error": refusal}, 403)


def _inspection(sandbox: Sandbox, what: str) -> Any:
    from starlette.responses import JSONResponse, PlainTextResponse  # noqa: PLC0415 -- an extra

    if what == "state":
        return JSONResponse(sandbox.state())
    if what == "summary":
        return PlainTextResponse(sandbox.summary() + "\n")
    if what == "calls":
        calls = [
            {"method": c.method, "path": c.path, "revision": c.revision, "status": c.status} for c in sandbox.calls
        ]
        return JSONResponse(calls)
    return JSONResponse({"error": "try state, summary or calls"}, 404)
