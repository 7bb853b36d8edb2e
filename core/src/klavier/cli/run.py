"""`klavier run`: deliver what is in the outbox, for as long as it is wanted."""

import asyncio
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from klavier.cli.open_outbox import check_shared
from klavier.cli.run_status import Meter
from klavier.cli.setup import Choice, config_option, prepare
from klavier.cli.signals import SIGNALS, STOPPING

if TYPE_CHECKING:
    from klavier.flows.drivers import Connect
    from klavier.worker.leased_worker import LeasedWorker, RelayConfig


@click.command("run", short_help="Deliver what is in the outbox.")
@config_option
@click.option("--until-empty", is_flag=True, help="End when nothing waits any more.")
def command(*, config_file: Path | None, until_empty: bool) -> None:
    """Deliver what is in the outbox, and what other processes accept into it, until Ctrl-C or SIGTERM.

    Then what is under way is finished, and the rest stays in the outbox; a second signal ends at once.
    One process delivers at a time: another one waits, and takes over when the first ends.
    """
    from klavier.relay.factory import make_connect, make_relay_config  # noqa: PLC0415 -- loads what delivers

    setup = prepare(Choice(config_file=config_file))
    setup.check_keys()
    check_shared(setup)
    parts = make_relay_config(setup.config)
    with closing(parts.outbox):
        meter = asyncio.run(_deliver(parts, make_connect(setup.config, setup.vendor), until_empty=until_empty))
        click.echo(meter.line())
    raise SystemExit(meter.exit_code)


async def _deliver(parts: "RelayConfig", connect: "Connect", *, until_empty: bool) -> Meter:
    """Run to the end or to a signal; gives the meter, with the counts."""
    from klavier.worker.leased_worker import LeasedWorker  # noqa: PLC0415 -- as above

    runner = LeasedWorker(parts, own_loop=True)
    meter = Meter(runner)
    _stop_on_signals(runner)
    async with connect() as send:
        watch = asyncio.create_task(meter.watch())
        try:
            await runner.run(send, until_empty=until_empty)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    return meter


def _stop_on_signals(runner: "LeasedWorker") -> None:
    """Stop cleanly at the first signal; the second one does what it does to any program."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        click.echo(STOPPING, err=True)
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        runner.stop()

    with suppress(NotImplementedError):  # Windows: Ctrl-C ends at once, and the outbox keeps what is not delivered
        for number in SIGNALS:
            loop.add_signal_handler(number, stop)
