"""The page of `klavier diff` in a real browser: no complaint on the console, and filters that filter."""

import re
from html import escape, unescape
from pathlib import Path
from typing import Any

import orjson
import pytest

import klavier
from klavier.comparison.page import page
from tests.support.browser import NEEDS_A_BROWSER, opened
from tests.support.repository import ROOT

SAMPLES = ROOT / "tests" / "comparison" / "samples" / "segment.jsonl"
ACT = """
<pre id="seen"></pre>
<script>
const seen = [];
const form = document.querySelector("form.filters");
const look = (what) => seen.push([what,
  [...document.querySelectorAll("tr[data-kind]")].filter((row) => row.checkVisibility()).map((row) => row.textContent),
  [...document.querySelectorAll("section.part")].filter((part) => part.checkVisibility()).map((part) => part.id),
  form.querySelector(".showing").textContent]);
const set = (name, value) => {
  form.elements[name].value = value;
  form.elements[name].dispatchEvent(new Event("input", {bubbles: true}));
};
look("all");
set("kind", "renamed"); look("renamed");
set("text", "QUANTITY"); look("renamed quantity");
set("text", ""); set("kind", "");
form.querySelector("input[value=metrics]").click(); look("metrics");
form.querySelector("input[value=identifiers]").click(); look("metrics and identifiers");
form.querySelector("input[value=metrics]").click(); form.querySelector("input[value=identifiers]").click();
set("text", "order completed placed"); look("words of the metric too");
set("text", "no such thing"); look("nothing");
document.getElementById("seen").textContent = JSON.stringify(seen);
</script>
"""

pytestmark = NEEDS_A_BROWSER


@pytest.fixture
def comparison() -> klavier.Comparison:
    events = [klavier.parse_line(line) for line in SAMPLES.read_bytes().splitlines()]
    left = klavier.load_vendor("segment-classic", {"api_key": "AbC123", "private_key": "pk_any", "list_id": "XUepkK"})
    return klavier.compare(events, left, klavier.load_vendor("segment-actions", {"api_key": "pk_any"}))


def test_the_page_opens_without_a_complaint(tmp_path: Path, comparison: klavier.Comparison) -> None:
    document, console = opened(page(comparison, values=True), tmp_path)
    assert console == ""
    assert f"{len(comparison.differences)} of {len(comparison.differences)} shown" in document


def test_calls_and_notes_are_shown_beside_the_filters(tmp_path: Path, comparison: klavier.Comparison) -> None:
    document, _ = opened(page(comparison), tmp_path)
    assert '<section class="extra"><h2>API calls</h2>' in document
    assert re.findall(r"<(?:tbody|section)[^>]*hidden", document) == []


def test_a_complaint_would_be_seen(tmp_path: Path, comparison: klavier.Comparison) -> None:
    broken = page(comparison).replace("</body>", "<script>undefined.thing</script><img src='https://x.test/'></body>")
    _, console = opened(broken, tmp_path)
    assert "TypeError" in console
    assert "Content Security Policy" in console


def test_the_filters_filter(tmp_path: Path, comparison: klavier.Comparison) -> None:
    document, console = opened(page(comparison).replace("</body>", f"{ACT}</body>"), tmp_path)
    assert console == ""
    found = re.search(r'<pre id="seen">(.*?)</pre>', document, re.DOTALL)
    assert found is not None
    seen: dict[str, Any] = {what: rest for what, *rest in orjson.loads(unescape(found[1]))}
    total = len(comparison.differences)
    renamed = sum(row.kind == "renamed" for row in comparison.differences)
    assert len(seen["all"][0]) == total
    assert len(seen["renamed"][0]) == renamed < total
    assert seen["renamed"][1:] == [["metrics", "event_properties"], f"{renamed} of {total} shown"]
    assert seen["renamed quantity"][0] == ["Quantityquantityrenamed2 of 2line 4, …"]
    assert seen["metrics"][1:] == [["metrics"], f"1 of {total} shown"]
    assert seen["metrics and identifiers"][1:] == [["metrics", "identifiers"], f"2 of {total} shown"]
    assert set(seen["words of the metric too"][1]) == {"metrics", "event_properties", "event_fields"}
    assert seen["nothing"] == [[], [], f"0 of {total} shown"]


NARROW = """
<pre id="seen"></pre>
<script>
const cells = [...document.querySelectorAll("td.cases .lines")];
document.getElementById("seen").textContent = JSON.stringify([
  window.innerWidth,
  cells.length,
  cells.filter((cell) => cell.checkVisibility() && cell.getBoundingClientRect().right <= window.innerWidth).length,
  document.documentElement.scrollWidth,
]);
</script>
"""


def test_a_phone_shows_the_lines_of_each_difference(tmp_path: Path, comparison: klavier.Comparison) -> None:
    """In a frame as wide as a phone, since the window of a browser without a screen has a least width."""
    (tmp_path / "inner.html").write_text(page(comparison).replace("</body>", f"{NARROW}</body>"), "utf-8")
    frame = (
        f"<iframe width='390' height='800' srcdoc='{escape((tmp_path / 'inner.html').read_text('utf-8'))}'></iframe>"
    )
    read = """<pre id="outer"></pre><script>
document.querySelector("iframe").onload = (event) => {
  document.getElementById("outer").textContent = event.target.contentDocument.getElementById("seen").textContent; };
</script>"""
    document, _ = opened(f"<!doctype html><body>{frame}{read}</body>", tmp_path)
    found = re.search(r'<pre id="outer">(.*?)</pre>', document, re.DOTALL)
    assert found is not None
    width, cells, visible, scrolled = orjson.loads(unescape(found[1]))
    assert width < 400
    assert cells == visible > 0
    assert scrolled <= width
