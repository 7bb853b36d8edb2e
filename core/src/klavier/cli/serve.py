"""`klavier serve`: accept events over HTTP from SDKs, and deliver them."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from klavier.cli.setup import Choice, config_option, prepare
from klavier.cli.signals import SIGNALS, STOPPING
from klavier.cli.wording import paint
from klavier.errors import UsageError

if TYPE_CHECKING:
    import uvicorn

    from klavier.cli.setup import Setup

_HEADER_SECONDS = 10
"""How long an idle connection is kept; SDKs open a new one at no cost that a user notices."""
_CONNECTIONS = 2000
"""Connections at once: each takes about 30 KB while it is read, 60 MB in all."""


@click.command("serve", short_help="Accept events over HTTP from SDKs, and deliver them.")
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="The port; 0 takes a free one."
)
@click.option("--no-deliver", is_flag=True, help="Only accept; another process delivers, such as `klavier run`.")
def command(*, config_file: Path | None, host: str, port: int, no_deliver: bool) -> None:
    """Accept events from the SDKs of Segment, RudderStack and Freshpaint, until Ctrl-C or SIGTERM, and deliver them.

    The senders and their write keys stand under [gateway.sources.NAME] of the configuration.
    It needs the extra: pip install 'klavier[server]'.
    """
    setup = prepare(Choice(config_file=config_file), purpose="send")
    if not no_deliver:
        setup.check_keys()
    asyncio.run(_serve(setup, host, port, deliver=not no_deliver))


async def _serve(setup: "Setup", host: str, port: int, *, deliver: bool) -> None:
    try:
        import uvicorn  # noqa: PLC0415 -- an extra

        from klavier.gateway.app import Gateway  # noqa: PLC0415 -- loads what serves
    except ImportError:
        raise UsageError("klavier serve needs starlette and uvicorn; pip install 'klavier[server]'") from None
    gateway = Gateway(setup.config, setup.config.folder, deliver=deliver, has_watchdog=True)
    with _listen(host, port) as listener:
        config = uvicorn.Config(
            gateway.app,
            lifespan="on",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_HEADER_SECONDS,
            limit_concurrency=_CONNECTIONS,
        )
        server = _server(config)
        _stop_on_signals(server)
        address = f"http://{host}:{listener.getsockname()[1]}"
        click.echo(f"accepting events at {paint(address, bold=True)}; Ctrl-C ends it", err=True)
        await server.serve(sockets=[listener])


def _server(config: "uvicorn.Config") -> "uvicorn.Server":
    import uvicorn  # noqa: PLC0415 -- an extra

    class Server(uvicorn.Server):
        """Leaves signals to the command, which stops the worker as well."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Server(config)


def _stop_on_signals(server: "uvicorn.Server") -> None:
    """Stop cleanly at the first signal; the second one does what it does to any program."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        click.echo(STOPPING, err=True)
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        server.should_exit = True

    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends at once, and the outbox keeps its events
        for number in SIGNALS:
            loop.add_signal_handler(number, stop)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"cannot listen on {host}:{port} ({reason}); choose another port") from None
