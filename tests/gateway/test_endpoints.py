"""What SDKs send, and what they are answered, over HTTP."""

import base64
import gzip
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

import klavier
from klavier.gateway.bodies import Refusal
from klavier.gateway.replies import METRICS
from klavier.worker.leased_worker import LeasedWorker
from tests.support.gateway import KEY, Running, gateway_server

BASIC = {"Authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}
TRACK = {"type": "track", "event": "Signed Up", "userId": "u1", "messageId": "m1", "timestamp": "2026-01-02T03:04:05Z"}


def post(gateway: Running, path: str, body: Any, **options: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(gateway.url + path, content=content, **{"headers": BASIC, **options})


def raise_overloaded(_: int) -> None:
    raise Refusal(429, "overloaded", "more events arrive than can be stored", 1)


def names(gateway: Running) -> list[str]:
    gateway.wait()
    return [event["metric"] for event in gateway.events()]


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("/v1/track", {"event": "A"}),
        ("/v1/t", {"event": "A"}),
        ("/v1/page", {"name": "A"}),
        ("/v1/p", {"name": "A"}),
        ("/v1/screen", {"name": "A"}),
        ("/v1/s", {"name": "A"}),
    ],
)
def test_a_path_names_the_type(gateway: Running, path: str, members: dict[str, Any]) -> None:
    reply = post(gateway, path, {"userId": "u1", "messageId": "m1", **members})
    assert (reply.status_code, reply.json()) == (200, {"success": True})
    assert gateway.gateway.service.counts == {("web", "accepted"): 1}


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b", "/beacon/v1/batch"])
def test_batches_are_accepted(gateway: Running, path: str) -> None:
    batch = {
        "batch": [{**TRACK, "messageId": f"m{n}", "event": f"E{n}"} for n in range(3)],
        "sentAt": "2026-01-02T03:04:05Z",
    }
    assert post(gateway, path, batch).status_code == 200
    assert sorted(names(gateway)) == ["E0", "E1", "E2"]


@pytest.mark.parametrize(
    "send",
    [
        lambda gateway: post(gateway, "/v1/track", TRACK),
        lambda gateway: post(gateway, "/v1/track", {**TRACK, "writeKey": KEY}, headers={}),
        lambda gateway: post(gateway, "/v1/batch", {"batch": [TRACK], "writeKey": KEY}, headers={}),
        lambda gateway: post(gateway, "/v1/batch", {"batch": [{**TRACK, "writeKey": KEY}]}, headers={}),
        lambda gateway: post(gateway, "/beacon/v1/batch", {"batch": [TRACK]}, params={"writeKey": KEY}, headers={}),
        lambda gateway: post(gateway, "/v1/track", TRACK, headers={**BASIC, "Content-Type": "text/plain"}),
        lambda gateway: post(
            gateway,
            "/v1/track",
            gzip.compress(json.dumps(TRACK).encode()),
            headers={**BASIC, "Content-Encoding": "gzip"},
        ),
        lambda gateway: post(
            gateway,
            "/v1/track",
            gzip.compress(json.dumps(TRACK).encode()),
            headers={**BASIC, "Content-Type": "application/x-www-form-urlencoded"},
        ),
        lambda gateway: post(
            gateway,
            "/v1/track",
            zlib.compress(json.dumps(TRACK).encode()),
            headers={**BASIC, "Content-Encoding": "deflate"},
        ),
    ],
)
def test_every_way_to_name_the_key_and_to_compress(gateway: Running, send: Callable[[Running], httpx.Response]) -> None:
    reply = send(gateway)
    assert reply.status_code == 200, reply.text
    assert names(gateway) == ["Signed Up"]


def test_the_key_is_not_stored(gateway: Running) -> None:
    post(gateway, "/v1/track", {**TRACK, "writeKey": KEY, "properties": {"a": 1}}, headers={})
    gateway.wait()
    assert KEY not in json.dumps(gateway.sandbox.state())


