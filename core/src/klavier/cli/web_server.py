"""HTTP servers of commands, which stop when the command does."""

import asyncio
import contextlib
import logging
import socket
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import click

from klavier.errors import UsageError
from klavier.listening import listen
from klavier.worker.alerts import Alerts

if TYPE_CHECKING:
    import uvicorn

    from klavier.plugins import Plugins

_HEADER_SECONDS = 10
"""How long an idle connection is kept; clients open a new one at no cost that a user notices."""
_CONNECTIONS = 2000
"""Connections at once: each takes about 30 KB while it is read, 60 MB in all."""
_FILES = 8192
"""Files and connections that the process may open: a burst is accepted, 2,048 at a time, before it can be refused.
Systems begin processes with 1,024, with which such a burst would keep the outbox from opening its file."""
_FILES_OF_A_CONNECTION = 4
"""The part of the open files that connections may take, where the system allows fewer: one in four."""

_REPORTS = {
    "Invalid HTTP request received.": "what is no HTTP request is answered with 400, such as TLS or a port scan",
    "Exceeded concurrency limit.": "too many connections are open: requests are answered with 503",
}
"""What uvicorn reports of requests, in our words."""


class _ServerLog(logging.Handler):
    """Logs what uvicorn reports: each cause once, then rarely, since strangers can cause it as often as they like."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._alerts = Alerts(logging.getLogger("klavier.gateway"), time.monotonic)

    def emit(self, record: logging.LogRecord) -> None:
        """Log one report; of an exception its type and place, since its message may hold an event."""
        text = str(record.msg).strip()
        message = _REPORTS.get(text, f"the server reports: {text}")
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
            place = f"{frame.f_code.co_filename}:{line}"
            message = f"a request failed by a mistake in klavier or a plugin ({type(error).__name__} in {place})"
        self._alerts.report(message, message, record.levelno)


health_option = click.option(
    "--health",
    metavar="HOST:PORT",
    callback=lambda _context, _option, value: value if value is None else check_address(value),
    help="Serve /healthz, /readyz and /metrics there, to whoever reaches it; such as 127.0.0.1:9090.",
)


def enable_metrics(plugins: "Plugins") -> None:
    """Count and measure for /metrics, where prometheus-client is installed."""
    from klavier import metrics  # noqa: PLC0415 -- loads an extra

    with contextlib.suppress(UsageError):
        metrics.enable(plugins)


def check_address(text: str) -> str:
    """Return `HOST:PORT` as it is; raises `UsageError` for anything else."""
    parse_address(text)
    return text


def most_connections() -> int:
    """Return how many connections a server may have at once; first raises the number of files that may be open."""
    try:
        import resource  # noqa: PLC0415 -- not on Windows
    except ImportError:
        return _CONNECTIONS
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= allowed < _FILES:
        allowed = _FILES if most < 0 else min(_FILES, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    return _CONNECTIONS if allowed < 0 else min(_CONNECTIONS, allowed // _FILES_OF_A_CONNECTION)


def parse_address(text: str) -> tuple[str, int]:
    """Return the host and the port of `HOST:PORT`; raises `UsageError` for anything else."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65_535):  # noqa: PLR2004 -- the last port
        raise UsageError("--health: must be HOST:PORT, such as 127.0.0.1:9090")
    return host.removeprefix("[").removesuffix("]"), int(port)


def make_server(app: Any, *, lifespan: bool) -> "uvicorn.Server":
    """Return a server that leaves signals to the command, which stops the worker as well.

    Raises `UsageError` where uvicorn is missing.
    """
    try:
        import uvicorn  # noqa: PLC0415 -- an extra
    except ImportError:
        raise UsageError("this needs starlette and uvicorn; pip install 'klavier[server]'") from None

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    from klavier.gateway.slow_clients import TimelyProtocol  # noqa: PLC0415 -- as above

    config = uvicorn.Config(
        app,
        http=TimelyProtocol,
        lifespan="on" if lifespan else "off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_HEADER_SECONDS,
        limit_concurrency=most_connections(),
    )
    logging.getLogger("uvicorn.error").handlers[:] = [_ServerLog()]
    return Server(config)


def web_address(listener: socket.socket, host: str) -> str:
    """Return where browsers find a listener that was made for `host`."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


@contextlib.asynccontextmanager
async def serving(app: Any, address: str) -> AsyncIterator[str]:
    """Serve an application beside other work; yields its web address."""
    host, port = parse_address(address)
    server = make_server(app, lifespan=False)
    with listen(host, port) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]), name="klavier-health")
        try:
            yield web_address(listener, host)
        finally:
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)
