"""How a delivery from the outbox is going: live on a terminal, as lines of a log elsewhere."""

import asyncio
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from klavier.cli.progress import Rate
from klavier.cli.wording import count, limit_status
from klavier.outcome import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from klavier.worker.leased_worker import LeasedWorker

_REFRESH, _LOG_EVERY = 0.5, 10.0


class Meter:
    """Watches one runner."""

    def __init__(self, runner: "LeasedWorker") -> None:
        self._runner = runner
        self._rate = Rate()

    @property
    def exit_code(self) -> int:
        """0 where everything was delivered or skipped, 1 where something was rejected or failed."""
        return 1 if self._runner.kinds["rejected"] or self._runner.kinds["failed"] else 0

    def line(self) -> str:
        """Tell how many events ended how, and how many wait."""
        kinds = [f"{self._runner.kinds[kind]:,} {kind}" for kind in KINDS]
        return ", ".join([*kinds, f"{self._runner.config.outbox.status().waiting:,} waiting"])

    def details(self) -> str:
        """Tell the rate, the tightest limit and the dead letters, as far as there is something to tell."""
        rate = self._rate.update(self._runner.kinds.total())
        found = [f"{rate:,.1f} events/s", *limit_status(self._runner.rate_limiter, self._runner.paused)]
        dead = self._runner.config.outbox.status().dead
        if dead:
            found.append(f"{count(dead, 'dead letter')}: klavier dead list")
        if self._runner.worker is None:
            found.append("another process delivers; waiting for its turn")
        return ", ".join(found)

    async def watch(self) -> None:
        """Show how it goes, on standard error, until cancelled."""
        if sys.stderr.isatty():
            with _live() as show:
                while True:
                    show(f"{self.line()}\n{self.details()}")
                    await asyncio.sleep(_REFRESH)
        last = ""
        while True:
            await asyncio.sleep(_LOG_EVERY)
            line = self.line()
            if line != last:
                last = line
                click.echo(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {line}; {self.details()}", err=True)


@contextmanager
def _live() -> "Iterator[Callable[[str], None]]":
    from rich.console import Console  # noqa: PLC0415 -- takes its time to load
    from rich.live import Live  # noqa: PLC0415 -- as above
    from rich.text import Text  # noqa: PLC0415 -- as above

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        yield lambda text: live.update(Text(text), refresh=True)
