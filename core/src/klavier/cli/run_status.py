"""The status of a delivery from the outbox: live on a terminal, as lines of a log elsewhere."""

import asyncio
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from klavier.cli.messages import is_quiet, print_error, shows_progress
from klavier.cli.progress import Rate
from klavier.cli.wording import count, limit_status
from klavier.outcome import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from klavier.worker.leased_worker import LeasedWorker

_REFRESH, _LOG_EVERY = 0.5, 10.0


class RunStatus:
    """Watches one worker after the other, and counts the outcomes of all."""

    def __init__(self) -> None:
        self._worker: LeasedWorker | None = None
        self._before: Counter[Kind] = Counter()
        self._waiting = self._dead = 0
        self._rate = Rate()

    def watch(self, worker: "LeasedWorker") -> None:
        """Watch this worker from now on."""
        self._worker = worker

    def finish(self) -> None:
        """Keep the counts of the watched worker, whose outbox is closed next."""
        self._update()
        if self._worker is not None:
            self._before = self._kinds()
        self._worker = None

    @property
    def exit_code(self) -> int:
        """0 where everything was delivered or skipped, 1 where something was rejected or failed."""
        kinds = self._kinds()
        return 1 if kinds["rejected"] or kinds["failed"] else 0

    def progress(self) -> tuple[int, int]:
        """Return numbers that change when events are settled: the outcomes here, and the waiting events."""
        self._update()
        return self._kinds().total(), self._waiting

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON data."""
        self._update()
        kinds = self._kinds()
        return {**{kind: kinds[kind] for kind in KINDS}, "waiting": self._waiting, "dead": self._dead}

    def line(self) -> str:
        """Return how many events have which outcome, and how many are waiting."""
        self._update()
        kinds = self._kinds()
        return ", ".join([*(f"{kinds[kind]:,} {kind}" for kind in KINDS), f"{self._waiting:,} waiting"])

    def details(self) -> str:
        """Return the rate, the endpoint nearest to its limit, and the number of dead letters."""
        rate = self._rate.update(self._kinds().total())
        found = [f"{rate:,.1f} events/s"]
        if self._worker is not None:
            worker = self._worker
            found += limit_status(worker.rate_limiter, worker.pause_reason, worker.paused)
        if self._dead:
            found.append(f"{count(self._dead, 'dead letter')}: klavier dead list")
        if self._worker is not None and self._worker.worker is None:
            found.append("another process delivers; waiting to take over")
        return ", ".join(found)

    async def print_progress(self) -> None:
        """Print the status on standard error until cancelled."""
        if shows_progress():
            with _live() as show:
                while True:
                    show(f"{self.line()}\n{self.details()}")
                    await asyncio.sleep(_REFRESH)
        last = ""
        while not is_quiet():
            await asyncio.sleep(_LOG_EVERY)
            line = self.line()
            if line != last:
                last = line
                print_error(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {line}; {self.details()}")

    def _kinds(self) -> "Counter[Kind]":
        return self._before + (self._worker.reporter.kinds if self._worker is not None else Counter())

    def _update(self) -> None:
        if self._worker is not None:
            status = self._worker.config.outbox.status()
            self._waiting, self._dead = status.waiting, status.dead


@contextmanager
def _live() -> "Iterator[Callable[[str], None]]":
    from rich.console import Console  # noqa: PLC0415 -- takes its time to load
    from rich.live import Live  # noqa: PLC0415 -- as above
    from rich.text import Text  # noqa: PLC0415 -- as above

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        yield lambda text: live.update(Text(text), refresh=True)
