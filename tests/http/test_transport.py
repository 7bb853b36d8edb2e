import asyncio
import gzip
import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

import klavier
from klavier import ConfigError, Request, Response, TransportError
from klavier.http.transport import Transport
from tests.support.sending import EVENT, KEY, Send, send_all
from tests.support.servers import recording_server


def test_an_api_call_carries_key_revision_and_json(send: Send) -> None:
    with recording_server() as server:
        (response,) = send(server.url, EVENT)
    (seen,) = server.seen
    assert (seen.method, seen.target, json.loads(seen.body)) == ("POST", "/api/events", EVENT.json)
    assert seen.headers["authorization"] == f"Klaviyo-API-Key {KEY}"
    assert seen.headers["revision"] == "2026-10-15"
    assert seen.headers["content-type"] == "application/vnd.api+json"
    assert seen.headers["user-agent"] == f"klavier/{klavier.__version__}"
    assert (response.status, response.json) == (202, None)


@pytest.mark.parametrize(
    ("revision", "kind"),
    [
        ("2023-02-22", "application/json"),
        ("2024-07-15", "application/json"),
        ("2024-10-15", "application/vnd.api+json"),
        ("2026-10-15", "application/vnd.api+json"),
    ],
)
def test_the_content_type_follows_the_revision(send: Send, revision: str, kind: str) -> None:
    with recording_server() as server:
        send(server.url, Request("POST", "/api/profiles/", json={}, revision=revision))
    assert (server.seen[0].headers["content-type"], server.seen[0].headers["accept"]) == (kind, kind)
    assert server.seen[0].target == "/api/profiles/"


def test_a_client_call_carries_the_company_and_no_key(send: Send) -> None:
    given = Request("POST", "/client/events", params={"company_id": "AbC123"}, json={}, revision="2026-10-15")
    filled = Request("POST", "/client/events", json={}, revision="2026-10-15")
    with recording_server() as server:
        send(server.url, given, filled, public_api_key="XyZ789")
    assert [seen.target for seen in server.seen] == [
        "/client/events?company_id=AbC123",
        "/client/events?company_id=XyZ789",
    ]
    assert all("authorization" not in seen.headers and "revision" in seen.headers for seen in server.seen)


def test_a_legacy_call_carries_neither_key_nor_revision(send: Send) -> None:
    get = Request("GET", "/api/track", params={"data": "eyJ0/b2tl+biI="})
    form = Request("POST", "/api/v1/list/abc/members", form={"email": "ada@example.com", "properties": '{"a": "&="}'})
    with recording_server(lambda _: (200, {"Content-Type": "text/html"}, b"1")) as server:
        first, _ = send(server.url, get, form)
    assert parse_qs(urlsplit(server.seen[0].target).query) == {"data": ["eyJ0/b2tl+biI="]}
    assert server.seen[1].body == b"email=ada%40example.com&properties=%7B%22a%22%3A+%22%26%3D%22%7D"
    assert server.seen[1].headers["content-type"] == "application/x-www-form-urlencoded"
    assert all(not {"authorization", "revision"} & seen.headers.keys() for seen in server.seen)
    assert first.json == 1


def test_params_and_paths_reach_the_server_as_they_are_meant(send: Send) -> None:
    params = {"filter": 'equals(email,"a+b c@x.io")', "é": "&#?%"}
    request = Request("GET", "/api/profiles/a%2Fb%20c", params=params)
    with recording_server() as server:
        send(server.url, request)
    path, _, query = server.seen[0].target.partition("?")
    assert path == "/api/profiles/a%2Fb%20c"
    assert dict(parse_qsl(query, strict_parsing=True)) == params
    assert "+" not in query  # a space to some readers, a plus to others


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/api/events",
        "//evil.example/api/events",
        "api/events",
        "",
        "@evil.example/",
        "/api/profiles/../../client/events",
        "/api/profiles/%2e%2E/x",
        "/api/profiles/.",
        "/api/profiles/a b",
        "/api/profiles/a?b=c",
        "/api/profiles/a#b",
        "/api/profiles/a\\b",
        "/api/profiles/a\r\nX: y",
        "/api/profiles/é",
        "/api/profiles/%zz",
        "/api/profiles/x\n",
    ],
)
def test_a_path_that_leaves_the_api_is_refused_and_not_sent(send: Send, path: str) -> None:
    with recording_server() as server:
        (response,) = send(server.url, Request("POST", path, json={}, revision="2026-10-15"))
    assert server.seen == []
    assert (response.status, response.local) == (400, True)
    assert "path" in response.reason


