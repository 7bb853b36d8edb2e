"""The console in a real browser: each panel, repairs, masking, keyboard alone, a phone, dark mode, accessibility."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from klavier.cli.serve_console import make_console
from klavier.config.load import load_config
from klavier.console.app import Console
from klavier.gateway.asgi import Gateway
from klavier.sandbox import Sandbox
from klavier.shadow import shadow
from tests.support.browser import NEEDS_A_BROWSER, executable
from tests.support.repository import ROOT
from tests.support.waiting import LONG

AXE = ROOT / "tests" / "sdks" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "correct horse"  # noqa: S105 -- of a console in the process
TIMEOUT = LONG * 1000
EXPECTED = "status of 422"
"""What a browser reports of an event that is refused."""
CONFIG = f"""
vendor = "rudderstack"
[klaviyo]
private_api_key = "pk_sandbox"
[gateway.sources.web]
write_key = "wk_0123456789"
[gateway.sources.backend]
write_key = "wk_9876543210"
[shadow]
vendor = "freshpaint"
[console]
password = "{PASSWORD}"
"""
ORDER = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u1",
    "context": {"traits": {"email": "grace@example.com"}},
    "properties": {"total": 59.9},
}

playwright: Any = pytest.importorskip("playwright.sync_api", reason="no Playwright here: install it to run this")
pytestmark = NEEDS_A_BROWSER


class Shop:
    """A gateway with a console on a free port, and the sandbox that it delivers into."""

    def __init__(self, gateway: Gateway, console: Console, url: str) -> None:
        self.gateway, self.console, self.url = gateway, console, url
        self.outbox = gateway.worker.config.outbox

    def send(self, event: dict[str, Any], key: str = "wk_0123456789") -> None:
        """Send an event as an SDK does, and wait until it has its outcome."""
        known = sum(self.gateway.worker.reporter.kinds.values())
        httpx.post(f"{self.url}/v1/batch", json={"batch": [event], "writeKey": key}, timeout=LONG).raise_for_status()
        wait_until(lambda: sum(self.gateway.worker.reporter.kinds.values()) > known)

    def bury(self, count: int) -> None:
        """Send events that this vendor rejects."""
        for number in range(count):
            self.send({"type": "page", "name": f"Page {number}", "userId": "u1"})


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start the browser once for all tests."""
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=executable(), args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("shop")
    round_seconds, shadow.ROUND_SECONDS = shadow.ROUND_SECONDS, 0.2
    (folder / "klavier.toml").write_text(CONFIG, "utf-8")
    config = load_config(folder / "klavier.toml")
    gateway = Gateway(config, folder, transport=Sandbox(unknown_lists="create").transport())
    console = make_console(config, gateway, "127.0.0.1")
    assert console is not None
    server = uvicorn.Server(uvicorn.Config(gateway.app, port=0, log_config=None, access_log=False, ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), name="console", daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    yield Shop(gateway, console, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
    console.close()
    server.should_exit = True
    thread.join(LONG)
    assert not thread.is_alive()
    shadow.ROUND_SECONDS = round_seconds


@pytest.fixture
def letters(shop: Shop) -> Shop:
    """Return the shop with two dead letters and no others."""
    shop.outbox.delete([letter.seq for letter in shop.outbox.dead_letters()])
    shop.bury(2)
    wait_until(lambda: shop.outbox.status().dead == 2)
    return shop


@contextlib.contextmanager
def opened(browser: Any, shop: Shop, **options: Any) -> Iterator[Any]:
    """Open the console, signed in; no complaint may be on the browser's own console."""
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    complaints: list[str] = []
    page.on("console", lambda message: None if EXPECTED in message.text else complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{shop.url}/console/")
    page.fill("#password", PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_selector("#live:not([hidden])")
    yield page
    context.close()
    assert complaints == []


def focus(page: Any, words: str) -> None:
    """Press Tab until an element with these words has the focus."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if words in page.evaluate("document.activeElement.innerText || ''"):
            return
    raise AssertionError(f"Tab does not reach {words!r}")


def test_the_panels_follow_what_happens(browser: Any, shop: Shop) -> None:
    with opened(browser, shop) as page:
        shop.send(ORDER)
        shop.send({**ORDER, "event": "Refunded"}, "wk_9876543210")
        page.wait_for_selector("#events >> text=Refunded")
        row = page.locator("#events tr", has_text="Refunded").first
        assert {"delivered", "backend"} <= set(row.inner_text().split())
        page.wait_for_selector("#activity path.delivered")
        page.wait_for_selector("#activity path.source-2")
        page.wait_for_selector("#limits >> text=create_event")
        page.wait_for_selector("#cards >> text=in the last minute")
        page.click("text=The last hour as a table")
        assert page.locator(".table-of-charts tr", has_text="backend").is_visible()
        assert page.locator("#live").inner_text() == "Live"
        page.wait_for_selector("#shadow >> text=Shadow: if freshpaint delivered")
        page.wait_for_selector("#shadow >> text=compared")
        page.click("summary:has-text('[klaviyo]')")
        row = page.locator(".settings > div", has_text="private_api_key").first
        assert row.inner_text().split("\n")[-1] == "set, hidden"
        assert "pk_sandbox" not in page.content()


def test_an_event_is_masked_until_its_data_is_asked_for(browser: Any, shop: Shop) -> None:
    shop.send(ORDER)
    with opened(browser, shop) as page:
        page.click("#events a >> nth=0")
        page.wait_for_selector("h1:has-text('Order Completed')")
        assert "grace@example.com" not in page.content()
        page.click("text=Show personal data")
        page.wait_for_selector("text=Personal data is shown")
        assert page.content().count("grace@example.com") >= 2
        assert "grace" not in page.url
        page.click("text=Hide it")
        page.wait_for_selector("text=Show personal data")
        assert "grace@example.com" not in page.content()


def test_dead_letters_are_retried_corrected_and_deleted(browser: Any, letters: Shop) -> None:
    with opened(browser, letters) as page:
        page.wait_for_selector("#letters >> text=2 events")
        page.click("#letters >> text=Page 1 >> xpath=.. >> a")
        page.click("text=Show and edit")
        page.fill("#payload", json.dumps({**ORDER, "event": "Page Corrected"}))
        page.click("text=Save and retry")
        page.wait_for_selector("text=The corrected event was put into the queue.")
        page.wait_for_selector("#events >> text=Page Corrected")
        page.click("#letters >> text='Retry all'")
        page.wait_for_selector("text=1 event was put back into the queue.")
        wait_until(lambda: letters.outbox.status().dead == 1)  # this vendor rejects it again
        page.wait_for_selector("#letters >> text=Page 0")
        page.click("#letters summary:has-text('Delete')")
        page.click("#letters >> text=Delete for good")
        page.wait_for_selector("text=1 event was deleted for good.")
        page.wait_for_selector("#letters >> text=None.")
    assert letters.outbox.status().dead == 0


def test_export_is_a_file(browser: Any, letters: Shop) -> None:
    with opened(browser, letters) as page:
        with page.expect_download() as download:
            page.click("#letters >> text='Export all'")
        lines = Path(download.value.path()).read_text("utf-8").splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["Page 0", "Page 1"]


def test_an_event_is_tried_with_every_vendor(browser: Any, shop: Shop) -> None:
    with opened(browser, shop) as page:
        page.fill("#try-event", json.dumps({**ORDER, "event": "</script><img src=x onerror=alert(1)>"}))
        page.click("#try-form button")
        page.wait_for_selector("#trials article")
        vendors = page.locator("#trials h3").all_inner_texts()
        assert [vendor.split()[0] for vendor in vendors] == [
            "rudderstack",
            "freshpaint",
            "segment-actions",
            "segment-classic",
        ]
        assert "onerror=alert(1)" in page.locator("#trials").inner_text()
        assert page.locator("#trials img").count() == 0
        page.fill("#try-event", "{")
        page.evaluate("window.stayed = true")
        with page.expect_response("**/console/try") as reply:
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
        assert reply.value.status == 422
        page.wait_for_selector("#trials >> text=this is not JSON")
        assert page.evaluate("window.stayed")


def test_a_list_stays_while_it_has_the_focus(browser: Any, shop: Shop) -> None:
    shop.send(ORDER)
    with opened(browser, shop) as page:
        page.wait_for_selector("#events a")
        page.focus("#events a >> nth=0")
        before = page.locator("#events").inner_text()
        arrived = page.locator("#cards").inner_text()
        shop.send({**ORDER, "event": "Later"})
        page.wait_for_function("before => document.getElementById('cards').innerText !== before", arg=arrived)
        assert page.locator("#events").inner_text() == before
        page.focus("#try-event")
        page.wait_for_selector("#events >> text=Later")


def test_the_keyboard_is_enough(browser: Any, letters: Shop) -> None:
    with opened(browser, letters) as page:
        page.wait_for_selector("#letters >> text=2 events")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        focus(page, "Delete…")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == "Delete for good"
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.innerText") == "Delete…"
        assert letters.outbox.status().dead == 2
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline not in ("none", "")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=2 events were deleted for good.")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1200, "light")])
def test_it_fits_and_is_accessible(browser: Any, letters: Shop, width: int, scheme: str) -> None:
    letters.send(ORDER)
    newest = letters.outbox.dead_letters()[-1].seq
    with opened(browser, letters, viewport={"width": width, "height": 844}, color_scheme=scheme) as page:
        page.wait_for_selector(f"#letters a[href$='/{newest}']")
        page.click("#try-form button")
        page.wait_for_selector("#trials article")
        check_page(page, width, scheme)
        page.click("#letters a >> nth=0")
        page.click("text=Show and edit")
        page.wait_for_selector("#payload")
        check_page(page, width, scheme)
        page.click(".back a")
        page.click("#events a >> nth=0")
        page.wait_for_selector("h2:has-text('Request')")
        check_page(page, width, scheme)


def check_page(page: Any, width: int, scheme: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 200) == (scheme == "dark")
    if not AXE.is_file():
        pytest.skip("no axe-core here: run npm install in tests/sdks to check the accessibility")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    assert [
        (rule["id"], rule["impact"], [node["target"] for node in rule["nodes"]]) for rule in found["violations"]
    ] == []


def test_it_is_whole_without_scripts(browser: Any, letters: Shop) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    page.goto(f"{letters.url}/console/")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.click("#letters summary:has-text('Delete')")
    page.click("#letters >> text=Delete for good")
    page.wait_for_selector("text=2 events were deleted for good.")
    page.click("#try-form button")
    page.wait_for_selector("article")
    page.click("text=Sign out")
    page.wait_for_selector("#password")
    context.close()
    assert letters.outbox.status().dead == 0
