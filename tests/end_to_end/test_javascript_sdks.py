"""The newest JavaScript SDKs of Segment and RudderStack deliver through a gateway, from Node and from real pages."""

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.browser import FLAGS, NEEDS_A_BROWSER, executable
from tests.support.gateway import KEY, PAGE_PORT, Running, gateway_server
from tests.support.repository import ROOT
from tests.support.waiting import LONG

SDKS = ROOT / "tests" / "sdks"
NODE = shutil.which("node")
EVENTS = 60
EVENTS_OF_A_PAGE = 6
"""As many as a browser has connections to a host: a seventh request starts when an earlier one was answered."""

pytestmark = pytest.mark.skipif(
    NODE is None or not (SDKS / "node_modules").is_dir(),
    reason="no JavaScript SDKs here: run npm install in tests/sdks to run this",
)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    """Serve a gateway that waits two seconds for events that overtook each other: the machine may be busy."""
    with gateway_server(tmp_path, section="reorder_window = 2.0") as running:
        yield running


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """Serve the pages with the SDKs; their origin may send to the gateway."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the standard library
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", PAGE_PORT), partial(Handler, directory=str(SDKS)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{PAGE_PORT}"
    server.shutdown()
    server.server_close()
    thread.join()


def numbers(gateway: Running) -> list[int]:
    """Return the numbers of the events in the sandbox, in the order of their arrival."""
    gateway.wait()
    return [event["properties"]["n"] for event in gateway.events()]


@pytest.mark.parametrize("script", ["segment_node.js", "rudderstack_node.js"])
def test_every_event_of_a_server_arrives_once_and_in_order(gateway: Running, script: str) -> None:
    assert NODE is not None
    subprocess.run([NODE, SDKS / script, gateway.url, KEY, str(EVENTS)], check=True, timeout=LONG)  # noqa: S603 -- ours
    found = numbers(gateway)
    assert sorted(found) == list(range(1, EVENTS + 1))
    for profile in range(7):
        mine = [number for number in found if number % 7 == profile]
        assert mine == sorted(mine)


@NEEDS_A_BROWSER
@pytest.mark.parametrize(
    "page",
    [
        "segment_browser.html?",
        "segment_browser.html?batch&leave&",
        "rudderstack_browser.html?",
        "rudderstack_browser.html?batch&",
        "rudderstack_browser.html?beacon&leave&",
    ],
    ids=[
        "segment",
        "segment-batches-and-unload",
        "rudderstack",
        "rudderstack-batches",
        "rudderstack-beacons-and-unload",
    ],
)
def test_every_event_of_a_page_arrives_once_and_in_order(
    gateway: Running, pages: str, page: str, tmp_path: Path
) -> None:
    url = f"{pages}/{page}host={gateway.url}&key={KEY}"
    command = [executable(), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", url]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as browser:  # noqa: S603 -- the installed browser
        deadline = time.monotonic() + LONG
        while sum(gateway.gateway.service.counts.values()) < EVENTS_OF_A_PAGE and time.monotonic() < deadline:
            time.sleep(0.05)
        browser.terminate()
    assert gateway.gateway.service.counts == {("web", "accepted"): EVENTS_OF_A_PAGE}
    assert numbers(gateway) == [1, 2, 3, 4, 5]
