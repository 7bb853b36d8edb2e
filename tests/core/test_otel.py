"""OpenTelemetry: a span of each request, a count of each outcome, and nothing personal."""

import json
import sys
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import klavier
from klavier import otel
from tests.support.fakes import SECRET
from tests.support.waiting import LONG


def deliver(plugin: object, folder: Path, handle: httpx.MockTransport) -> None:
    plugins = klavier.Plugins.discover()
    plugins.register(plugin)
    data = {
        "vendor": "rudderstack",
        "klaviyo": {"private_api_key": "pk_any"},
        "delivery": {"outbox": str(folder / "klavier.db"), "tries": 1},
    }
    with klavier.open(klavier.load_config(data, plugins=plugins), transport=handle) as relay:
        relay.track("Bought a Ring", {"email": "zoe@shop.test"}, user_id=f"zoe-{SECRET}")
        relay.flush(LONG)


@pytest.mark.parametrize(("status", "error", "kind"), [(202, None, "delivered"), (400, "400", "failed")])
def test_requests_become_spans_and_outcomes_are_counted(
    tmp_path: Path, status: int, error: str | None, kind: str
) -> None:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    plugin = otel.plugin(tracers, MeterProvider([reader]))
    deliver(plugin, tmp_path, httpx.MockTransport(lambda _: httpx.Response(status, json={})))
    (span,) = exporter.get_finished_spans()
    assert span.name == "create_event"
    assert span.attributes is not None
    assert span.attributes["http.request.method"] == "POST"
    assert span.attributes["http.response.status_code"] == status
    assert span.attributes.get("error.type") == error
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.start_time <= span.end_time
    text = reader.get_metrics_data().to_json()  # type: ignore[union-attr]  # there are metrics
    found = {
        metric["name"]: metric["data"]["data_points"][0]
        for metric in json.loads(text)["resource_metrics"][0]["scope_metrics"][0]["metrics"]
    }
    assert found["klavier.outcomes"]["value"] == 1
    assert found["klavier.outcomes"]["attributes"]["outcome"] == kind
    assert ("klavier.delivery.duration" in found) == (kind == "delivered")
    shown = text + span.to_json()
    assert not [word for word in ("zoe", "Ring", SECRET, "pk_any") if word in shown]


def test_a_request_without_a_reply_is_an_error() -> None:
    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    plugins = klavier.Plugins()
    plugins.register(otel.plugin(tracers))
    plugins.observe_reply(klavier.Request("GET", "/api/x"), klavier.Response.none("cut off"), "GET /api/x", 0.5)
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "no_reply"
    assert not span.status.is_ok


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(klavier.UsageError, match=r"pip install 'klavier\[otel\]'"):
        otel.plugin()
