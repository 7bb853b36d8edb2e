"""`klavier run`: deliver what is in the outbox, until a signal or until it is empty."""

import asyncio
from contextlib import AsyncExitStack, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from klavier.cli.json_output import json_line
from klavier.cli.messages import note, warn
from klavier.cli.open_outbox import check_shared
from klavier.cli.options import format_option
from klavier.cli.run_status import RunStatus
from klavier.cli.setup import Choice, Setup, config_option, prepare
from klavier.cli.signals import RELOADED, handle_signals
from klavier.cli.web_server import enable_metrics, health_option, serving
from klavier.errors import UsageError

if TYPE_CHECKING:
    from klavier.monitoring.health import Health
    from klavier.worker.leased_worker import LeasedWorker

_TIMEOUT = 300.0
"""Seconds without progress after which `--until-empty` ends: as long as the longest wait between two tries."""


@click.command("run", short_help="Deliver what is in the outbox.")
@config_option
@click.option("--until-empty", is_flag=True, help="End when nothing is waiting.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="With --until-empty: end, with exit code 1, when nothing could be delivered for so long.",
)
@format_option(text="The final counts as text or as one JSON object.")
@health_option
def command(*, config_file: Path | None, until_empty: bool, timeout: float, as_: str, health: str | None) -> None:
    """Deliver what is in the outbox, and what other processes accept into it, until Ctrl-C or SIGTERM.

    The first signal lets the requests in flight finish, the rest stays in the outbox; a second signal ends at once.
    SIGHUP reads the configuration again, and with it the key.
    One process delivers at a time: another one waits, and takes over when the first ends.
    """
    run = _Run(Choice(config_file=config_file, option=None), timeout if until_empty else None, health)
    asyncio.run(run.deliver())
    counts = run.status.to_json()
    click.echo(json_line(counts).decode().rstrip() if as_ == "json" else run.status.line())
    raise SystemExit(run.status.exit_code or int(until_empty and run.has_timed_out))


class _Run:
    """Delivers until it is stopped; a new configuration starts a new worker.

    `timeout` is after how many seconds without progress to end although events are waiting; None for never.
    `address` is where monitors ask, as HOST:PORT; None for nowhere.
    """

    def __init__(self, choice: Choice, timeout: float | None, address: str | None = None) -> None:
        self.has_timed_out = False
        self.status = RunStatus()
        self._choice = choice
        self._timeout = timeout
        self._setup = self._prepare()
        self._next: Setup | None = None
        self._address = address
        self._health: Health | None = None

    async def deliver(self) -> None:
        """Deliver until the outbox is empty, a signal comes, or nothing was delivered for too long."""
        async with AsyncExitStack() as stack:
            while True:
                await self._deliver_once(stack)
                if self._next is None:
                    return
                self._setup, self._next = self._next, None
                note(RELOADED)

    async def _deliver_once(self, stack: AsyncExitStack) -> None:
        """Deliver with one configuration; what monitors ask is served until `stack` is closed."""
        from klavier.relay.factory import make_relay_config  # noqa: PLC0415 -- loads what delivers
        from klavier.shadow.factory import make_shadow  # noqa: PLC0415 -- as above
        from klavier.worker.factory import make_connect  # noqa: PLC0415 -- as above
        from klavier.worker.leased_worker import LeasedWorker  # noqa: PLC0415 -- as above

        if self._address is not None:
            enable_metrics(self._setup.plugins)
        shadow = make_shadow(self._setup.config, self._setup.vendor)
        config = make_relay_config(self._setup.config, None if shadow is None else shadow.add)
        with closing(config.outbox), nullcontext() if shadow is None else closing(shadow):
            worker = LeasedWorker(config, own_loop=True, has_watchdog=True)
            if shadow is not None:
                worker.reporter.parts["shadow"] = shadow.summarize
            self.status.watch(worker)
            self._handle_signals(worker)
            await self._serve_health(worker, stack)
            async with make_connect(self._setup.config, self._setup.vendor)() as send:
                tasks = [asyncio.create_task(self.status.print_progress())]
                if self._timeout is not None:
                    tasks.append(asyncio.create_task(self._stop_without_progress(worker, self._timeout)))
                try:
                    await worker.run(send, until_empty=self._timeout is not None)
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
            self.status.finish()

    async def _serve_health(self, worker: "LeasedWorker", stack: AsyncExitStack) -> None:
        """Answer monitors about this worker."""
        if self._address is None:
            return
        if self._health is not None:
            self._health.reader.watch(worker)
            return
        try:
            from klavier.monitoring.health import Health  # noqa: PLC0415 -- needs an extra
            from klavier.monitoring.reader import StatusReader  # noqa: PLC0415 -- as above
        except ImportError:
            raise UsageError("--health needs starlette and uvicorn; pip install 'klavier[server]'") from None
        self._health = Health(StatusReader(worker), is_running=lambda: True)  # a process that does not deliver ends
        address = await stack.enter_async_context(serving(self._health.app(), self._address))
        note(f"health and metrics at {address}")

    def _prepare(self) -> Setup:
        setup = prepare(self._choice, purpose="send")
        setup.check_keys()
        check_shared(setup)
        return setup

    async def _stop_without_progress(self, worker: "LeasedWorker", seconds: float) -> None:
        """Stop when no event was settled for so many `seconds`, here or by another process that delivers."""
        before = self.status.progress()
        while True:
            await asyncio.sleep(seconds)
            now = self.status.progress()
            if now == before:
                self.has_timed_out = True
                warn(f"nothing could be delivered for {seconds:g} s: {self.status.line()}; {self.status.details()}")
                worker.stop()
                return
            before = now

    def _handle_signals(self, worker: "LeasedWorker") -> None:
        """Stop the worker at a signal, and go on with a new configuration after SIGHUP."""

        def end(following: Setup | None) -> None:
            self._next = following
            worker.stop()

        handle_signals(end, self._prepare)
