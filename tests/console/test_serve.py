"""The command: the page stands beside the gateway, and an open page keeps no server from stopping."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.waiting import LONG

CONFIG = """
vendor = "rudderstack"
[klaviyo]
private_api_key = "pk_sandbox"
base_url = "http://127.0.0.1:9"
[gateway.sources.web]
write_key = "wk_0123456789"
"""


class Served:
    """`klavier serve` in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        (folder / "klavier.toml").write_text(CONFIG, "utf-8")
        command = [sys.executable, "-m", "klavier", "serve", "--port", "0", *options]
        self.process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)  # noqa: S603 -- ours
        assert self.process.stderr is not None
        self.lines = [self.process.stderr.readline()]
        found = re.search(r"http://[^;\s]+", self.lines[0])
        assert found is not None, self.lines
        self.url = found[0]

    def stop(self) -> int:
        """Ask the server to stop; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LONG)
        assert self.process.stderr is not None
        self.lines += self.process.stderr.readlines()
        self.process.stderr.close()
        return code


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    found = Served(tmp_path, *request.param)
    yield found
    if found.process.poll() is None:
        found.process.kill()
        found.process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a program can handle")
@pytest.mark.parametrize("served", [()], indirect=True)
def test_an_open_page_keeps_no_server_from_stopping(served: Served) -> None:
    with httpx.Client(base_url=served.url, timeout=LONG) as client:
        assert "Last events" in client.get("/console/", follow_redirects=True).text
        assert client.get("/health").json()["server"] == "UP"
        with client.stream("GET", "/console/live") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            pieces = stream.iter_text()
            assert next(pieces).startswith("retry:")
            assert served.stop() == 0
    assert any(f"console at {served.url}/console/" in line for line in served.lines)


@pytest.mark.parametrize("served", [("--no-console",)], indirect=True)
def test_it_can_be_switched_off(served: Served) -> None:
    assert httpx.get(f"{served.url}/console/", timeout=LONG).status_code == 404
    assert served.stop() == 0
    assert not any("console" in line for line in served.lines)
