"""The alert rules and the dashboard ask for metrics, labels and panels that exist."""

import json
import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own
from prometheus_client import CollectorRegistry, generate_latest

import klavier
from klavier import metrics
from klavier.monitoring.gauges import show_metrics
from klavier.outbox import DeadCause
from klavier.outcome import failed
from klavier.shadow.shadow import Shadow
from klavier.worker.report import LimitUse, OpenCircuit, WorkerReport
from klavier.worker.status import Holder, Status
from tests.support.repository import ROOT

RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "klavier.rules.yml").read_text("utf-8"))
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "klavier.json").read_text("utf-8"))
PAGE = (ROOT / "docs" / "how-to" / "observe.md").read_text("utf-8")
ALERTS: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
QUERIES = [rule["expr"] for rule in ALERTS] + [target["expr"] for panel in PANELS for target in panel["targets"]]
_FROM_PROMETHEUS = {"job", "instance", "le"}


def shown() -> dict[str, set[str]]:
    """Return the labels of each metric that a process with everything to show shows."""
    vendor = klavier.load_vendor("rudderstack", {"private_api_key": "pk_any"})
    status = Status(
        time=1.0,
        waiting=1,
        oldest_age=1.0,
        dead=1,
        dead_causes=(DeadCause("failed", 400, 1),),
        free_bytes=1,
        holder=Holder("h", 1.0, is_alive=True),
        worker=WorkerReport(
            circuits=(OpenCircuit("e", 1.0),),
            limits=(LimitUse("e", 0.5),),
            parts={"shadow": Shadow(vendor, vendor).summarize() | {"outcomes": [{"delivered": 1}] * 2}},
        ),
    )
    registry = CollectorRegistry()
    counted = metrics.plugin(registry)
    event = klavier.parse_event({"type": "track", "event": "E", "userId": "u1"})
    counted.klavier_event_outcome(event, "rudderstack", failed("refused", 400), 1.0)
    counted.klavier_event_outcome(event, "rudderstack", klavier.Outcome("delivered"), 1.0)
    counted.klavier_reply(klavier.Response(202), "create_event", 0.1)
    text = show_metrics(status, {("web", "accepted"): 1}).decode() + generate_latest(registry).decode()
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        match = re.match(r"(klavier_\w+)(?:\{(.*)\})? ", line)
        if match is not None:
            found.setdefault(match[1], set()).update(re.findall(r"(\w+)=\"", match[2] or ""))
    return found


SHOWN = shown()


@pytest.mark.parametrize("query", QUERIES)
def test_every_metric_and_label_of_a_query_exists(query: str) -> None:
    names = set(re.findall(r"\bklavier_\w+", query))
    assert names <= set(SHOWN)
    labels = {label for name in names for label in SHOWN[name]} | _FROM_PROMETHEUS
    used = {label for group in re.findall(r"by \(([^)]*)\)", query) for label in re.split(r",\s*", group)}
    used |= set(re.findall(r"(\w+)=~?\"", query))
    assert used <= labels
    assert query.count("(") == query.count(")")
    assert query.count("{") == query.count("}")


def test_every_metric_is_documented_and_on_the_dashboard() -> None:
    names = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in SHOWN}
    assert sorted(name for name in names if name not in PAGE) == []
    drawn = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    assert sorted(name for name in names - {"klavier_outbox_refuses"} if name not in drawn) == []


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "remedy"}
    used = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    kept = {label for group in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in re.split(r",\s*", group)}
    assert used <= (kept or _FROM_PROMETHEUS)
    assert rule["alert"] in PAGE


def test_panels_have_a_place_of_their_own_and_a_source() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        used = {label for target in panel["targets"] for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])}
        queries = " ".join(target["expr"] for target in panel["targets"])
        assert used <= set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", queries))))
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} == {"datasource", "job"}
