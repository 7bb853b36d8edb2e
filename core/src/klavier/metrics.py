"""Count outcomes and measure requests for Prometheus; needs the extra: pip install 'klavier[metrics]'."""

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from attrs import frozen

from klavier.errors import UsageError
from klavier.events.model import Event
from klavier.hookspecs import hookimpl
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram

    from klavier.plugins import Plugins

OUTCOMES = "klavier_outcomes"
"""The counter's name; Prometheus shows it as `klavier_outcomes_total`."""

DELIVERY_SECONDS = "klavier_delivery_seconds"
REQUEST_SECONDS = "klavier_request_seconds"
"""The names of the histograms: from accepting an event until it was delivered, and from a request to its reply."""

_DELIVERY_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600)
"""Up to an outage of three days."""

_REQUEST_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
"""Up to the longest time that is waited for a reply."""


@frozen
class _Instruments:
    outcomes: "Counter"
    delivery: "Histogram"
    request: "Histogram"


_INSTRUMENTS: Final["WeakKeyDictionary[CollectorRegistry, _Instruments]"] = WeakKeyDictionary()
"""The instruments of each registry: a registry takes a name once, and a program may open several relays."""


class Metrics:
    """A plugin that counts each event's final outcome, and measures how long deliveries and requests take.

    The labels are the vendor, the event's type (`track`), the outcome's kind (`delivered`), the endpoint of a request
    and Klaviyo's HTTP status.  Nothing of a person or of an event's content is ever a label.
    """

    def __init__(self, registry: "CollectorRegistry | None" = None) -> None:
        """Use the instruments of `registry`, or of Prometheus' own; raises `UsageError` without the extra."""
        try:
            import prometheus_client  # noqa: PLC0415 -- an extra, asked for by those who want it
        except ImportError:
            raise UsageError("klavier.metrics needs prometheus-client; pip install 'klavier[metrics]'") from None
        registry = prometheus_client.REGISTRY if registry is None else registry
        found = _INSTRUMENTS.get(registry)
        if found is None:
            found = _INSTRUMENTS[registry] = _Instruments(
                prometheus_client.Counter(
                    OUTCOMES, "Final outcomes of events.", ("vendor", "type", "outcome", "status"), registry=registry
                ),
                prometheus_client.Histogram(
                    DELIVERY_SECONDS,
                    "Seconds from accepting an event until it was delivered.",
                    ("vendor",),
                    buckets=_DELIVERY_BUCKETS,
                    registry=registry,
                ),
                prometheus_client.Histogram(
                    REQUEST_SECONDS,
                    "Seconds from a request to its reply; status 0 is one that did not come.",
                    ("endpoint", "status"),
                    buckets=_REQUEST_BUCKETS,
                    registry=registry,
                ),
            )
        self._instruments = found

    @hookimpl
    def klavier_event_outcome(self, event: Event, vendor: str, outcome: Outcome, accepted: float | None) -> None:
        """Count the outcome, and how long the event waited for it where it was delivered."""
        status = "" if outcome.status is None else str(outcome.status)
        self._instruments.outcomes.labels(vendor, event.type, outcome.kind, status).inc()
        if accepted is not None and outcome.kind == "delivered":
            self._instruments.delivery.labels(vendor).observe(max(0.0, time.time() - accepted))

    @hookimpl
    def klavier_reply(self, reply: Response, endpoint: str, seconds: float) -> None:
        """Measure a request."""
        self._instruments.request.labels(endpoint, str(reply.status)).observe(seconds)


def plugin(registry: "CollectorRegistry | None" = None) -> Metrics:
    """Return a plugin that counts in `registry`, or in Prometheus' own registry without one.

    Register it with `Plugins.register`.  Several plugins of one registry share its counters.  Raises `UsageError` where
    prometheus-client is missing.
    """
    return Metrics(registry)


def enable(plugins: "Plugins") -> None:
    """Register what counts in Prometheus' own registry, except for what a plugin file has registered already.

    Raises `UsageError` where prometheus-client is missing.
    """
    made = plugin()
    for hook in ("klavier_event_outcome", "klavier_reply"):
        if not any(isinstance(owner, Metrics) for owner in plugins.owners(hook)):
            plugins.register(SimpleNamespace(**{hook: getattr(made, hook)}), f"klavier.metrics.{hook}")
