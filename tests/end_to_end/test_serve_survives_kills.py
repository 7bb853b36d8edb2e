"""`klavier serve` is killed at random: no event that was answered is lost, none is delivered twice under one id."""

import json
import os
import random
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.support.gateway import CONFIG, KEY
from tests.support.servers import free_port

KILLS = int(os.environ.get("KLAVIER_SERVE_KILLS", "4"))


@pytest.fixture
def klaviyo() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(unknown_lists="create")) as server:
        yield server


class Host:
    """A process that serves, and is started again whenever it was killed."""

    def __init__(self, folder: Path, port: int) -> None:
        self._command = [sys.executable, "-m", "klavier", "serve", "--port", str(port)]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 -- our own command
            self._command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)


def post(url: str, events: list[dict[str, object]]) -> bool:
    """Send a batch once; return whether it was answered with 200."""
    body = json.dumps({"batch": events, "writeKey": KEY}).encode()
    request = urllib.request.Request(f"{url}/v1/batch", body)  # noqa: S310 -- loopback
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 -- as above
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_no_answered_event_is_lost(tmp_path: Path, klaviyo: SandboxServer) -> None:
    port = free_port()
    text = CONFIG.replace("[klaviyo]", f'[klaviyo]\nbase_url = "{klaviyo.url}"')
    (tmp_path / "klavier.toml").write_text(text, "utf-8")
    answered: list[str] = []
    over = threading.Event()

    def send() -> None:
        number = 0
        while not over.is_set():
            ids = [f"m{number + place}" for place in range(5)]
            events: list[dict[str, object]] = [
                {"type": "track", "event": "Counted", "userId": f"u{place}", "messageId": message_id}
                for place, message_id in enumerate(ids)
            ]
            while not post(f"http://127.0.0.1:{port}", events):  # as an SDK does, until it is answered
                if over.wait(0.05):
                    return
            answered.extend(ids)
            number += 5

    host = Host(tmp_path, port)
    host.start()
    sending = threading.Thread(target=send)
    sending.start()
    rng = random.Random(7)  # noqa: S311 -- the moments of kills in a test
    for _ in range(KILLS):
        before = len(answered)
        while len(answered) < before + 25:
            time.sleep(0.01)
        time.sleep(rng.random() * 0.2)
        host.kill()
        host.start()
    before = len(answered)
    while len(answered) < before + 25:
        time.sleep(0.01)
    over.set()
    sending.join()
    delivered: list[str] = []
    for _ in range(600):
        delivered = [event["unique_id"] for event in klaviyo.sandbox.state()["events"]]
        if set(answered) <= set(delivered):
            break
        time.sleep(0.1)
    assert host.stop() == 0
    assert set(answered) - set(delivered) == set()
    assert len(delivered) == len(set(delivered))
