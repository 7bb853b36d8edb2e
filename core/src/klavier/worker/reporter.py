"""The reporter of a worker: counts the final outcomes, and makes the report that the worker publishes."""

import logging
import os
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from klavier.errors import PluginError
from klavier.events.model import Event
from klavier.outbox.entry import Entry
from klavier.outcome import Kind, Outcome
from klavier.version import VERSION
from klavier.worker.activity import Activity
from klavier.worker.alerts import Alerts
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.report import LimitUse, MinuteCount, OpenCircuit, Pause, TypeCount, WorkerReport
from klavier.worker.sender import Sender
from klavier.worker.settlement import Observer
from klavier.worker.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("klavier.relay")


class Reporter:
    """Counts the outcomes of one process, logs dead letters, and passes each outcome on."""

    def __init__(self, vendor: str, observe: Observer) -> None:
        """`vendor` is named in reports; `observe` gets each final outcome, and may raise."""
        self.kinds: Counter[Kind] = Counter()
        self.parts: dict[str, Callable[[], Any]] = {}
        """What other parts of the process add to the report: by name what returns JSON data without personal data."""
        self._vendor = vendor
        self._pass_on = observe
        self._activity: Activity[tuple[str, Kind]] = Activity(time.time)
        self._started = time.time()
        self._alerts = Alerts(logging.getLogger("klavier.worker"), time.monotonic)

    def observe(self, event: Event | None, entry: Entry, outcome: Outcome) -> None:
        """Count the final outcome of an event, and pass it on."""
        self.kinds[outcome.kind] += 1
        self._activity.add((event.type if event is not None else "", outcome.kind))
        if outcome.kind in ("rejected", "failed"):
            cause = f"{outcome.kind}, status {outcome.status}" if outcome.status else outcome.kind
            self._alerts.report(cause, f"an event became a dead letter ({cause}): `klavier dead list` shows why")
        try:
            self._pass_on(event, entry, outcome)
        except Exception as error:  # noqa: BLE001 -- an observer may raise anything, and delivery goes on
            _log.warning("an observer of outcomes failed: %s", error if isinstance(error, PluginError) else type(error))

    def report(self, worker: Worker, sender: Sender, rate_limiter: RateLimiter) -> WorkerReport:
        """Return the state of a worker, its sender and its limits; call it in the thread of their loop."""
        reason = sender.pause_reason
        return WorkerReport(
            host=socket.gethostname(),
            pid=os.getpid(),
            version=VERSION,
            vendor=self._vendor,
            started=self._started,
            events_in_flight=worker.in_flight,
            requests_in_flight=sender.in_flight,
            outcomes=dict(self.kinds.items()),
            last_minute=tuple(TypeCount(*key, number) for key, number in sorted(self._activity.last_minute().items())),
            minutes=tuple(MinuteCount(at, _by_kind(counts)) for at, counts in self._activity.minutes()),
            paused=Pause(reason, sender.paused) if reason else None,
            circuits=tuple(OpenCircuit(*item) for item in sorted(sender.open_endpoints().items())),
            limits=tuple(LimitUse(*item) for item in sorted(rate_limiter.usage().items())),
            parts={name: part() for name, part in self.parts.items()},
        )


def _by_kind(counts: Counter[tuple[str, Kind]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (_, kind), number in counts.items():
        found[kind] += number
    return dict(found)
