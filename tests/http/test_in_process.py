"""A server in this process, through httpx's clients: the request arrives whole, and a broken connection is one."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from klavier.errors import TransportError
from klavier.http.in_process import InProcessTransport


class Server:
    """Answers with what it was asked; breaks the connection where the path says so."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str, str, bytes]] = []

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        self.seen.append((method, path, query, headers["x-test"], body))
        if path == "/broken":
            raise TransportError("the connection was reset")
        return 201, {"x-reply": "yes"}, b"answer"

    async def handle_async(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        return self.handle(method, path, query, headers, body)


ARGUMENTS = {"content": b"body", "headers": {"x-test": "1"}}
URL = "http://any/a%20b?c=d%3F"


def check(server: Server, reply: httpx.Response) -> None:
    assert (reply.status_code, reply.headers["x-reply"], reply.content) == (201, "yes", b"answer")
    assert str(reply.request.url) == URL
    assert server.seen == [("POST", "/a%20b", "c=d%3F", "1", b"body"), ("POST", "/broken", "", "1", b"body")]


def test_a_synchronous_client_reaches_it() -> None:
    server = Server()
    with httpx.Client(transport=InProcessTransport(server)) as client:
        reply = client.post(URL, **ARGUMENTS)  # type: ignore[arg-type]  # of several types
        with pytest.raises(httpx.RemoteProtocolError, match="reset") as caught:
            client.post("http://any/broken", **ARGUMENTS)  # type: ignore[arg-type]  # as above
    assert caught.value.request.method == "POST"
    check(server, reply)


def test_an_asynchronous_client_reaches_it() -> None:
    server = Server()

    async def main() -> httpx.Response:
        async with httpx.AsyncClient(transport=InProcessTransport(server)) as client:
            reply = await client.post(URL, **ARGUMENTS)  # type: ignore[arg-type]  # of several types
            with pytest.raises(httpx.RemoteProtocolError, match="reset") as caught:
                await client.post("http://any/broken", **ARGUMENTS)  # type: ignore[arg-type]  # as above
            assert caught.value.request.method == "POST"
            return reply

    check(server, asyncio.run(main()))
