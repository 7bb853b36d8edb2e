"""The status as gauges for Prometheus; needs prometheus-client."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from klavier.worker.report import WorkerReport
from klavier.worker.status import Status

Accepted = Mapping[tuple[str, str], int]
"""How many events the gateway of this process accepted, by source and acceptance."""


def show_metrics(status: Status, accepted: Accepted) -> bytes:
    """Return the status, and what this process counted since it started, in Prometheus' text format."""
    gauges = CollectorRegistry(auto_describe=False)
    gauges.register(_StatusCollector(status, accepted))
    return generate_latest() + generate_latest(gauges)


class _StatusCollector(Collector):
    def __init__(self, status: Status, accepted: Accepted) -> None:
        self._status = status
        self._accepted = accepted

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; docs/how-to/observe.md lists them."""
        status, holder = self._status, self._status.holder
        yield _gauge("klavier_pending_events", "Events that wait in the outbox.", status.waiting)
        yield _gauge(
            "klavier_oldest_event_age_seconds",
            "Seconds since the oldest waiting event was accepted; 0 where none waits.",
            status.oldest_age or 0.0,
        )
        yield _gauge("klavier_dead_letters", "Dead letters in the outbox.", status.dead)
        causes = GaugeMetricFamily(
            "klavier_dead_letters_by_cause", "Dead letters by outcome and HTTP status.", labels=("outcome", "status")
        )
        for cause in status.dead_causes:
            causes.add_metric((cause.kind, "" if cause.status is None else str(cause.status)), cause.count)
        yield causes
        yield _gauge("klavier_outbox_refuses", "1 where nothing can be accepted.", int(bool(status.problem)))
        yield _gauge("klavier_outbox_bytes", "Bytes that the outbox takes.", status.used_bytes)
        if status.free_bytes is not None:
            yield _gauge("klavier_disk_free_bytes", "Bytes that are free on the outbox's disk.", status.free_bytes)
        is_held = holder is not None and holder.is_alive
        yield _gauge("klavier_lease_held", "1 where a process delivers from the outbox.", int(is_held))
        worker = status.worker if is_held and status.worker is not None else WorkerReport()
        yield from _worker_gauges(worker)
        yield from _shadow_counters(worker.parts.get("shadow"))
        counter = CounterMetricFamily(
            "klavier_gateway_events", "Events that arrived over HTTP.", labels=("source", "acceptance")
        )
        for labels, number in sorted(self._accepted.items()):
            counter.add_metric(labels, number)
        yield counter


def _worker_gauges(worker: WorkerReport) -> Iterator[Metric]:
    """Yield what the process that delivers reported last; zeros where there is none."""
    yield _gauge("klavier_events_in_flight", "Events that are being delivered.", worker.events_in_flight)
    yield _gauge("klavier_requests_in_flight", "Requests that wait for a reply.", worker.requests_in_flight)
    yield _gauge("klavier_paused", "1 while nothing is sent to the account.", int(worker.paused is not None))
    circuits = GaugeMetricFamily(
        "klavier_circuit_open", "1 for an endpoint that accepts no requests.", labels=("endpoint",)
    )
    for circuit in worker.circuits:
        circuits.add_metric((circuit.endpoint,), 1)
    yield circuits
    limits = GaugeMetricFamily(
        "klavier_rate_limit_used_ratio", "Share of an endpoint's rate limit in use, 0 to 1.", labels=("endpoint",)
    )
    for limit in worker.limits:
        limits.add_metric((limit.endpoint,), limit.share)
    yield limits


def _shadow_counters(part: Any) -> Iterator[Metric]:
    """Yield what the shadow of the process that delivers counted; nothing where there is none."""
    try:
        counts = {"compared": part["events"], "passed over": part["passed_over"], "failed": part["errors"]}
        outcomes = dict(zip(part["vendors"], part["outcomes"], strict=True))
        number = part["differences"]
    except (TypeError, KeyError, ValueError):  # there is none, or the process has another version
        return
    events = CounterMetricFamily("klavier_shadow_events", "Events for the shadow, by result.", labels=("result",))
    for result, count in counts.items():
        events.add_metric((result,), count)
    yield events
    differences = CounterMetricFamily("klavier_shadow_differences", "Differences that the shadow found.")
    differences.add_metric((), number)
    yield differences
    by_vendor = CounterMetricFamily(
        "klavier_shadow_outcomes", "Outcomes of the events that were compared.", labels=("vendor", "outcome")
    )
    for vendor, kinds in outcomes.items():
        for kind, count in kinds.items():
            by_vendor.add_metric((vendor, kind), count)
    yield by_vendor


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value)
