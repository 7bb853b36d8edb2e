"""The snippet of browser calls, run by a real browser: what the page's object received is what was rehearsed."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import klavier
from klavier.klaviyo.browser import javascript

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=5000",
    "--dump-dom",
)
PAGE = """<!doctype html><meta charset="utf-8"><body><pre id="received"></pre>
<script>
var received = [];
window.{queue} = {{push: function (call) {{ received.push(call); }}}};
</script>
<script>{snippet}</script>
<script>document.getElementById("received").textContent = JSON.stringify(received);</script>
"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here: install the package chromium to run this")

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
    page = folder / "page.html"
    page.write_text(PAGE.format(queue=queue, snippet=snippet), "utf-8")
    assert BROWSER is not None
    done = subprocess.run(  # noqa: S603 -- the browser that is installed, on a page of ours
        [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", page.as_uri()],
        capture_output=True,
        timeout=120,
        check=True,
        env={**os.environ, "HOME": str(folder)},
    )
    found = re.search(r'<pre id="received">(.*?)</pre>', done.stdout.decode("utf-8"), re.DOTALL)
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
