import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

import klavier
from klavier import metrics
from klavier.outcome import delivered, failed
from tests.support.fakes import SECRET

CONFIGURATION = """
vendor = "rudderstack"
[klaviyo]
private_api_key = "pk_sandbox"
[delivery]
outbox = "memory"
"""
PLUGIN_FILE = """
from klavier import metrics

klavier_event_outcome = metrics.plugin().klavier_event_outcome
"""

EVENT = klavier.parse_event(
    {"type": "track", "event": "Bought a Ring", "userId": "ada@shop.test", "messageId": f"m-{SECRET}"}
)


def test_outcomes_are_counted_by_vendor_type_kind_and_status() -> None:
    registry = CollectorRegistry()
    plugins = klavier.Plugins()
    plugins.register(metrics.plugin(registry))
    plugins.observe(EVENT, "rudderstack", delivered())
    plugins.observe(EVENT, "rudderstack", delivered(["a phone was left out"]))
    plugins.observe(EVENT, "rudderstack", failed("refused", 400))

    def count(outcome: str, status: str) -> float | None:
        labels = {"vendor": "rudderstack", "type": "track", "outcome": outcome, "status": status}
        return registry.get_sample_value("klavier_outcomes_total", labels)

    assert count("delivered", "") == 2
    assert count("failed", "400") == 1
    assert count("rejected", "") is None


def test_requests_and_deliveries_are_measured() -> None:
    registry = CollectorRegistry()
    plugins = klavier.Plugins()
    plugins.register(metrics.plugin(registry))
    request = klavier.Request("POST", "/api/events")
    plugins.observe_reply(request, klavier.Response(202), "create_event", 0.3)
    plugins.observe_reply(request, klavier.Response.none("cut off"), "create_event", 9.0)
    plugins.observe(EVENT, "rudderstack", delivered(), time.time() - 100.0)
    plugins.observe(EVENT, "rudderstack", delivered())
    plugins.observe(EVENT, "rudderstack", failed("refused", 400), time.time())

    def bucket(name: str, bound: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"{name}_bucket", {**labels, "le": bound})

    assert bucket("klavier_request_seconds", "0.25", endpoint="create_event", status="202") == 0
    assert bucket("klavier_request_seconds", "0.5", endpoint="create_event", status="202") == 1
    assert bucket("klavier_request_seconds", "10.0", endpoint="create_event", status="0") == 1
    assert bucket("klavier_delivery_seconds", "60.0", vendor="rudderstack") == 0
    assert bucket("klavier_delivery_seconds", "+Inf", vendor="rudderstack") == 1


@pytest.mark.parametrize("counted", [(), ("klavier_event_outcome",), ("klavier_event_outcome", "klavier_reply")])
def test_enabling_counts_nothing_twice(counted: tuple[str, ...]) -> None:
    plugins = klavier.Plugins()
    made = metrics.plugin()
    if counted:
        plugins.register(SimpleNamespace(**{name: getattr(made, name) for name in counted}))
    metrics.enable(plugins)
    metrics.enable(plugins)
    assert len(plugins.owners("klavier_event_outcome")) == len(plugins.owners("klavier_reply")) == 1


def test_no_personal_data_is_shown() -> None:
    registry = CollectorRegistry()
    metrics.plugin(registry).klavier_event_outcome(EVENT, "rudderstack", failed("ada@shop.test is odd", 400), None)
    shown = generate_latest(registry).decode()
    assert 'type="track"' in shown
    assert not [word for word in ("ada", "Ring", SECRET) if word in shown]


def test_several_relays_of_a_program_share_the_counter() -> None:
    registry = CollectorRegistry()
    for _ in range(2):
        metrics.plugin(registry).klavier_event_outcome(EVENT, "freshpaint", delivered(), None)
    labels = {"vendor": "freshpaint", "type": "track", "outcome": "delivered", "status": ""}
    assert registry.get_sample_value("klavier_outcomes_total", labels) == 2


def test_a_plugin_file_beside_the_configuration_counts_what_a_relay_delivers(tmp_path: Path) -> None:
    (tmp_path / "klavier.toml").write_text(CONFIGURATION, "utf-8")
    (tmp_path / "klavier_plugin.py").write_text(PLUGIN_FILE, "utf-8")
    labels = {"vendor": "rudderstack", "type": "identify", "outcome": "delivered", "status": ""}
    for number in (1, 2):
        sandbox = klavier.Sandbox()
        with klavier.open(tmp_path / "klavier.toml", transport=sandbox.transport()) as relay:
            relay.identify("u1", {"email": "ada@shop.test"})
        assert REGISTRY.get_sample_value("klavier_outcomes_total", labels) == number


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(klavier.UsageError, match=r"pip install 'klavier\[metrics\]'"):
        metrics.plugin()