def test_a_private_call_without_a_key_is_refused_and_not_sent() -> None:
    client_call = Request("POST", "/client/events", revision="2026-10-15")
    with recording_server() as server:
        first, second = send_all(server.url, EVENT, client_call, key=None)
    assert first.local
    assert second.status == 202
    assert len(server.seen) == 1


def test_an_access_token_is_sent_in_place_of_the_key(send: Send) -> None:
    with recording_server() as server:
        send(server.url, EVENT, access_token="token")  # noqa: S106 -- a test's own
    assert server.seen[0].headers["authorization"] == "Bearer token"


def test_a_body_that_is_no_json_is_refused_and_not_sent(send: Send) -> None:
    with recording_server() as server:
        (response,) = send(server.url, Request("POST", "/api/events", json={"a": {1, 2}}, revision="2026-10-15"))
    assert (server.seen, response.local) == ([], True)


def test_a_base_url_may_have_a_folder(send: Send) -> None:
    with recording_server() as server:
        send(server.url + "/klaviyo/", EVENT)
    assert server.seen[0].target == "/klaviyo/api/events"


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b'{"a": [1]}', {"Content-Type": "text/html"}, {"a": [1]}),
        (b"1", {}, 1),
        (b"", {}, None),
        (b"<html>oops</html>", {"Content-Type": "application/json"}, "<html>oops</html>"),
        (b"\xff\xfe", {}, "\ufffd\ufffd"),
        (gzip.compress(b'{"a": 1}', mtime=0), {"Content-Encoding": "gzip"}, {"a": 1}),
        (b"[" * 5000, {}, "[" * 5000),
    ],
)
def test_bodies_are_read_for_what_they_are(send: Send, body: bytes, headers: dict[str, str], expected: object) -> None:
    with recording_server(lambda _: (200, headers, body)) as server:
        (response,) = send(server.url, EVENT)
    assert response.json == expected


def test_headers_come_in_lower_case(send: Send) -> None:
    with recording_server(lambda _: (429, {"Retry-After": "7", "X-Klaviyo-Partial-Failure": "phone_number"}, b"")) as s:
        (response,) = send(s.url, EVENT)
    assert response.status == 429
    assert (response.headers["retry-after"], response.headers["x-klaviyo-partial-failure"]) == ("7", "phone_number")


def test_a_redirect_is_an_answer_like_others(send: Send) -> None:
    with recording_server(lambda _: (307, {"Location": "/api/elsewhere"}, b"")) as server:
        (response,) = send(server.url, EVENT)
    assert (response.status, response.ok, len(server.seen)) == (307, False, 1)


def test_cookies_are_not_kept(send: Send) -> None:
    with recording_server(lambda _: (202, {"Set-Cookie": "who=me"}, b"")) as server:
        send(server.url, EVENT, EVENT)
    assert "cookie" not in server.seen[1].headers


def test_connections_are_kept_alive(send: Send) -> None:
    with recording_server() as server:
        send(server.url, *[EVENT] * 5)
    assert (len(server.seen), len(server.connections)) == (5, 1)


def test_tasks_share_a_transport() -> None:
    async def run(url: str) -> list[Response]:
        async with Transport(KEY, base_url=url, connections=4) as transport:
            return await asyncio.gather(*(transport.send(EVENT) for _ in range(12)))

    with recording_server() as server:
        assert [response.status for response in asyncio.run(run(server.url))] == [202] * 12
    assert len(server.connections) <= 4