def test_freshpaints_format_is_accepted(gateway: Running) -> None:
    event = {"event": "Signed Up", "properties": {"distinct_id": "u1", "token": KEY, "$insert_id": "m1"}}
    assert post(gateway, "/track", event, headers={}).status_code == 200
    assert names(gateway) == ["Signed Up"]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic !!"}, {"Authorization": "Basic d3Jvbmc6"}, {"Authorization": "Bearer x"}]
)
def test_an_unknown_key_is_refused(gateway: Running, headers: dict[str, str]) -> None:
    reply = post(gateway, "/v1/track", TRACK, headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (401, "invalid_write_key")
    assert gateway.gateway._relay_config.outbox.last_seq() == 0


def test_one_bad_event_refuses_no_other(gateway: Running) -> None:
    good = [{**TRACK, "messageId": f"m{n}", "event": f"E{n}"} for n in range(2)]
    bad: list[Any] = [{"type": "nonsense", "messageId": "b1"}, 5, None, "x", {**TRACK, "messageId": "b2", "type": None}]
    body = json.dumps({"batch": [good[0], *bad, good[1]]}).encode()
    body = body.replace(b'"x"', b'{"type": "track", "event": "\\ud800", "userId": "u1"}')
    assert post(gateway, "/v1/batch", body).status_code == 200
    assert sorted(names(gateway)) == ["E0", "E1"]
    letters = gateway.gateway._relay_config.outbox.dead_letters()
    assert [letter.kind for letter in letters] == ["rejected"] * len(bad)
    assert all(letter.reason for letter in letters)


def test_a_repeated_request_is_one_event(gateway: Running) -> None:
    for _ in range(3):
        assert post(gateway, "/v1/track", TRACK).status_code == 200
    assert names(gateway) == ["Signed Up"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"no json", {}, 400, "invalid_json"),
        (b"", {}, 400, "invalid_json"),
        (b"[" * 100_000, {}, 400, "invalid_json"),
        (b"x" * 4_000_001, {}, 413, "too_large"),
        (gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"}, 413, "too_large"),
        (gzip.compress(json.dumps(TRACK).encode())[:-9], {"Content-Encoding": "gzip"}, 400, "invalid_encoding"),
        (b"\x1f\x8bgarbage", {}, 400, "invalid_encoding"),
    ],
)
def test_bodies_that_cannot_be_read(
    gateway: Running, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    reply = post(gateway, "/v1/batch", body, headers={**BASIC, **headers})
    assert (reply.status_code, reply.json()["code"]) == (status, code)


def test_a_429_names_when_to_send_again(tmp_path: Path) -> None:
    with gateway_server(tmp_path, "rate_limit = 1\n") as gateway:
        batch = {"batch": [{**TRACK, "messageId": f"m{n}"} for n in range(400)]}  # what 400 seconds allow
        assert post(gateway, "/v1/batch", batch).status_code == 200
        refused = post(gateway, "/v1/track", {**TRACK, "messageId": "m400"})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1


def test_each_event_of_a_refused_request_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is refused for, so that the share of refused events is true; without a key they are not read."""
    batch = json.dumps({"batch": [{**TRACK, "messageId": f"m{n}"} for n in range(3)]}).encode()
    with gateway_server(tmp_path, "rate_limit = 1\n") as gateway:
        counts = gateway.gateway.service.counts
        assert post(gateway, "/v1/batch", batch).status_code == 200
        assert post(gateway, "/v1/batch", batch).status_code == 429
        assert counts == {("web", "accepted"): 3, ("web", "refused"): 3}
        monkeypatch.setattr(gateway.gateway.service.intake, "check_room", raise_overloaded)
        assert post(gateway, "/v1/batch", batch).json()["code"] == "overloaded"
        assert counts["web", "refused"] == 6
        monkeypatch.setattr("klavier.gateway.service.MOST_EVENTS", 2)
        assert post(gateway, "/v1/batch", batch).status_code == 413
        assert counts["web", "refused"] == 9
        assert post(gateway, "/v1/batch", batch, headers={}).status_code == 401
        assert counts == {("web", "accepted"): 3, ("web", "refused"): 9, ("unknown", "refused"): 1}


def test_events_that_overtook_each_other_are_delivered_in_order(tmp_path: Path) -> None:
    """Each is answered when it is stored, without waiting for earlier ones."""
    with gateway_server(tmp_path, section="reorder_window = 3.0") as gateway:
        for second in (3, 1, 2):
            time = f"2026-11-30T09:00:0{second}.000Z"
            event = {**TRACK, "event": f"E{second}", "messageId": f"m{second}", "timestamp": time}
            assert post(gateway, "/v1/track", event).status_code == 200
        assert names(gateway) == ["E1", "E2", "E3"]


def test_a_revoked_source_is_refused(tmp_path: Path) -> None:
    with gateway_server(
        tmp_path, 'enabled = false\n[gateway.sources.app]\nwrite_keys = ["other_key_1", "other_key_2"]'
    ) as gateway:
        assert post(gateway, "/v1/track", TRACK).status_code == 401
        for key in ("other_key_1", "other_key_2"):
            assert (
                post(gateway, "/v1/track", {**TRACK, "messageId": key, "writeKey": key}, headers={}).status_code == 200
            )


@pytest.mark.parametrize(
    ("body", "signed"), [({**TRACK, "n": 1.0}, None), ([TRACK, {**TRACK, "messageId": "m2"}], TRACK)]
)
def test_webhooks_are_signed(tmp_path: Path, body: Any, signed: Any) -> None:
    with gateway_server(tmp_path, 'webhook_secret = "s3cret"') as gateway:
        text = json.dumps(signed or body, separators=(",", ":")).encode()
        signature = hmac.new(b"s3cret", text, hashlib.sha1).hexdigest()
        content = json.dumps(body, separators=(",", ":")).encode()
        for given, status in ((signature, 200), (signature[:-1] + "x", 401), ("", 401)):
            headers = {**BASIC, "X-Signature": given}
            assert post(gateway, "/v1/webhook", content, headers=headers).status_code == status


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/beacon/v1/batch", "/v1/import", "/v1/webhook"])
def test_a_source_with_a_secret_accepts_nothing_unsigned_by_any_path(tmp_path: Path, path: str) -> None:
    with gateway_server(tmp_path, 'webhook_secret = "s3cret"') as gateway:
        content = json.dumps({"batch": [TRACK]} if "batch" in path else TRACK).encode()
        refused = post(gateway, path, content)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_signature")
        params = {"userId": "u1", "event": "E", "writeKey": KEY}
        httpx.get(f"{gateway.url}/pixel/v1/track", params=params)
        assert gateway.gateway._relay_config.outbox.last_seq() == 0
        signature = hmac.new(b"s3cret", content, hashlib.sha1).hexdigest()
        assert post(gateway, path, content, headers={**BASIC, "X-Signature": signature}).status_code == 200


def test_a_pixel_always_answers_with_an_image(gateway: Running) -> None:
    query = {"userId": "u1", "event": "Opened", "messageId": "m1"}
    for params in ({**query, "writeKey": KEY}, query):
        reply = httpx.get(f"{gateway.url}/pixel/v1/track", params=params)
        assert (reply.status_code, reply.headers["content-type"], reply.content[:3]) == (200, "image/gif", b"GIF")
    assert names(gateway) == ["Opened"]


def test_whoever_asks_for_the_head_of_a_pixel_sends_no_event(gateway: Running) -> None:
    """As scanners of e-mail do before a reader opens it."""
    assert httpx.head(f"{gateway.url}/pixel/v1/track", params={"event": "Opened", "writeKey": KEY}).status_code == 200
    assert gateway.gateway._relay_config.outbox.last_seq() == 0


def test_settings_of_the_browser_sdks(gateway: Running) -> None:
    found = httpx.get(f"{gateway.url}/v1/projects/{KEY}/settings").json()["integrations"]["Segment.io"]
    assert f"{found['protocol']}://{found['apiHost']}" == f"{gateway.url}/v1"
    source = httpx.get(f"{gateway.url}/sourceConfig/", params={"writeKey": KEY}).json()["source"]
    assert source["enabled"]
    assert {"id", "config", "destinations"} <= source.keys()
    assert httpx.get(f"{gateway.url}/v1/projects/nobody_knows/settings").status_code == 401
    assert httpx.get(f"{gateway.url}/sourceConfig", params={"writeKey": "nobody"}).status_code == 401


def test_a_page_behind_tls_gets_an_address_with_tls(gateway: Running) -> None:
    """A page may not send to an address without it."""
    reply = httpx.get(f"{gateway.url}/v1/projects/{KEY}/settings", headers={"X-Forwarded-Proto": "https"})
    assert reply.json()["integrations"]["Segment.io"]["protocol"] == "https"


@pytest.mark.parametrize("path", METRICS)
def test_figures_about_sdks_are_swallowed(gateway: Running, path: str) -> None:
    assert post(gateway, path, {"series": []}, headers={}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/unknown", "/v1/track/../batch", "/admin", "//v1/track", "/v1/track/"]
)
def test_other_paths_are_not_found_and_never_redirected(gateway: Running, path: str) -> None:
    reply = httpx.post(gateway.url + path, json=TRACK, headers=BASIC)
    assert reply.status_code in (404, 405) or (path == "/v1/track/../batch" and reply.status_code == 200)


def test_pages_of_listed_origins_may_send(gateway: Running) -> None:
    ask = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,anonymousid,sentat",
    }
    allowed = httpx.options(f"{gateway.url}/v1/t", headers={**ask, "Origin": "https://shop.example"})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://shop.example")
    assert "anonymousid" in allowed.headers["access-control-allow-headers"]
    refused = httpx.options(f"{gateway.url}/v1/t", headers={**ask, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in refused.headers


def test_browsers_events_get_address_and_user_agent(gateway: Running) -> None:
    page = {**BASIC, "Origin": "https://shop.example", "User-Agent": "Mozilla/5.0 test"}
    post(gateway, "/v1/track", {**TRACK, "properties": {}}, headers={**page, "X-Forwarded-For": "203.0.113.9"})
    post(gateway, "/v1/track", {**TRACK, "messageId": "m2"})
    entries = gateway.gateway._relay_config.outbox.read(0, 10)
    contexts = [json.loads(entry.payload).get("context") for entry in entries]
    if len(contexts) == 2:  # otherwise the worker was faster than this test
        assert contexts == [{"ip": "127.0.0.1", "userAgent": "Mozilla/5.0 test"}, None]


def test_monitors_ask_the_gateway_itself(tmp_path: Path) -> None:
    with gateway_server(tmp_path, section='metrics_token = "mt_0123456789"') as gateway:
        assert post(gateway, "/v1/track", TRACK).status_code == 200
        for path in ("/healthz", "/readyz"):
            assert httpx.get(gateway.url + path).json() == {"status": "ok"}
        assert httpx.get(f"{gateway.url}/metrics").status_code == 401
        reply = httpx.get(f"{gateway.url}/metrics", headers={"Authorization": "Bearer mt_0123456789"})
        assert 'klavier_gateway_events_total{acceptance="accepted",source="web"} 1.0' in reply.text


@pytest.mark.parametrize("name", ["..", "a/b", "", "a b", "x" * 65])
def test_a_source_has_a_name_that_is_safe_in_a_path(tmp_path: Path, name: str) -> None:
    data = {"vendor": "rudderstack", "gateway": {"sources": {name: {"write_key": KEY}}}}
    data["klaviyo"] = {"private_api_key": "pk_any"}
    with pytest.raises(klavier.ConfigError, match=r"gateway\.sources: the names of sources are letters"):
        klavier.load_config(data, environ={"HOME": str(tmp_path)})


def test_a_worker_that_ends_by_mistake_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run, calls = LeasedWorker.run, count(1)

    async def fail_first(self: LeasedWorker, *arguments: Any, **options: Any) -> None:
        if next(calls) == 1:
            raise RuntimeError("someone@example.com")
        await run(self, *arguments, **options)

    monkeypatch.setattr(LeasedWorker, "run", fail_first)
    monkeypatch.setattr("klavier.gateway.asgi._RESTART_SECONDS", 0.01)
    with gateway_server(tmp_path) as gateway:
        assert post(gateway, "/v1/track", TRACK).status_code == 200
        assert names(gateway) == ["Signed Up"]
        assert httpx.get(f"{gateway.url}/healthz").status_code == 200
    assert "delivery ended (RuntimeError); it starts again" in caplog.text
    assert "someone@" not in caplog.text
