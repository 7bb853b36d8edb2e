"""Attacks: nothing is accepted without a key, nothing takes much time or memory, and no answer is a 500."""

import gc
import gzip
import json
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from klavier.gateway import bodies, endpoints, slow_clients
from klavier.gateway.intake import Message
from klavier.gateway.replies import METRICS, ROUTES
from tests.support.gateway import KEY, Running, gateway_server
from tests.support.waiting import LONG

TRACK = {"type": "track", "event": "Signed Up", "userId": "u1"}
_BOMB_BYTES = 80_000_000


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Serve one gateway for all attacks: whatever one does, the next finds it working."""
    with gateway_server(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def is_working(gateway: Running) -> bool:
    """Return whether a proper request is still accepted."""
    return httpx.post(f"{gateway.url}/v1/track", json=TRACK, auth=(KEY, ""), timeout=LONG).status_code == 200


def accepted(gateway: Running) -> int:
    return gateway.gateway._relay_config.outbox.last_seq()


def send_raw(gateway: Running, *parts: bytes) -> bytes:
    """Send bytes on a connection of their own; returns all that is answered until the server closes it."""
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)), timeout=LONG)) as connection:
        for part in parts:
            connection.sendall(part)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return answer


WRONG_KEYS = [
    None,
    "",
    " ",
    KEY[:-1],
    KEY + "x",
    KEY.upper(),
    f"{KEY}\0",
    f" {KEY}",
    "ключ-0123456789",
    "' OR '1'='1",
    "x" * 100_000,
    ["wk_0123456789"],
    {"$ne": None},
    0,
    True,
]


@pytest.mark.parametrize("key", WRONG_KEYS, ids=lambda key: repr(key)[:20])
def test_no_wrong_key_opens_any_route(attacked: Running, key: Any) -> None:
    before = accepted(attacked)
    with httpx.Client(base_url=attacked.url) as client:
        for path in ROUTES:
            reply = client.post(path, json={**TRACK, "writeKey": key, "batch": [{**TRACK, "writeKey": key}]})
            assert reply.status_code == 401, path
        freshpaint = {"event": "E", "properties": {"distinct_id": "u1", "token": key}}
        assert client.post("/track", json=freshpaint).status_code == 401
        if isinstance(key, str) and len(key) < 1000:
            assert client.post("/v1/webhook", json=TRACK, params={"writeKey": key}).status_code == 401
            assert client.get("/pixel/v1/track", params={"writeKey": key, "event": "E", "userId": "u"}).is_success
            assert client.get("/sourceConfig", params={"writeKey": key}).status_code == 401
    assert accepted(attacked) == before


def test_a_wrong_key_before_the_right_one_counts(attacked: Running) -> None:
    """A sender names one key: nobody tries many keys with one request."""
    before = accepted(attacked)
    body = {**TRACK, "writeKey": KEY}
    reply = httpx.post(f"{attacked.url}/v1/track", json=body, auth=("wrong_key_1", ""))
    assert reply.status_code == 401
    assert accepted(attacked) == before


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "unnamed": (lambda: gzip.compress(bytes(_BOMB_BYTES), 1), ""),
    "deflate": (lambda: zlib.compress(b'{"a":"' + bytes(_BOMB_BYTES) + b'"}', 1), "deflate"),
    "members": (lambda: gzip.compress(bytes(3_000_000), 1) * 30, "gzip"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_deflate_bomb_takes_no_memory(attacked: Running, kind: str) -> None:
    make, encoding = BOMBS[kind]
    body = make()
    tracemalloc.start()
    try:
        headers = {"Content-Encoding": encoding} if encoding else {}
        reply = httpx.post(f"{attacked.url}/v1/batch", content=body, headers=headers, auth=(KEY, ""), timeout=LONG)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reply.status_code in (400, 413)
    assert peak < _BOMB_BYTES / 1.5  # some copies of the 4 MB that are read
    assert is_working(attacked)


@pytest.mark.parametrize(
    "body",
    [
        b"{}," * 1_000_000,
        b"[" + b"{}," * 400_000 + b"{}]",
        b'{"batch":[' + b"1," * 400_000 + b"1]}",
        b"[" * 2_000_000,
        b'{"a":' * 500_000,
        b"1" * 4_000_000,
        b'{"type":"track","event":"E","userId":"u","properties":{"n":' + b"9" * 5000 + b"}}",
        b'{"type":"track","event":"E","userId":"u","properties":{"n":1e999999}}',
        b'{"type":"track","event":"E","userId":"u","type":"identify"}',
        b"\xff\xfe\x00",
        b"\x00" * 1000,
    ],
    ids=["no array", "objects", "numbers", "brackets", "nested", "digits", "integer", "float", "twice", "bom", "nul"],
)
def test_a_body_that_is_expensive_or_odd_is_answered_soon(attacked: Running, body: bytes) -> None:
    started = time.process_time()
    reply = httpx.post(f"{attacked.url}/v1/batch", content=body, auth=(KEY, ""), timeout=LONG)
    assert reply.status_code < 500
    assert time.process_time() - started < 5.0  # processor time of this process, the gateway's included
    assert is_working(attacked)


@pytest.mark.parametrize(
    "target",
    [
        "/v1/projects/../../etc/passwd/settings",
        "/v1/projects/..%2f..%2fetc%2fpasswd/settings",
        "/v1/projects/%00/settings",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%5c..%5cwindows",
        "/v1/track%00.json",
        "/V1/TRACK",
        "/v1;/track",
        "/v1/track?writeKey=%ff%fe",
        "/v1/track#" + "x" * 10,
        "http://evil.example/v1/track",
        "//evil.example/v1/track",
        "/" + "a/" * 4000,
        "/pixel/v1/..%2f..%2ftrack",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_tricky_path_leads_nowhere(attacked: Running, method: str, target: str) -> None:
    before = accepted(attacked)
    head = f"{method} {target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    answer = send_raw(attacked, head.encode() + b"{}")
    status = int(answer.split()[1])
    assert status in (400, 401, 404, 405) or (status == 200 and b"image/gif" in answer)
    assert b"root:" not in answer
    assert b"location:" not in answer.lower()
    assert accepted(attacked) == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "track"])
def test_other_methods_are_not_allowed(attacked: Running, method: str) -> None:
    head = f"{method} /v1/track HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
    assert int(send_raw(attacked, head.encode()).split()[1]) in (400, 405)


@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/t HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nHost : a\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\n X: folded\r\nHost: a\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
        b"\r\n" * 50 + b"nonsense\r\n\r\n",
    ],
    ids=["both lengths", "two lengths", "negative", "coding", "space", "folded", "long header", "tls", "nonsense"],
)
def test_a_request_that_two_servers_could_read_differently_is_refused(attacked: Running, head: bytes) -> None:
    """Behind a proxy such a request could smuggle in another one."""
    before = accepted(attacked)
    try:
        answer = send_raw(attacked, head)
    except (ConnectionResetError, BrokenPipeError):  # closed before all of it was sent
        answer = b""
    assert not answer or answer.count(b"HTTP/1.1 4") == answer.count(b"HTTP/1.1 ")
    assert accepted(attacked) == before
    assert is_working(attacked)


@pytest.mark.parametrize("host", ["evil.example/a?b", "a b", "<script>", "", "x" * 300, "a:b", "[::1", 'a"b'])
def test_a_host_header_that_is_none_is_not_repeated(attacked: Running, host: str) -> None:
    head = f"GET /v1/projects/{KEY}/settings HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = send_raw(attacked, head.encode())
    assert int(answer.split()[1]) == 400
    assert not host or host.encode() not in answer


@pytest.mark.parametrize("path", [f"/v1/projects/{KEY}/settings", f"/sourceConfig?writeKey={KEY}"])
def test_no_cache_keeps_what_repeats_the_request(attacked: Running, path: str) -> None:
    reply = httpx.get(attacked.url + path, headers={"Host": "evil.example"})
    assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")


def test_no_answer_names_software_or_place(attacked: Running) -> None:
    for path in ("/", "/v1/track", "/v1/projects/x/settings", "/healthz", "/readyz", "/metrics", "/version"):
        reply = httpx.get(attacked.url + path)
        assert "server" not in reply.headers
        text = reply.text.lower()
        assert not [word for word in (str(attacked.folder), "traceback", "pk_sandbox", KEY) if word in text]


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """Serve a gateway that waits for half a second only."""
    monkeypatch.setattr(slow_clients, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(endpoints, "BODY_SECONDS", 0.5)
    with gateway_server(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    "begun",
    [b"", b"POST /v1/tra", b"POST /v1/track HTTP/1.1\r\nHost: a\r\nX-Slow: "],
    ids=["nothing", "line", "headers"],
)
def test_a_client_that_never_completes_its_headers_is_closed(impatient: Running, begun: bytes) -> None:
    assert send_raw(impatient, begun) == b""
    assert is_working(impatient)


@pytest.mark.parametrize("path", ["/v1/track", "/v1/webhook", *METRICS[:1]])
def test_a_client_that_never_completes_its_body_is_refused(impatient: Running, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n{{"
    answer = send_raw(impatient, head.encode())
    assert answer.split()[1] == b"408"


def test_a_second_request_on_a_connection_has_to_arrive_as_well(impatient: Running) -> None:
    body = json.dumps({**TRACK, "writeKey": KEY}).encode()
    head = f"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    host, _, port = impatient.url.removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)), timeout=LONG)) as connection:
        connection.sendall(head + body)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"POST /v1/track HT")
        rest = b""
        while piece := connection.recv(65_536):
            rest += piece
    assert b"HTTP/1.1" not in rest


def test_many_slow_clients_do_not_block_others(impatient: Running) -> None:
    host, _, port = impatient.url.removeprefix("http://").partition(":")
    slow = [socket.create_connection((host, int(port)), timeout=LONG) for _ in range(200)]
    try:
        for connection in slow:
            connection.sendall(b"POST /v1/track HTTP/1.1\r\n")
        assert is_working(impatient)
        for connection in slow:
            assert connection.recv(1) == b""  # closed
    finally:
        for connection in slow:
            connection.close()
    assert threading.active_count() < 50


def test_large_requests_that_never_end_take_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_LARGE_BYTES", 1_000_000)
    head = b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n"
    with gateway_server(tmp_path) as gateway:
        host, _, port = gateway.url.removeprefix("http://").partition(":")
        begun = [socket.create_connection((host, int(port)), timeout=LONG) for _ in range(2)]
        for connection in begun:  # each has 400 KB more than SDKs send
            connection.sendall(head + b" " * 900_000)
        deadline = time.monotonic() + LONG
        while gateway.gateway.service.bodies._bytes < 800_000:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        large = json.dumps({**TRACK, "properties": {"a": "x" * 900_000}}).encode()
        refused = httpx.post(f"{gateway.url}/v1/track", content=large, auth=(KEY, ""))
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert is_working(gateway)
        for connection in begun:
            connection.close()
        while gateway.gateway.service.bodies._bytes:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert httpx.post(f"{gateway.url}/v1/track", content=large, auth=(KEY, "")).status_code == 200


def test_events_that_wait_are_not_kept_as_objects(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """As objects they take ten times the memory of their text."""
    service, may_write = gateway.gateway.service, threading.Event()
    store = service.intake._store

    def wait(messages: Sequence[Message]) -> None:
        assert may_write.wait(LONG)
        store(messages)

    monkeypatch.setattr(service.intake, "_store", wait)
    marker = {"marker": [1] * 50}
    body = json.dumps({"batch": [{**TRACK, "properties": marker} for _ in range(500)], "writeKey": KEY}).encode()
    thread = threading.Thread(target=lambda: httpx.post(f"{gateway.url}/v1/batch", content=body, timeout=LONG))
    thread.start()
    try:
        deadline = time.monotonic() + LONG
        while not service.intake._bytes:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        kept = [each for each in gc.get_objects() if type(each) is list and each == marker["marker"]]
        assert len(kept) <= 1  # the test's own
    finally:
        may_write.set()
        thread.join()
