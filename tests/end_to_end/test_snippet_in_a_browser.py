"""The snippet of browser calls, run by a real browser: what the page's object received is what was rehearsed."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import klavier
from klavier.klaviyo.browser import javascript
from tests.support.browser import NEEDS_A_BROWSER, opened

PAGE = """<!doctype html><meta charset="utf-8"><body><pre id="received"></pre>
<script>
var received = [];
window.{queue} = {{push: function (call) {{ received.push(call); }}}};
</script>
<script>{snippet}</script>
<script>document.getElementById("received").textContent = JSON.stringify(received);</script>
"""

pytestmark = NEEDS_A_BROWSER

SETTINGS: dict[str, dict[str, Any]] = {
    "rudderstack": {"public_api_key": "AbC123", "connection_mode": "device", "send_page_as_track": True},
    "segment-classic": {"api_key": "AbC123", "connection_mode": "device"},
    "freshpaint": {"public_api_key": "AbC123", "connection_mode": "device"},
}
HOSTILE = 'Ada </script><script>alert(1)</script> <!-- "quoted" \\ \u2028 \u2029 李 🎹'
TRAITS = {"email": "ada@shop.test", "firstName": HOSTILE, "age": 36, "nested": {"a": [1, None, True, 1.5]}}
EVENTS: list[dict[str, Any]] = [
    {"type": "identify", "userId": "u1", "traits": TRAITS, "context": {"traits": TRAITS}},
    {
        "type": "track",
        "userId": "u1",
        "event": HOSTILE,
        "properties": {"revenue": 12.5, "text": HOSTILE, "__proto__": {"x": 1}},
        "context": {"traits": TRAITS},
    },
    {"type": "track", "userId": "u1", "event": "Product Added", "properties": {"name": "Uno", "price": 3}},
]


def received_by_a_page(snippet: str, queue: str, folder: Path) -> Any:
    """Open a page with the snippet and give what its stub of Klaviyo's object received."""
    document, _ = opened(PAGE.format(queue=queue, snippet=snippet), folder)
    found = re.search(r'<pre id="received">(.*?)</pre>', document, re.DOTALL)
    assert found is not None
    return json.loads(unescape(found[1]))


@pytest.mark.parametrize("queue", ["klaviyo", "_learnq"])
def test_a_page_receives_what_was_rehearsed(tmp_path: Path, queue: str) -> None:
    calls = []
    for name, settings in SETTINGS.items():
        vendor = klavier.load_vendor(name, settings)
        calls.extend(klavier.rehearse(vendor, [klavier.parse_event(event) for event in EVENTS]).browser_calls)
    assert len(calls) == 9
    assert received_by_a_page(javascript(calls, queue), queue, tmp_path) == calls
