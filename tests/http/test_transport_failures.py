import asyncio
import gzip
import logging
import pickle
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from klavier import Request, Response, TransportError, UsageError
from klavier.http.transport import Transport
from tests.support.sending import EVENT, KEY, Send
from tests.support.servers import raw_server, recording_server


def stall(_: socket.socket, over: threading.Event) -> None:
    over.wait(10)


def reset(connection: socket.socket, _: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(_: socket.socket, __: threading.Event) -> None:
    """Close without a word."""


def half_a_body(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b'HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{"data')


def stall_in_the_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b'HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{"data')
    over.wait(10)


def garbage(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"\x00\x01SSH-2.0-no http\r\n\r\n")


def bad_chunks(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nxx\r\n")


def bad_gzip(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")


def flood(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"x" * 65536)


BOMB = gzip.compress(bytes(20_000_000))


def bomb(connection: socket.socket, _: threading.Event) -> None:
    body = BOMB
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def drip(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not over.wait(0.05):
        connection.sendall(b"x")


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        (stall, "timed out"),
        (stall_in_the_body, "timed out"),
        (reset, "reset|cut off"),
        (hang_up, "cut off|reset"),
        (half_a_body, "cut off|reset"),
        (garbage, "malformed"),
        (bad_chunks, "malformed"),
        (bad_gzip, "decompressed"),
        (flood, "larger than 1000000 bytes"),
        (bomb, "larger than 1000000 bytes"),
        (drip, "timed out"),
    ],
)
def test_no_reply_is_a_transport_error(
    send: Send, serve: Callable[[socket.socket, threading.Event], None], words: str
) -> None:
    started = time.monotonic()
    with raw_server(serve) as url, pytest.raises(TransportError, match=words):
        send(url, EVENT, read_timeout=0.3, total_timeout=0.5, largest_reply=1_000_000)
    assert time.monotonic() - started < 5


def test_replies_without_an_end_are_bounded_together() -> None:
    """Each of 32 connections may be sent one; 20 MB of each would be 640 MB."""

    async def run(url: str) -> list[str]:
        async with Transport(KEY, base_url=url) as transport:
            replies = await asyncio.gather(*(transport.send(EVENT) for _ in range(8)), return_exceptions=True)
        return [str(reply) for reply in replies]

    with raw_server(flood) as url:
        problems = asyncio.run(run(url))
    assert any("replies are larger than 50000000 bytes together" in problem for problem in problems)
    assert all("larger than" in problem for problem in problems)


def test_a_refused_connection_is_a_transport_error(send: Send) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransportError, match="refused"):
        send(f"http://127.0.0.1:{port}", EVENT)


def test_an_unknown_host_is_a_transport_error(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransportError, match="DNS"):
        send("http://nowhere.localhost", EVENT)


def test_a_server_without_tls_is_a_transport_error(send: Send) -> None:
    with recording_server() as server, pytest.raises(TransportError, match="TLS failed"):
        send(server.url.replace("http:", "https:"), EVENT)


def test_errors_hold_no_secret(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    request = Request("GET", "/api/track", params={"data": "c2VjcmV0"}, revision="2026-10-15")
    with raw_server(hang_up) as url, caplog.at_level(logging.DEBUG), pytest.raises(TransportError) as caught:
        send(url, request)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert KEY not in shown
    assert "c2VjcmV0" not in shown


def test_a_success_logs_no_secret(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    with recording_server() as server, caplog.at_level(logging.DEBUG):
        send(server.url, Request("GET", "/api/track", params={"data": "c2VjcmV0"}), EVENT)
    assert KEY not in caplog.text
    assert "c2VjcmV0" not in caplog.text


def test_after_an_error_the_transport_works_on() -> None:
    answers = iter([b"nonsense\r\n\r\n", b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"])

    async def run(url: str) -> Response:
        async with Transport(KEY, base_url=url) as transport:
            with pytest.raises(TransportError):
                await transport.send(EVENT)
            return await transport.send(EVENT)

    with raw_server(lambda connection, _: connection.sendall(next(answers))) as url:
        assert asyncio.run(run(url)).status == 202


def test_a_closed_transport_raises() -> None:
    async def run() -> None:
        transport = Transport(KEY, base_url="http://127.0.0.1:1")
        await transport.close()
        with pytest.raises(UsageError, match="closed"):
            await transport.send(EVENT)

    asyncio.run(run())


def test_a_cancelled_send_frees_its_connection() -> None:
    replies = iter([stall])

    def serve(connection: socket.socket, over: threading.Event) -> None:
        handler = next(replies, None)
        if handler is None:
            connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        else:
            handler(connection, over)

    async def run(url: str) -> Response:
        async with Transport(KEY, base_url=url, connections=1) as transport:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(transport.send(EVENT), 0.2)
            return await asyncio.wait_for(transport.send(EVENT), 5)

    with raw_server(serve) as url:
        assert asyncio.run(run(url)).status == 202


def test_a_refusing_proxy_is_a_transport_error(send: Send) -> None:
    with recording_server(lambda _: (407, {}, b"")) as proxy, pytest.raises(TransportError, match="proxy"):
        send("https://klaviyo.invalid", EVENT, proxy=proxy.url)


def certificate(folder: Path) -> Path:
    """Write a certificate that nobody vouches for, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    pem = folder / "server.pem"
    options = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    subprocess.run(  # noqa: S603 -- a fixed command
        [
            openssl,
            *options,
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            pem,
            "-out",
            folder / "cert.pem",
        ],
        check=True,
        capture_output=True,
    )
    pem.write_bytes(pem.read_bytes() + (folder / "cert.pem").read_bytes())
    return pem


def test_certificates_are_checked_unless_verify_is_off(send: Send, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))

    def serve(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    with raw_server(serve, tls=context) as url:
        secure = url.replace("http:", "https:")
        with pytest.raises(TransportError, match=r"TLS failed \(CERTIFICATE_VERIFY_FAILED\)"):
            send(secure, EVENT)
        assert send(secure, EVENT, verify=False)[0].status == 202


def test_errors_cross_process_borders() -> None:
    again = pickle.loads(pickle.dumps(TransportError("waiting for the reply timed out")))  # noqa: S301 -- our own bytes
    assert (type(again), str(again)) == (TransportError, "waiting for the reply timed out")
