"""The shadow: what another vendor would do with the same events, counted live and without sending."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve

import klavier
from klavier.comparison.report import Difference
from klavier.config.load import check
from klavier.plugins import Plugins, installed_plugins
from klavier.shadow import shadow as module
from klavier.shadow.factory import make_shadow
from klavier.shadow.shadow import Shadow
from klavier.shadow.totals import Totals
from tests.support.gateway import KEY, gateway_server
from tests.support.waiting import LONG

CLASSIC = klavier.load_vendor("segment-classic", {"api_key": "AbC123", "private_key": "pk_any"})
ACTIONS = klavier.load_vendor("segment-actions", {"api_key": "pk_any"})


def events(number: int, first: int = 0) -> list[klavier.Event]:
    return [
        klavier.parse_event(
            {
                "type": "track",
                "event": "Order Completed",
                "messageId": f"m{n}",
                "userId": f"u{n % 7}",
                "timestamp": "2026-11-21T09:30:00Z",
                "properties": {"orderId": f"o{n}", "total": 33},
                "context": {"traits": {"email": f"u{n % 7}@shop.test"}},
            }
        )
        for n in range(first, first + number)
    ]


def run(shadow: Shadow, found: Sequence[klavier.Event | None]) -> dict[str, Any]:
    for event in found:
        shadow.add(event)
    shadow.close()
    return shadow.summarize()


def test_differences_are_counted_as_diff_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = klavier.compare(events(40), CLASSIC, ACTIONS)
    assert expected.differs
    found = run(Shadow(CLASSIC, ACTIONS), [None, *events(40)])
    assert found["vendors"] == ["segment-classic", "segment-actions"]
    assert (found["events"], found["passed_over"], found["errors"]) == (40, 0, 0)
    assert found["outcomes"] == [dict(expected.left.outcomes), dict(expected.right.outcomes)]
    names = ("part", "kind", "name", "other", "where", "detail", "count")
    rows = {tuple(row[name] for name in names) for row in found["rows"]}
    assert rows == {tuple(getattr(row, name) for name in names) for row in expected.differences}
    assert json.loads(json.dumps(found)) == found
    assert "shop.test" not in json.dumps(found)
    monkeypatch.setattr(module, "ROUND_EVENTS", 10)  # of events that stand alone rounds add up to the same
    again = run(Shadow(CLASSIC, ACTIONS), events(40))
    renamed = [row for row in again["rows"] if row["part"] == "metrics"]
    assert [(row["name"], row["other"], row["count"]) for row in renamed] == [("Placed Order", "Order Completed", 40)]


def test_one_vendor_with_other_settings_differs_only_in_them() -> None:
    assert run(Shadow(ACTIONS, ACTIONS), events(10))["differences"] == 0


def test_what_cannot_be_compared_in_time_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 5)
    monkeypatch.setattr(module, "ROUND_EVENTS", 1)
    started, go_on = threading.Event(), threading.Event()
    compare = Shadow._compare

    def wait(self: Shadow, found: list[klavier.Event]) -> None:
        started.set()
        assert go_on.wait(LONG)
        compare(self, found)

    monkeypatch.setattr(Shadow, "_compare", wait)
    shadow = Shadow(CLASSIC, ACTIONS)
    first, *more = events(10)
    shadow.add(first)
    assert started.wait(LONG)
    for event in more:
        shadow.add(event)
    go_on.set()
    shadow.close()
    found = shadow.summarize()
    assert (found["events"], found["passed_over"]) == (6, 4)


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("klavier.shadow.totals.MOST_ROWS", 3)
    comparison = klavier.compare(events(1), CLASSIC, CLASSIC)
    totals = Totals()
    for n in range(10):
        row = Difference("properties", "only_left", f"p{n}", count=2)
        totals.add(evolve(comparison, differences=(row, Difference("metrics", "only_left", "m", count=1))))
    assert totals.events == 10
    assert totals.differences == 30
    assert [row["name"] for row in totals.rows(10)] == ["m", "p0", "p1"]
    assert totals.more == 16


class _Raises(klavier.Vendor):
    name = "raises"

    def deliveries(self, events: Sequence[klavier.Event]) -> Any:
        raise RuntimeError(f"{len(events)} events: ada@shop.test")


def test_a_vendor_that_raises_fails_its_own_events_only(caplog: pytest.LogCaptureFixture) -> None:
    found = run(Shadow(CLASSIC, _Raises()), events(3))
    assert found["events"] + found["errors"] == 3
    assert "ada@" not in caplog.text + json.dumps(found)


def test_a_share_of_the_profiles_is_compared_with_all_of_their_events() -> None:
    shadow = Shadow(CLASSIC, ACTIONS, share=0.5)
    chosen = {str(event.user_id) for event in events(700) if shadow._is_chosen(event)}
    assert 0 < len(chosen) < 7
    found = run(shadow, events(70))
    assert found["events"] == 10 * len(chosen)


def configure(shadow: dict[str, Any], **vendors: Any) -> klavier.Config:
    data = {"vendor": "rudderstack", "klaviyo": {"private_api_key": "pk_any"}, "shadow": shadow, "vendors": vendors}
    return check(data, {}, installed_plugins(), Path())


def test_the_settings_are_those_of_the_vendors_section_and_the_shadows_own() -> None:
    left = configure({}).build_vendor()
    assert make_shadow(configure({}), left) is None
    section = {"api_version": "v1", "public_api_key": "AbC123"}
    config = configure({"vendor": "rudderstack", "settings": {"api_version": "v2"}}, rudderstack=section)
    shadow = make_shadow(config, config.build_vendor())
    assert shadow is not None
    assert shadow._left.settings.api_version == "v1"
    assert shadow._right.settings.api_version == "v2"


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"vendor": "nobodys"}, "shadow.vendor: "),
        ({"vendor": "rudderstack", "settings": {"api_verson": "v2"}}, "shadow.settings.api_verson"),
        ({"settings": {"api_version": "v2"}}, "shadow.vendor: required in [shadow]"),
        ({"vendor": "rudderstack", "share": 0}, "shadow.share: must be above 0, at most 1"),
        ({"vendr": "rudderstack"}, "shadow.vendr"),
    ],
)
def test_mistakes_are_named_with_their_place(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(klavier.ConfigError) as raised:
        configure(section)
    assert problem in str(raised.value)
    assert isinstance(installed_plugins(), Plugins)


def test_the_gateway_compares_what_it_delivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROUND_SECONDS", 0.05)
    with gateway_server(tmp_path, '[shadow]\nvendor = "rudderstack"\nsettings = {api_version = "v3"}\n') as gateway:
        body = {"type": "track", "userId": "u1", "event": "Signed Up"}
        assert httpx.post(f"{gateway.url}/v1/track", json=body, auth=(KEY, "")).status_code == 200
        gateway.wait()
        deadline = threading.Event()
        for _ in range(int(LONG / 0.05)):
            report = gateway.gateway.worker.reporter.parts["shadow"]()
            if report["events"]:
                break
            deadline.wait(0.05)
        assert report["events"] == 1
        assert len(gateway.events()) == 1
    assert KEY not in json.dumps(report)
