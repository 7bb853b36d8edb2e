"""`klavier sandbox`: a Klaviyo on a port, until it is interrupted."""

import json
import re
import signal
import socket
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from klavier.klaviyo.revisions import CURRENT
from tests.cli.conftest import Run, Start
from tests.support.waiting import LONG

if TYPE_CHECKING:
    import subprocess


def announced(process: "subprocess.Popen[bytes]") -> str:
    """Read what it says at its start; gives the address."""
    assert process.stdout is not None
    first = process.stdout.readline().decode()
    found = re.search(r"http://[0-9.]+:\d+", first)
    assert found is not None, first
    while b"Ctrl-C" not in process.stdout.readline():
        pass
    return found[0]


def track(url: str) -> int:
    body = {
        "data": {
            "type": "event",
            "attributes": {
                "metric": {"data": {"type": "metric", "attributes": {"name": "Sang"}}},
                "profile": {"data": {"type": "profile", "attributes": {"external_id": "u1"}}},
                "properties": {},
            },
        }
    }
    headers = {"Authorization": "Klaviyo-API-Key pk_sandbox", "revision": CURRENT}
    headers["Content-Type"] = "application/vnd.api+json"
    request = urllib.request.Request(f"{url}/api/events", json.dumps(body).encode(), headers)  # noqa: S310 -- loopback
    with urllib.request.urlopen(request, timeout=LONG) as reply:  # noqa: S310 -- loopback
        return int(reply.status)


def test_it_serves_until_it_is_interrupted_and_then_shows_what_it_holds(start: Start) -> None:
    process = start("sandbox", "--port", "0")
    assert track(announced(process)) == 202
    process.send_signal(signal.SIGINT)
    output, problems = process.communicate(timeout=LONG)
    assert process.returncode == 0
    assert problems == b""
    assert b"Profiles (1)" in output
    assert b"\n  Sang    1\n" in output


def test_a_port_that_is_in_use_is_reported(run: Run, folder: Path) -> None:
    assert folder
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("sandbox", "--port", str(port))
    assert result.exit_code == 2
    assert f"Error: cannot listen on 127.0.0.1:{port} (Address already in use); choose another port" in result.stderr
