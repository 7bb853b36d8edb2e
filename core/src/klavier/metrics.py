"""Count outcomes for Prometheus; needs the extra: pip install 'klavier[metrics]'."""

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from klavier.errors import UsageError
from klavier.events.model import Event
from klavier.hookspecs import hookimpl
from klavier.outcome import Outcome

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter

OUTCOMES = "klavier_outcomes"
"""The counter's name; Prometheus shows it as `klavier_outcomes_total`."""

_LABELS = ("vendor", "type", "outcome", "status")
_COUNTERS: Final["WeakKeyDictionary[CollectorRegistry, Counter]"] = WeakKeyDictionary()
"""The counter of each registry: a registry takes a name once, and a program may open several relays."""


class Metrics:
    """A plugin that counts each event's final outcome.

    The labels are the vendor, the event's type (`track`), the outcome's kind (`delivered`) and, where Klaviyo answered
    with a refusal, its HTTP status (else empty).  Nothing of a person or of an event's content is ever a label.
    """

    def __init__(self, registry: "CollectorRegistry | None" = None) -> None:
        """Use the counter of `registry`, or of Prometheus' own; raises `UsageError` without the extra."""
        try:
            import prometheus_client  # noqa: PLC0415 -- an extra, asked for by those who want it
        except ImportError:
            raise UsageError("klavier.metrics needs prometheus-client; pip install 'klavier[metrics]'") from None
        registry = prometheus_client.REGISTRY if registry is None else registry
        found = _COUNTERS.get(registry)
        if found is None:
            found = prometheus_client.Counter(OUTCOMES, "Final outcomes of events.", _LABELS, registry=registry)
            _COUNTERS[registry] = found
        self._outcomes = found

    @hookimpl
    def klavier_event_outcome(self, event: Event, vendor: str, outcome: Outcome) -> None:
        """Count the outcome."""
        status = "" if outcome.status is None else str(outcome.status)
        self._outcomes.labels(vendor, event.type, outcome.kind, status).inc()


def plugin(registry: "CollectorRegistry | None" = None) -> Metrics:
    """Give a plugin that counts outcomes in `registry`, or in Prometheus' own registry without one.

    Register it with `Plugins.register`.  Several plugins of one registry share its counter.  Raises `UsageError` where
    prometheus-client is missing.
    """
    return Metrics(registry)
