"""A server has as many connections as the system lets it open files."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from klavier.cli.web_server import most_connections, web_address
from klavier.listening import listen
from tests.support.gateway import CONFIG
from tests.support.servers import free_port
from tests.support.waiting import LONG

resource = pytest.importorskip("resource")
INFINITE = -1


@pytest.mark.parametrize(
    ("allowed", "most", "raised", "connections"),
    [
        (1024, 524_288, 8192, 2000),
        (1024, INFINITE, 8192, 2000),
        (1024, 4096, 4096, 1024),
        (256, 256, 256, 64),
        (20_000, 20_000, None, 2000),
        (INFINITE, INFINITE, None, 2000),
    ],
)
def test_as_many_connections_as_files_allow(
    monkeypatch: pytest.MonkeyPatch, allowed: int, most: int, raised: int | None, connections: int
) -> None:
    changed: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, most))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: changed.append(limits))
    assert most_connections() == connections
    assert changed == ([] if raised is None else [(raised, most)])


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("::1", "[::1]")])
def test_the_address_that_is_printed_can_be_opened(host: str, shown: str) -> None:
    with listen(host, 0) as listener:
        assert web_address(listener, host) == f"http://{shown}:{listener.getsockname()[1]}"


def test_many_idle_connections_take_no_file_that_the_outbox_needs(tmp_path: Path) -> None:
    """Systems begin processes with a limit of few open files."""
    (tmp_path / "klavier.toml").write_text(CONFIG)
    port = free_port()
    command = f"ulimit -Sn 300; exec {sys.executable} -m klavier serve --no-deliver --port {port}"
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(["/bin/sh", "-c", command], cwd=tmp_path, stderr=log)  # noqa: S603 -- our own command
    idle: list[socket.socket] = []
    try:
        deadline = time.monotonic() + LONG
        while b"accepting events" not in (tmp_path / "log").read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        idle += [socket.create_connection(("127.0.0.1", port), timeout=LONG) for _ in range(600)]
        event = {"type": "track", "event": "E", "userId": "u1", "writeKey": "wk_0123456789"}
        assert httpx.post(f"http://127.0.0.1:{port}/v1/track", json=event, timeout=LONG).status_code == 200
    finally:
        for connection in idle:
            connection.close()
        server.terminate()
        server.wait(LONG)
    assert b"Too many open files" not in (tmp_path / "log").read_bytes()
