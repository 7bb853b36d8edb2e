"""The shadow's differences, in the words of `klavier diff`."""

import time
from typing import Any

import pytest
from attrs import evolve

import klavier
from klavier.console.shadow import read_shadow
from klavier.shadow.shadow import Shadow
from klavier.worker.report import WorkerReport
from tests.support.web_console import EVENT, Shop, Tags


def found() -> dict[str, Any]:
    """Compare one order under two vendors, as a gateway does."""
    keys = {"api_key": "AbC123", "private_key": "pk_any"}
    shadow = Shadow(
        klavier.load_vendor("rudderstack", {"private_api_key": "pk"}), klavier.load_vendor("segment-classic", keys)
    )
    shadow.add(klavier.parse_event(EVENT))
    shadow.close()
    return shadow.summarize()


def test_differences_are_shown(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    part = found()
    report = WorkerReport(vendor="rudderstack", started=time.time(), parts={"shadow": part})
    monkeypatch.setattr(shop.worker, "report", lambda: report)
    text = Tags(shop.visitor().get().text).text
    assert "Shadow: if segment-classic delivered" in text
    assert "1 event compared" in text
    assert "Placed Order" in text
    nothing = evolve(report, parts={"shadow": {**part, "events": 0, "rows": []}})
    monkeypatch.setattr(shop.worker, "report", lambda: nothing)
    assert "No event was compared yet" in shop.visitor().get().text


def test_without_a_shadow_there_is_no_panel(shop: Shop) -> None:
    assert "Shadow" not in shop.visitor().get().text


@pytest.mark.parametrize("part", [None, {}, [], "x", {"vendors": ["a"]}, {"vendors": ["a", "b"], "outcomes": [1, 2]}])
def test_a_report_of_another_version_is_left_out(part: Any) -> None:
    assert read_shadow(part) is None
    good = found()
    assert read_shadow(good) is not None
    assert read_shadow({**good, "rows": [{"part": "unheard of"}]}) is None
