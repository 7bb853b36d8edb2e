"""Compare what a second vendor would do with the events that are delivered, in a thread of its own."""

import logging
import queue
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any

from klavier.comparison.compare import Comparing, OptIn
from klavier.forking import ForkAware, register
from klavier.shadow.totals import Totals
from klavier.worker.alerts import Alerts

if TYPE_CHECKING:
    from klavier.events.model import Event
    from klavier.outcome import Outcome
    from klavier.vendor import Vendor

MOST_WAITING = 5000
"""Events that wait to be compared; further ones are passed over and counted. With 2 KB each they take some 50 MB."""

ROUND_EVENTS = 500
"""Events that are compared together. A profile's events of one round are one story; more take more memory (both
sandboxes hold them), fewer see less of each profile."""

ROUND_SECONDS = 10.0
"""How long a round waits for further events."""

MOST_SHOWN = 50
"""Differences in the status, which the worker stores with each report of a few KB."""

_log = logging.getLogger("klavier.shadow")


class Shadow(ForkAware):
    """Compares events under two vendors, each into a sandbox in memory; nothing is sent.

    `add` may be called from any thread, and returns at once.
    """

    def __init__(self, left: "Vendor", right: "Vendor", *, share: float = 1.0, opt_in: OptIn = "double_opt_in") -> None:
        """`left` is the vendor that delivers; `share` the part of the profiles that are compared."""
        self._left, self._right, self._opt_in = left, right, opt_in
        self._share = share
        self._totals = Totals()
        self._passed_over = self._errors = 0
        self._waiting: queue.Queue[Event | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._started = time.time()
        self._alerts = Alerts(_log, time.monotonic)
        register(self)

    def renew_after_fork(self) -> None:
        """Begin without a thread and without the events that wait in the parent."""
        self._lock = threading.Lock()
        self._waiting = queue.Queue(MOST_WAITING)
        self._thread = None

    def add(self, event: "Event | None", _outcome: "Outcome | None" = None) -> None:
        """Have an event compared, whatever its outcome was; None is what was no event."""
        if event is None or not self._is_chosen(event):
            return
        if self._thread is None:
            self._start()
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._passed_over += 1

    def summarize(self) -> dict[str, Any]:
        """Return the counts, and the most frequent differences, as JSON data without personal data."""
        with self._lock:
            totals = self._totals
            return {
                "vendors": [self._left.name, self._right.name],
                "since": self._started,
                "events": totals.events,
                "passed_over": self._passed_over,
                "errors": self._errors,
                "outcomes": [dict(side) for side in totals.outcomes],
                "differences": totals.differences,
                "rows": list(totals.rows(MOST_SHOWN)),
            }

    def close(self) -> None:
        """Compare what waits, then end."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _is_chosen(self, event: "Event") -> bool:
        """Return whether an event's profile is among the share: all of its events are, or none."""
        if self._share >= 1:
            return True
        try:
            key = self._left.key(event)
        except Exception:  # noqa: BLE001 -- a vendor may raise anything
            return False
        return zlib.crc32(key.encode("utf-8", "replace")) < self._share * 2**32

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="klavier-shadow", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            events, is_open = self._take_round()
            if events:
                self._compare(events)
            if not is_open:
                return

    def _take_round(self) -> "tuple[list[Event], bool]":
        """Wait for the events of the next round; returns whether further ones may come."""
        first = self._waiting.get()
        if first is None:
            return [], False
        events, deadline = [first], time.monotonic() + ROUND_SECONDS
        while len(events) < ROUND_EVENTS:
            try:
                event = self._waiting.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if event is None:
                return events, False
            events.append(event)
        return events, True

    def _compare(self, events: "list[Event]") -> None:
        """Compare one round; a vendor or plugin that raises costs its round and nothing else."""
        try:
            comparing = Comparing(self._left, self._right, opt_in=self._opt_in)
            for number, event in enumerate(events, 1):
                comparing.add(number, event)
            found = comparing.finish(0)
        except Exception as error:  # noqa: BLE001 -- delivery does not depend on it
            with self._lock:
                self._errors += len(events)
            self._alerts.report("shadow", f"{len(events)} events could not be compared ({type(error).__name__})")
            return
        with self._lock:
            self._totals.add(found)
