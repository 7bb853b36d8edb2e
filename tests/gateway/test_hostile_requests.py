"""Requests that are built to be misread: by the HTTP parser, the decompression, JSON, or whoever reads the log."""

import gzip
import json
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from klavier.cli import web_server
from klavier.gateway import endpoints, service, slow_clients
from tests.gateway.test_attacks import accepted, is_working, send_raw
from tests.support.gateway import KEY, Running, gateway_server
from tests.support.waiting import LONG

TRACK = {"type": "track", "event": "Signed Up", "userId": "u1"}
GOOD = json.dumps({**TRACK, "writeKey": KEY}).encode()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway_server(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def post(gateway: Running, content: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{gateway.url}/v1/batch", content=content, headers=named, auth=(KEY, ""), timeout=LONG)


def send_unfinished(gateway: Running, *parts: bytes) -> bytes:
    """Send what the server may take for the beginning of a request, to a server that does not wait long for the rest.

    Returns what it answers until it closes the connection.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slow_clients, "HEADER_SECONDS", 0.5)
        patch.setattr(endpoints, "BODY_SECONDS", 0.5)
        try:
            return send_raw(gateway, *parts)
        except (ConnectionResetError, BrokenPipeError):
            return b""


SMUGGLED = b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD
LENGTHS = {
    "coding first": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    "coding twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "coding last": b"Content-Length: 4\r\nTransfer-Encoding: identity, chunked\r\n",
    "hidden coding": b"Content-Length: 4\r\nTransfer-Encoding : chunked\r\n",
    "tab": b"Content-Length: 4\r\nTransfer-Encoding:\tchunked\r\n",
    "vertical tab": b"Content-Length: 4\r\nTransfer-Encoding: \x0bchunked\r\n",
    "list of lengths": b"Content-Length: 4, 4\r\n",
    "plus": b"Content-Length: +4\r\n",
    "hexadecimal": b"Content-Length: 0x4\r\n",
    "too large": b"Content-Length: 18446744073709551620\r\n",
    "bare newline": b"X: a\nContent-Length: 4\r\n",
    "null": b"X: a\x00b\r\nContent-Length: 4\r\n",
}


@pytest.mark.parametrize("kind", LENGTHS)
def test_no_request_hides_in_the_body_of_another(attacked: Running, kind: str) -> None:
    """One that a proxy in front counts as the body of a refused request must not be accepted."""
    before = accepted(attacked)
    body = b"0\r\n\r\n" if b"chunked" in LENGTHS[kind] else b""
    head = b"POST /v1/track HTTP/1.1\r\nHost: a\r\n" + LENGTHS[kind] + b"\r\n"
    answer = send_unfinished(attacked, head + body + b"Connection: close\r\n" + SMUGGLED)
    assert b" 200 " not in answer
    assert accepted(attacked) == before
    assert is_working(attacked)


def test_a_chunk_whose_size_overflows_is_refused(attacked: Running) -> None:
    head = b"POST /v1/track HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    for size in (b"FFFFFFFFFFFFFFFFFF", b"-1", b"0x2", b"2;" + b"x" * 100_000):
        answer = send_unfinished(attacked, head + size + b"\r\n{}\r\n0\r\n\r\n")
        assert b" 200 " not in answer
    assert is_working(attacked)


def test_headers_without_end_are_ended_whatever_parses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """h11 has a bound of its own; httptools has none."""
    closed: list[bool] = []
    protocol: Any = slow_clients.TimelyProtocol.__new__(slow_clients.TimelyProtocol)
    protocol.cycle, protocol._timer = None, object()
    protocol.transport = SimpleNamespace(close=lambda: closed.append(True))
    monkeypatch.setattr(slow_clients._Base, "data_received", lambda *_: None)
    for _ in range(100):
        protocol.data_received(bytes(10_000))
    assert not closed
    protocol.data_received(b"x")
    assert closed


def test_a_request_that_is_too_large_is_told_so_after_it_was_sent(attacked: Running) -> None:
    """A connection that is closed too early would make SDKs send it again and again."""
    assert post(attacked, b"[" * 12_000_000).status_code == 413


def test_headers_without_end_take_no_memory(attacked: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "HEADER_SECONDS", LONG)
    host, _, port = attacked.url.removeprefix("http://").partition(":")
    sent, line = 0, b"X-Filler: " + b"x" * 10_000 + b"\r\n"
    with closing(socket.create_connection((host, int(port)), timeout=LONG)) as connection:
        connection.sendall(b"POST /v1/track HTTP/1.1\r\nHost: a\r\n")
        try:
            while sent < 20_000_000:
                connection.sendall(line)
                sent += len(line)
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert sent < 20_000_000  # closed; some megabytes are on their way in the buffers of the system
    assert is_working(attacked)


def test_repeated_headers_are_read_as_one(attacked: Running) -> None:
    """The first key counts, so that nobody tries many with one request."""
    before = accepted(attacked)
    wrong, right = httpx.BasicAuth("wrong_key_1", ""), httpx.BasicAuth(KEY, "")
    request = httpx.Request("POST", f"{attacked.url}/v1/track", json=TRACK)
    values = [next(each.sync_auth_flow(request)).headers["authorization"] for each in (wrong, right)]
    reply = httpx.post(f"{attacked.url}/v1/track", json=TRACK, headers=[("Authorization", value) for value in values])
    assert reply.status_code == 401
    assert accepted(attacked) == before


@pytest.mark.parametrize(
    "key",
    [
        "\uff57\uff4b_0123456789",
        "wk_0123456\uff17\uff18\uff19",
        "wk_0123456789\u200b",
        "wk_012345678\u0339",
        "wk_0123456789\x00",
        "\ufeffwk_0123456789",
    ],
)
def test_a_key_that_only_looks_like_one_is_refused(attacked: Running, key: str) -> None:
    before = accepted(attacked)
    for body in ({**TRACK, "writeKey": key}, {"batch": [{**TRACK, "writeKey": key}]}):
        assert httpx.post(f"{attacked.url}/v1/batch", json=body).status_code == 401
    assert httpx.get(f"{attacked.url}/v1/projects/{key}/settings".replace("\0", "%00")).status_code in (401, 404)
    assert accepted(attacked) == before


GZIPPED = gzip.compress(json.dumps({"batch": [TRACK]}).encode())
HALVES = [gzip.compress(part) for part in (b'{"batch": [', json.dumps(TRACK).encode(), b"]}")]
COMPRESSED: dict[str, tuple[Callable[[], bytes], int]] = {
    "several members": (lambda: b"".join(HALVES), 200),
    "padding": (lambda: GZIPPED + bytes(500), 200),
    "of itself": (lambda: gzip.compress(GZIPPED), 400),
    "garbage behind": (lambda: GZIPPED + b"garbage", 400),
    "cut member": (lambda: b"".join(HALVES)[:-9], 400),
    "many empty members": (lambda: gzip.compress(b"") * 190_000, 400),
    "bomb in a later member": (lambda: gzip.compress(b"[") + gzip.compress(bytes(80_000_000), 1), 413),
    "header only": (lambda: GZIPPED[:10], 400),
    "wrong checksum": (lambda: GZIPPED[:-8] + b"\0" * 8, 400),
}


@pytest.mark.parametrize("kind", COMPRESSED)
def test_gzip_is_read_as_a_whole_and_within_bounds(attacked: Running, kind: str) -> None:
    make, status = COMPRESSED[kind]
    body, before = make(), accepted(attacked)
    tracemalloc.start()
    started = time.process_time()
    try:
        reply = post(attacked, body, Content_Encoding="gzip")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reply.status_code == status
    assert accepted(attacked) - before == (status == 200)
    assert time.process_time() - started < 5.0
    assert peak < 50_000_000


def raw_batch(bad: bytes) -> bytes:
    return b'{"batch":[' + json.dumps(TRACK).encode() + b"," + bad + b"]}"


BAD: dict[str, bytes] = {
    "invalid utf-8": b'{"type":"track","userId":"u1","event":"\xff\xfe"}',
    "overlong utf-8": b'{"type":"track","userId":"u1","event":"\xc0\xaf"}',
    "surrogate": b'{"type":"track","userId":"u1","event":"\\ud800"}',
    "infinity": b'{"type":"track","userId":"u1","event":"E","properties":{"n":1e99999}}',
    "NaN": b'{"type":"track","userId":"u1","event":"E","properties":{"n":NaN}}',
    "not an object": b"[[[]]]",
    "null": b"null",
}


@pytest.mark.parametrize("kind", BAD)
def test_one_bad_event_refuses_no_other(attacked: Running, kind: str) -> None:
    """SDKs drop a whole batch that is answered with 400."""
    counts = attacked.gateway.service.counts
    before = counts["web", "accepted"], counts["web", "rejected"]
    assert post(attacked, raw_batch(BAD[kind])).status_code == 200
    after = counts["web", "accepted"], counts["web", "rejected"]
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


EXPENSIVE: dict[str, bytes] = {
    "10,000 levels": b'{"type":"track","userId":"u1","event":"E","properties":'
    + b'{"a":' * 10_000
    + b"1"
    + b"}" * 10_001,
    "100,000 members": json.dumps({**TRACK, "properties": {f"k{n}": n for n in range(100_000)}}).encode(),
    "same member": b'{"type":"track","userId":"u1","event":"E",' + b'"a":1,' * 300_000 + b'"b":1}',
    "long number": b'{"type":"track","userId":"u1","event":"E","properties":{"n":' + b"9" * 1_000_000 + b"}}",
    "long fraction": b'{"type":"track","userId":"u1","event":"E","properties":{"n":0.' + b"1" * 1_000_000 + b"}}",
    "escapes": b'{"type":"track","userId":"u1","event":"' + b"\\u0041" * 500_000 + b'"}',
}


@pytest.mark.parametrize("kind", EXPENSIVE)
def test_an_event_that_is_expensive_to_read_is_answered_soon(attacked: Running, kind: str) -> None:
    started = time.process_time()
    assert post(attacked, raw_batch(EXPENSIVE[kind])).status_code in (200, 400)
    assert time.process_time() - started < 5.0
    assert is_working(attacked)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://shop.example.evil",
        "http://shop.example",
        "https://shop.example:444",
        "https://evil/https://shop.example",
        "",
    ],
)
def test_other_origins_are_not_allowed(attacked: Running, origin: str) -> None:
    ask = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    assert "access-control-allow-origin" not in httpx.options(f"{attacked.url}/v1/t", headers=ask).headers
    reply = httpx.post(f"{attacked.url}/v1/track", json=TRACK, headers={"Origin": origin}, auth=(KEY, ""))
    assert "access-control-allow-origin" not in reply.headers
    assert "access-control-allow-credentials" not in reply.headers


LINE = "x\n2026-11-30 CRITICAL klavier: all is lost\r\n\x1b[2J"
FORGED: list[dict[str, Any]] = [
    {**TRACK, "event": LINE},
    {**TRACK, "type": LINE},
    {**TRACK, "userId": LINE},
    {**TRACK, "messageId": LINE},
    {**TRACK, "properties": {LINE: LINE}},
    {"type": "identify", "userId": "u1", "traits": {"email": LINE}},
]


def test_no_event_writes_a_line_of_the_log(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"), gateway_server(tmp_path) as gateway:
        assert post(gateway, json.dumps({"batch": FORGED}).encode()).status_code == 200
        headers = {"X-Forwarded-For": "x CRITICAL", "User-Agent": "CRITICAL"}
        httpx.get(f"{gateway.url}/pixel/v1/track", params={"event": LINE, "writeKey": LINE}, headers=headers)
        httpx.get(f"{gateway.url}/v1/projects/%0aCRITICAL/settings")
        gateway.wait()
    assert not [
        record for record in caplog.records if record.name.startswith("klavier") and "CRITICAL" in record.getMessage()
    ]


def test_idle_connections_keep_nobody_out(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have waited longest for a request make room; one whose request is under way stays."""
    monkeypatch.setattr(web_server, "_CONNECTIONS", 10)
    monkeypatch.setattr(slow_clients, "HEADER_SECONDS", LONG)
    head = b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(GOOD)
    with gateway_server(tmp_path) as gateway, ExitStack() as opened:
        host, _, port = gateway.url.removeprefix("http://").partition(":")

        def connect(sent: bytes) -> socket.socket:
            connection = opened.enter_context(socket.create_connection((host, int(port)), timeout=LONG))
            connection.sendall(sent)
            return connection

        busy = connect(head + GOOD[:9])
        assert is_working(gateway)  # so what was sent before has arrived
        for begun in (b"", b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"):  # that asks for nothing, and no more
            for _ in range(15):
                connect(begun)
        assert post(gateway, GOOD).status_code == 200
        busy.sendall(GOOD[9:])
        assert busy.recv(1000).startswith(b"HTTP/1.1 200")


def test_what_is_no_request_and_too_many_connections_are_logged_once(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Strangers can cause both as often as they like."""
    monkeypatch.setattr(web_server, "_CONNECTIONS", 1)
    with gateway_server(tmp_path) as gateway:
        for _ in range(3):
            send_raw(gateway, b"\x16\x03\x01\x02\x00 as TLS begins\r\n\r\n")
            upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}  # is no news
            assert httpx.get(f"{gateway.url}/health", headers=upgrade).status_code == 503
    assert [record.getMessage() for record in caplog.records if record.name == "klavier.gateway"] == [
        "what is no HTTP request is answered with 400, such as TLS or a port scan",
        "too many connections are open: requests are answered with 503",
    ]


def test_a_request_that_fails_is_logged_without_what_it_was_about(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: bytes) -> None:
        raise ValueError("ada@shop.test")

    with gateway_server(tmp_path) as gateway:
        monkeypatch.setattr(service, "read_json", fail)
        assert post(gateway, GOOD).status_code == 500
    [logged] = [record.getMessage() for record in caplog.records if record.name == "klavier.gateway"]
    assert logged.startswith(f"a request failed by a mistake in klavier or a plugin (ValueError in {__file__}:")


class Busy:
    """A connection whose request is answered."""

    waits_until = None


def test_connections_far_beyond_the_limit_are_closed_at_once() -> None:
    closed: list[bool] = []
    protocol: Any = slow_clients.TimelyProtocol.__new__(slow_clients.TimelyProtocol)
    protocol.connections, protocol.limit_concurrency = {Busy() for _ in range(105)}, 5
    protocol.timeout_keep_alive_task = None
    protocol.loop = SimpleNamespace(call_later=lambda *_: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slow_clients._Base, "connection_made", lambda self, _: self.connections.add(self))
        protocol.connection_made(SimpleNamespace(close=lambda: closed.append(True)))
    assert closed
