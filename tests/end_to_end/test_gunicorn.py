"""docs/how-to/in-gunicorn.md as a test: a preloaded application, two workers, a restart in between, each event once."""

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import klavier
from klavier.sandbox.server import SandboxServer
from tests.support.repository import ROOT
from tests.support.waiting import LONG

pytest.importorskip("gunicorn", reason="gunicorn is not installed")

CONFIG = """
vendor = "rudderstack"
[klaviyo]
private_api_key = "pk_sandbox"
base_url = "{url}"
"""
SHOP = """
import os
import klavier

relay = klavier.open("klavier.toml", on_error="log")


def app(environ, start_response):
    number = environ["PATH_INFO"].strip("/")
    relay.track("Order Completed", {"order_id": number}, user_id="u1", message_id=f"order-{number}")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""


def page_of_gunicorn() -> str:
    """Return the configuration that the page shows, with two workers on a free port."""
    text = (ROOT / "docs" / "how-to" / "in-gunicorn.md").read_text("utf-8")
    (config,) = re.findall(r"^```python\n(# gunicorn\.conf\.py\n.*?)^```", text, re.MULTILINE | re.DOTALL)
    return f'{config.replace("workers = 4", "workers = 2")}\nbind = "127.0.0.1:0"\n'


class Served:
    """gunicorn in a folder."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "shop:app"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stderr=log, stdout=log)  # noqa: S603 -- ours
        self.wait_for_workers(2)
        (self.url,) = re.findall(r"Listening at: (\S+)", self.log.read_text())

    def workers(self) -> list[str]:
        return re.findall(r"Booting worker with pid: (\d+)", self.log.read_text())

    def wait_for_workers(self, count: int) -> None:
        deadline = time.monotonic() + LONG
        while len(self.workers()) < count:
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def order(self, number: int) -> str:
        with urllib.request.urlopen(f"{self.url}/{number}", timeout=LONG) as reply:  # noqa: S310 -- our own server
            return str(reply.read().decode())


@pytest.fixture
def sandbox() -> klavier.Sandbox:
    return klavier.Sandbox()


@pytest.fixture
def served(tmp_path: Path, sandbox: klavier.Sandbox) -> Iterator[Served]:
    with SandboxServer(sandbox) as klaviyo:
        (tmp_path / "klavier.toml").write_text(CONFIG.format(url=klaviyo.url))
        (tmp_path / "shop.py").write_text(SHOP)
        (tmp_path / "gunicorn.conf.py").write_text(page_of_gunicorn())
        found = Served(tmp_path)
        yield found
        found.process.kill()
        found.process.wait()


def test_each_event_of_forked_workers_arrives_once(served: Served, sandbox: klavier.Sandbox) -> None:
    before = {served.order(number) for number in range(20)}
    served.process.send_signal(signal.SIGHUP)
    served.wait_for_workers(4)
    after = {served.order(number) for number in range(15, 40)}
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(LONG) == 0
    assert before | after <= set(served.workers())
    assert len(before | after) >= 2
    numbers = [event["unique_id"] for event in sandbox.state()["events"]]
    assert sorted(numbers) == sorted(f"order-{number}" for number in range(40))
    assert "Traceback" not in served.log.read_text()
