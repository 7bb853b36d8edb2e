"""`klavier serve`: accept events over HTTP from SDKs, and deliver them."""

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from klavier.cli.setup import Choice, config_option, prepare
from klavier.cli.signals import SIGNALS, STOPPING
from klavier.cli.web_server import enable_metrics, health_option, listen, make_server, serving
from klavier.cli.wording import paint
from klavier.errors import UsageError

if TYPE_CHECKING:
    import uvicorn

    from klavier.cli.setup import Setup
    from klavier.console.app import Console


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

    The senders and their write keys stand under [gateway.sources.NAME] of the configuration.
    A page at /console/ shows what goes through; on other than loopback addresses it needs [console] password.
    It needs the extra: pip install 'klavier[server]'.
    """
    setup = prepare(Choice(config_file=config_file), purpose="send")
    if not no_deliver:
        setup.check_keys()
    asyncio.run(_serve(setup, host, port, deliver=not no_deliver, has_console=not no_console, health=health))


async def _serve(  # noqa: PLR0913 -- as the command
    setup: "Setup", host: str, port: int, *, deliver: bool, has_console: bool, health: str | None
) -> None:
    try:
        from klavier.cli.serve_console import make_console  # noqa: PLC0415 -- loads what serves
        from klavier.gateway.app import Gateway  # noqa: PLC0415 -- as above
    except ImportError:
        raise UsageError("klavier serve needs starlette and uvicorn; pip install 'klavier[server]'") from None
    enable_metrics(setup.plugins)
    gateway = Gateway(setup.config, setup.config.folder, deliver=deliver, has_watchdog=True)
    console = make_console(setup.config, gateway, host, delivers=deliver) if has_console else None
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(listen(host, port))
        server = make_server(gateway.app if console is None else console.wrap(gateway.app), lifespan=True)
        _stop_on_signals(server, console)
        if health is not None:
            monitored = await stack.enter_async_context(serving(gateway.health.app(), health))
            click.echo(f"health and metrics at {paint(monitored, bold=True)}", err=True)
        address = f"http://{host}:{listener.getsockname()[1]}"
        click.echo(f"accepting events at {paint(address, bold=True)}; Ctrl-C ends it", err=True)
        if console is not None:
            click.echo(f"console at {paint(f'{address}{console.home}', bold=True)}", err=True)
        await server.serve(sockets=[listener])


def _stop_on_signals(server: "uvicorn.Server", console: "Console | None") -> None:
    """Stop cleanly at the first signal; the second one does what it does to any program."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        click.echo(STOPPING, err=True)
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        server.should_exit = True
        if console is not None:
            console.close()  # its pages would keep their connections open

    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends at once, and the outbox keeps its events
        for number in SIGNALS:
            loop.add_signal_handler(number, stop)