def test_repr_shows_the_server_only() -> None:
    transport = Transport(KEY, "AbC123", proxy="http://me:password@127.0.0.1:9")
    assert repr(transport) == "<Transport https://a.klaviyo.com>"


@pytest.mark.parametrize("transport", [httpx.HTTPTransport(), httpx.Client, "http://x"])
def test_a_transport_that_is_not_asynchronous_is_named(transport: Any) -> None:
    with pytest.raises(ConfigError, match=r"transport: must be an httpx\.AsyncBaseTransport or an httpx\.AsyncClient"):
        Transport(KEY, transport=transport)


def test_a_transport_of_the_user_is_not_closed() -> None:
    async def run(url: str) -> list[int]:
        async with httpx.AsyncClient() as client:
            async with Transport(KEY, base_url=url, transport=client) as transport:
                first = await transport.send(EVENT)
            return [first.status, (await client.get(url)).status_code]

    with recording_server() as server:
        assert asyncio.run(run(server.url)) == [202, 202]


@pytest.mark.parametrize("key", ["", "pk_a\r\nX: y", "pk_a b", "pk_é", 5])
def test_a_key_that_is_none_is_named_but_not_shown(key: Any) -> None:
    with pytest.raises(ConfigError, match="private_api_key") as caught:
        Transport(key)
    assert "pk_" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.klaviyo.com",
        "ftp://a.klaviyo.com",
        "https://",
        "https://user:pw@a.klaviyo.com",
        "https://a.klaviyo.com?x=1",
        "https://a.klaviyo.com#x",
        "https://a.klaviyo.com:99999",
        "https://a.klaviyo.com:0",
        "https://a b",
        "https://[::1",
        None,
        5,
    ],
)
def test_a_base_url_that_is_none_is_named(url: Any) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        Transport(KEY, base_url=url)


@pytest.mark.parametrize("proxy", ["nonsense", "ftp://x", "socks5://127.0.0.1:1"])
def test_a_proxy_that_is_none_is_named(proxy: str) -> None:
    with pytest.raises(ConfigError, match="proxy"):
        Transport(KEY, proxy=proxy)


def test_a_proxy_is_used(send: Send) -> None:
    with recording_server() as proxy:
        send("http://klaviyo.invalid", EVENT, proxy=proxy.url)
    assert proxy.seen[0].target == "http://klaviyo.invalid/api/events"


def test_the_environments_proxy_is_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with recording_server() as server, recording_server() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "direct.invalid")
        send_all(server.url, EVENT)
        send_all("http://klaviyo.invalid", EVENT)
        with pytest.raises(TransportError):
            send_all("http://direct.invalid", EVENT)
    assert (len(server.seen), len(proxy.seen)) == (1, 1)


READS = (
    Request("GET", "/api/events", {"filter": 'equals(profile_id,"P1")'}, revision="2026-10-15"),
    Request("GET", "/api/lists/L1/relationships/profiles", revision="2026-10-15"),
)
WRITES = (
    EVENT,
    Request("POST", "/api/metric-aggregates", json={}, revision="2026-10-15"),
    Request("DELETE", "/api/lists/L1", revision="2026-10-15"),
    Request("PATCH", "/api/profiles/P1", json={}, revision="2026-10-15"),
    Request("GET", "/api/track", {"data": "e30="}),  # the legacy API writes by GET, too
    Request("GET", "/api/unknown", revision="2026-10-15"),
)


def test_a_read_only_transport_sends_nothing_that_writes() -> None:
    async def run(url: str) -> None:
        async with Transport(KEY, base_url=url, read_only=True) as transport:
            for request in WRITES:
                with pytest.raises(klavier.UsageError, match="this transport only reads; nothing was sent"):
                    await transport.send(request)
            for request in READS:
                assert (await transport.send(request)).status == 200

    with recording_server(lambda _: (200, {}, b'{"data": []}')) as server:
        asyncio.run(run(server.url))
    assert [(seen.method, seen.target.partition("?")[0]) for seen in server.seen] == [
        ("GET", "/api/events"),
        ("GET", "/api/lists/L1/relationships/profiles"),
    ]
