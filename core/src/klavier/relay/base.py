"""What both relays have in common: accepting, counting, and what is logged at the beginning and the end."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from klavier.errors import KlavierError, RelayClosedError
from klavier.events.model import Event
from klavier.flows.drivers import Connect
from klavier.outbox.entry import NewEntry
from klavier.relay.counts import Counts
from klavier.relay.intake import accept
from klavier.relay.tracking_api import TrackingApi
from klavier.worker.leased_worker import LeasedWorker, RelayConfig

T = TypeVar("T")

FLUSH_SECONDS = 30.0
"""How long `flush` and `close` wait as a rule; service managers give a program that ends 90 seconds."""

POLL_SECONDS = 0.02
"""How often `flush` looks whether all is delivered.

Another process may be the one that delivers, so only the outbox shows it; a look takes 10 us.
"""

Accepted = Event | Mapping[str, Any]
"""What a relay accepts: an event, or its payload."""

OnError = Callable[[KlavierError, Sequence[Accepted]], None] | Literal["log"]
"""What is done with events that could not be accepted, in place of raising the error."""

_log = logging.getLogger("klavier.relay")


class RelayBase(TrackingApi[T]):
    """Accepts events into an outbox; a subclass runs the worker that delivers them."""

    def __init__(self, config: RelayConfig, connect: Connect, on_error: OnError | None = None) -> None:
        self._config = config
        self._on_error = on_error
        self._connect = connect
        self._worker: LeasedWorker | None = None
        self._last_counts: Counts | None = None
        """The counts of `close`; None while the relay is open."""
        status = config.outbox.status()
        _log.info("outbox opened: %d events wait, %d dead letters", status.waiting, status.dead)

    def counts(self) -> Counts:
        """Return the counts so far, without waiting."""
        if self._last_counts is not None:
            return self._last_counts
        kinds = self._worker.reporter.kinds if self._worker is not None else {}
        return Counts.of(kinds, self._config.outbox.status().waiting)

    def _report(self, error: KlavierError, events: Sequence[Accepted]) -> None:
        """Report that events were not accepted: to `on_error` where there is one, else by raising the error."""
        if self._on_error is None:
            raise error
        if self._on_error == "log":
            _log.error("%d events were not accepted: %s: %s", len(events), type(error).__name__, error)
            return
        try:
            self._on_error(error, events)
        except Exception as fault:  # noqa: BLE001 -- whoever passes on_error wants no exception from a relay
            _log.error("on_error raised %s on %s", type(fault).__name__, type(error).__name__)

    def _read(self, events: Iterable[Accepted]) -> list[NewEntry]:
        """Return what the outbox stores of events; raises `EventError` for what is none."""
        self._check_open()
        return [accept(event, self._config.vendor, self._config.plugins) for event in events]

    def _check_open(self) -> None:
        if self._last_counts is not None:
            raise RelayClosedError("the relay is closed; open a new one")

    def _is_waiting(self, last: int) -> bool:
        """Return whether something up to `last` waits, or its outcome is still to be counted here."""
        if self._config.outbox.has_waiting(last):
            return True
        return self._worker is not None and self._worker.is_observing(last)

    def _is_blocked(self, seconds: float, *, closing: bool) -> bool:
        """Return whether nothing can be delivered for `seconds`, since the account is paused.

        It is paused while Klaviyo does not accept the key, or refuses everything. A relay that closes does not wait for
        the next try at all.
        """
        paused = 0.0 if self._worker is None else self._worker.paused
        return paused > (0.0 if closing else seconds)

    def _finish(self, counts: Counts) -> Counts:
        """Note that the relay is closed, and log how many events are lost or stay in the outbox."""
        reason = "" if self._worker is None else self._worker.pause_reason
        self._last_counts = counts
        if counts.pending and not self._config.outbox.is_durable:
            _log.warning("closed: %d events are lost, since the outbox is in memory; flush first", counts.pending)
        elif counts.pending and reason:
            _log.warning("closed: %s; %d events stay in the outbox", reason, counts.pending)
        else:
            _log.info("closed: %d events stay in the outbox", counts.pending)
        return counts
