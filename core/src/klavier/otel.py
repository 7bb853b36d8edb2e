"""Trace requests and count outcomes with OpenTelemetry; needs the extra: pip install 'klavier[otel]'.

It uses OpenTelemetry's API only: your program, or `opentelemetry-instrument`, sets up the SDK and where it exports to.
"""

import time
from typing import TYPE_CHECKING

from klavier.errors import UsageError
from klavier.events.model import Event
from klavier.hookspecs import hookimpl
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

_SCOPE = "klavier"
_FIRST_ERROR = 400


class Telemetry:
    """A plugin that makes a span of each request to Klaviyo, and counts each event's final outcome.

    A span has the name of its endpoint (`create_event`), the method and the status; the counter `klavier.outcomes` has
    the vendor, the event's type, the outcome and the status; the histogram `klavier.delivery.duration` has the vendor.
    Nothing of a person, of an event's content or of a path with an id is ever an attribute.
    """

    def __init__(
        self, tracer_provider: "TracerProvider | None" = None, meter_provider: "MeterProvider | None" = None
    ) -> None:
        """Use the providers, or the global ones; raises `UsageError` without the extra."""
        try:
            from opentelemetry import metrics, trace  # noqa: PLC0415 -- an extra, asked for by those who want it
        except ImportError:
            raise UsageError("klavier.otel needs opentelemetry-api; pip install 'klavier[otel]'") from None
        self._trace = trace
        self._tracer = trace.get_tracer(_SCOPE, VERSION, tracer_provider)
        meter = metrics.get_meter(_SCOPE, VERSION, meter_provider)
        self._outcomes = meter.create_counter("klavier.outcomes", "{event}", "Final outcomes of events.")
        self._delivery = meter.create_histogram(
            "klavier.delivery.duration", "s", "From accepting an event until it was delivered."
        )

    @hookimpl
    def klavier_event_outcome(self, event: Event, vendor: str, outcome: Outcome, accepted: float | None) -> None:
        """Count the outcome."""
        attributes: dict[str, str | int] = {"vendor": vendor, "type": event.type, "outcome": outcome.kind}
        if outcome.status is not None:
            attributes["status"] = outcome.status
        self._outcomes.add(1, attributes)
        if accepted is not None and outcome.kind == "delivered":
            self._delivery.record(max(0.0, time.time() - accepted), {"vendor": vendor})

    @hookimpl
    def klavier_reply(self, request: Request, reply: Response, endpoint: str, seconds: float) -> None:
        """Record the request as a span that ends now."""
        end = time.time_ns()
        attributes: dict[str, str | int] = {"http.request.method": request.method}
        if reply.status:
            attributes["http.response.status_code"] = reply.status
        span = self._tracer.start_span(
            endpoint, kind=self._trace.SpanKind.CLIENT, attributes=attributes, start_time=end - int(seconds * 1e9)
        )
        if not reply.status or reply.status >= _FIRST_ERROR:
            span.set_attribute("error.type", str(reply.status) if reply.status else "no_reply")
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(end)


def plugin(tracer_provider: "TracerProvider | None" = None, meter_provider: "MeterProvider | None" = None) -> Telemetry:
    """Return a plugin that uses the providers, or OpenTelemetry's global ones; register it with `Plugins.register`.

    Raises `UsageError` where opentelemetry-api is missing.
    """
    return Telemetry(tracer_provider, meter_provider)
