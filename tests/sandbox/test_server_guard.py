"""Who may look inside a sandbox server, and how much and how long it reads."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from klavier.sandbox import Sandbox, server_guard
from klavier.sandbox.server import SandboxServer
from tests.support.klaviyo import upsert

LONG = 60.0
"""Seconds that nothing here takes, on the slowest machine."""


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox("pk_sandbox")) as running:
        running.sandbox.send(upsert(email="ann@shop.test"))
        yield running


@pytest.mark.parametrize(
    ("method", "what"), [("GET", "state"), ("GET", "summary"), ("GET", "calls"), ("POST", "reset")]
)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example:8765"},
        {"Host": "127.0.0.1.rebound.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://shop.example"},
        {"Origin": "null"},
    ],
)
def test_no_strange_page_looks_inside(server: SandboxServer, method: str, what: str, headers: dict[str, str]) -> None:
    reply = httpx.request(method, f"{server.url}/_sandbox/{what}", headers=headers, timeout=LONG)
    assert reply.status_code == 403
    assert "ann@shop.test" not in reply.text
    assert len(server.sandbox.state()["profiles"]) == 1


@pytest.mark.parametrize(
    "host", ["127.0.0.1:1", "localhost", "sandbox:8765", "klaviyo.localhost", "[::1]:80", "10.0.0.7"]
)
def test_programs_look_inside(server: SandboxServer, host: str) -> None:
    headers = {"Host": host, "Sec-Fetch-Site": "same-origin"}
    reply = httpx.get(f"{server.url}/_sandbox/state", headers=headers, timeout=LONG)
    assert reply.json()["profiles"][0]["identifiers"] == {"email": "ann@shop.test"}
    own = httpx.get(f"{server.url}/_sandbox/state", headers={"Origin": server.url}, timeout=LONG)
    assert own.status_code == 200


class Endless:
    """A request whose body never ends; `pieces` counts what was read."""

    pieces = 0

    async def stream(self) -> AsyncIterator[bytes]:
        while True:
            self.pieces += 1
            yield b"x" * 1_000_000
            await asyncio.sleep(0)


def test_a_body_is_read_and_kept_up_to_a_bound() -> None:
    request: Any = Endless()
    assert len(asyncio.run(server_guard.read_body(request))) == 5_000_001
    assert request.pieces <= 51


def test_a_client_that_sends_far_too_much_reads_why(server: SandboxServer) -> None:
    headers = {"Authorization": "Klaviyo-API-Key pk_sandbox", "revision": "2026-10-15"}
    reply = httpx.post(f"{server.url}/api/events", content=b" " * 20_000_000, headers=headers, timeout=LONG)
    assert reply.status_code == 413


def test_a_body_that_never_comes_is_given_up(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_guard, "BODY_SECONDS", 0.1)
    with socket.create_connection(server.listener.getsockname(), LONG) as connection:
        connection.sendall(b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12")
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("begun", [b"", b"GET /api/lists HTTP/1.1\r\nHost: local"])
def test_a_header_that_never_ends_loses_its_connection(
    server: SandboxServer, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(server_guard, "HEADER_SECONDS", 0.1)
    with socket.create_connection(server.listener.getsockname(), LONG) as connection:
        connection.sendall(begun)
        assert connection.recv(100) == b""


def test_the_header_of_a_later_request_has_a_bound_too(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_guard, "HEADER_SECONDS", 0.2)
    with socket.create_connection(server.listener.getsockname(), LONG) as connection:
        connection.sendall(b"GET /_sandbox/summary HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(100_000).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /_sandbox/summary HTTP/1.1\r\n")
        while connection.recv(100_000):
            pass
