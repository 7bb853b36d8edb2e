"""`klavier serve`: accept events over HTTP from SDKs, and deliver them."""

import asyncio
import contextlib
import errno
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from klavier.cli.messages import note, print_error
from klavier.cli.setup import Choice, Setup, config_option, prepare
from klavier.cli.signals import RELOADED, handle_signals
from klavier.cli.web_server import enable_metrics, health_option, make_server, serving, web_address
from klavier.cli.wording import paint
from klavier.errors import UsageError
from klavier.listening import listen
from klavier.worker.alerts import Alerts

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    import uvicorn

    from klavier.console.app import Console

_SWITCH_SECONDS = 0.0005
"""How long a thread keeps Python's interpreter while another one waits for it. The threads that answer, store and
deliver wait for each other some ten times a request: with a backlog, 99 % of the requests of 3,000 events a second take
at most 50 to 100 ms with this, 85 to 135 ms with 1 ms, and 220 to 340 ms with Python's usual 5 ms. A shorter time saves
nothing."""


@click.command("serve", short_help="Accept events over HTTP from SDKs, and deliver them.")
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="The port; 0 takes a free one."
)
@click.option("--no-deliver", is_flag=True, help="Only accept; another process delivers, such as `klavier run`.")
@click.option("--no-console", is_flag=True, help="Do not serve the page at /console/.")
@health_option
def command(  # noqa: PLR0913 -- one for each option
    *, config_file: Path | None, host: str, port: int, no_deliver: bool, no_console: bool, health: str | None
) -> None:
    """Accept events from the SDKs of Segment, RudderStack and Freshpaint, until Ctrl-C or SIGTERM, and deliver them.

    SIGHUP reads the configuration again, and with it the keys.
    The senders and their write keys are in the sections [gateway.sources.NAME] of the configuration.
    A page at /console/ shows what goes through; on addresses that are not loopback it needs [console] password.
    It needs the extra: pip install 'klavier[server]'.
    """
    choice = Choice(config_file=config_file, option=None)
    serving = _Serving(choice, host, port, deliver=not no_deliver, has_console=not no_console, health=health)
    sys.setswitchinterval(_SWITCH_SECONDS)
    asyncio.run(serving.serve())


class _Serving:
    """Serves until it is stopped; a new configuration starts a new gateway on the same socket."""

    def __init__(  # noqa: PLR0913 -- as the command
        self, choice: Choice, host: str, port: int, *, deliver: bool, has_console: bool, health: str | None
    ) -> None:
        self._choice = choice
        self._address = host, port
        self._deliver = deliver
        self._has_console = has_console
        self._health = health
        self._setup = self._prepare()
        self._next: Setup | None = None

    async def serve(self) -> None:
        """Serve until a signal comes; while the configuration changes, clients wait to be accepted."""
        asyncio.get_running_loop().set_exception_handler(_make_error_handler())
        with listen(*self._address) as listener:
            while True:
                await self._serve_once(listener)
                if self._next is None:
                    return
                self._setup, self._next = self._next, None
                note(RELOADED)

    async def _serve_once(self, listener: "socket.socket") -> None:
        try:
            from klavier.cli.serve_console import make_console  # noqa: PLC0415 -- loads what serves
            from klavier.gateway import Gateway  # noqa: PLC0415 -- as above
        except ImportError:
            raise UsageError("klavier serve needs starlette and uvicorn; pip install 'klavier[server]'") from None
        host, config = self._address[0], self._setup.config
        enable_metrics(self._setup.plugins)
        gateway = Gateway(config, config.folder, deliver=self._deliver, has_watchdog=True)
        console = make_console(config, gateway, host) if self._has_console else None
        async with contextlib.AsyncExitStack() as stack:
            server = make_server(gateway.app, lifespan=True)
            self._handle_signals(server, console)
            if self._health is not None:
                monitored = await stack.enter_async_context(serving(gateway.health.app(), self._health))
                print_error(f"health and metrics at {paint(monitored, bold=True)}")
            address = web_address(listener, host)
            print_error(f"accepting events at {paint(address, bold=True)}; Ctrl-C ends it")
            if console is not None:
                print_error(f"console at {paint(f'{address}{console.home}', bold=True)}")
            await server.serve(sockets=[listener.dup()])  # it closes its own

    def _prepare(self) -> Setup:
        setup = prepare(self._choice, purpose="send")
        if self._deliver:
            setup.check_keys()
        return setup

    def _handle_signals(self, server: "uvicorn.Server", console: "Console | None") -> None:
        """Stop serving at a signal, and go on with a new configuration after SIGHUP."""

        def end(following: Setup | None) -> None:
            self._next = following
            server.should_exit = True
            if console is not None:
                console.close()  # its pages would keep their connections open

        handle_signals(end, self._prepare)


def _make_error_handler() -> "Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]":
    """Return what logs that there are too many open files: asyncio itself logs it two thousand times a second."""
    alerts = Alerts(logging.getLogger("klavier.gateway"), time.monotonic)

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            problem = "too many open files: new connections wait; allow more (ulimit -n, LimitNOFILE)"
            alerts.report("files", problem, logging.ERROR)
        # Accepting is tried again as often, which fails where the server has ended meanwhile.
        elif not (isinstance(error, ValueError) and "_start_serving" in str(context.get("handle"))):
            loop.default_exception_handler(context)

    return handle
