"""The sandbox over HTTP, on this machine only."""

import asyncio
import base64
import gzip
import json
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from klavier.errors import TransportError, UsageError
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Fault, Sandbox
from klavier.sandbox.server import SandboxServer, make_app, serve
from tests.support.klaviyo import event, upsert
from tests.support.waiting import LONG

HEADERS = {
    "Authorization": "Klaviyo-API-Key pk_sandbox",
    "revision": CURRENT,
    "Content-Type": "application/vnd.api+json",
}


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox()) as running:
        yield running


@pytest.fixture
def sandbox(server: SandboxServer) -> Sandbox:
    server.sandbox.reset()
    return server.sandbox


@pytest.fixture
def client(server: SandboxServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=HEADERS, timeout=LONG) as client:
        yield client


def test_an_upsert(sandbox: Sandbox, client: httpx.Client) -> None:
    response = client.post("/api/profile-import", content=upsert(email="ada@b.co").body)
    assert (response.status_code, response.headers["content-type"]) == (201, "application/vnd.api+json")
    found = response.json()["data"]["id"]
    assert sandbox.profile("ada@b.co") == sandbox.profile(found)
    assert client.get(f"/api/profiles/{found}").json()["data"]["attributes"]["email"] == "ada@b.co"
    answer = client.get("/api/profiles", params={"filter": 'any(email,["ada@b.co"])'})
    assert [profile["id"] for profile in answer.json()["data"]] == [found]


def test_an_event_compressed(sandbox: Sandbox, client: httpx.Client) -> None:
    body = gzip.compress(event().body)
    response = client.post("/api/events", content=body, headers={"Content-Encoding": "gzip"})
    assert (response.status_code, response.content) == (202, b"")
    assert len(sandbox.state()["events"]) == 1


def test_over_http_and_in_process_the_same_happens(sandbox: Sandbox, client: httpx.Client) -> None:
    near = Sandbox()
    for request in (upsert(email="ada@b.co"), upsert(first_name="x"), event(unique_id="m1"), event(value="x")):
        far = client.request(request.method, request.path, content=request.body)
        here = near.send(request)
        assert far.status_code == here.status
        assert [e.get("source") for e in (far.json() if far.content else {}).get("errors", [])] == [
            e.get("source") for e in (here.json or {}).get("errors", [])
        ]
    assert sandbox.comparable() == near.comparable()


def test_the_key_is_asked_for(sandbox: Sandbox, client: httpx.Client) -> None:
    response = client.post("/api/events", content=event().body, headers={"Authorization": "Klaviyo-API-Key pk_x"})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (401, "not_authenticated")
    assert sandbox.calls[-1].status == 401


def test_a_body_that_is_too_large(sandbox: Sandbox, client: httpx.Client) -> None:
    assert client.post("/api/events", content=b" " * 5_000_001).status_code == 413
    assert sandbox.calls


def test_a_legacy_call_with_base64_in_its_query(sandbox: Sandbox, client: httpx.Client) -> None:
    document = {"token": "SNDBX1", "event": "??>>ÿ", "customer_properties": {"$email": "ada@b.co"}}
    packed = base64.b64encode(json.dumps(document, ensure_ascii=False).encode()).decode()
    assert {"+", "/"} & set(packed)
    for query in (httpx.QueryParams({"data": packed}), f"data={packed}"):
        response = client.get(f"/api/track?{query}")
        assert (response.text, response.headers["content-type"]) == ("1", "text/html")
    assert sandbox.state()["metrics"][0]["name"] == "??>>ÿ"


def test_a_list_id_stays_quoted(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.add_list("Odd", id="a/b c?d")
    assert client.get("/api/lists/a%2Fb%20c%3Fd").json()["data"]["id"] == "a/b c?d"


def test_no_content(sandbox: Sandbox, client: httpx.Client) -> None:
    list_id = sandbox.add_list("Letters")
    found = client.post("/api/profile-import", content=upsert(email="ada@b.co").body).json()["data"]["id"]
    body = json.dumps({"data": [{"type": "profile", "id": found}]})
    path = f"/api/lists/{list_id}/relationships/profiles"
    for method in ("POST", "DELETE"):
        response = client.request(method, path, content=body)
        assert (response.status_code, response.content) == (204, b"")


def test_looking_inside(sandbox: Sandbox, client: httpx.Client) -> None:
    client.post("/api/events", content=event().body)
    assert client.get("/_sandbox/state").json() == sandbox.state()
    assert client.get("/_sandbox/summary").text == sandbox.summary() + "\n"
    (call,) = client.get("/_sandbox/calls").json()
    assert call == {"method": "POST", "path": "/api/events", "revision": "2026-10-15", "status": 202}
    assert client.get("/_sandbox/nonsense").status_code == 404
    assert client.post("/_sandbox/reset").json()["events"] == []
    assert sandbox.state()["events"] == []


@pytest.mark.parametrize(
    ("fault", "error", "kept"),
    [
        (Fault.reset(), httpx.TransportError, 0),
        (Fault.lost_reply(), httpx.TransportError, 1),
        (Fault.cut(), httpx.TransportError, 1),
    ],
)
def test_broken_connections(sandbox: Sandbox, client: httpx.Client, fault: Fault, error: Any, kept: int) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(error):
        client.post("/api/profile-import", content=upsert(email="ada@b.co").body)
    assert len(sandbox.state()["profiles"]) == kept
    assert client.post("/api/profile-import", content=upsert(email="ada@b.co").body).status_code == 201 - kept


def test_other_faults(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.faults.add(Fault.throttled(3), Fault.garbled(), Fault.redirect("/elsewhere"), Fault.slow(0.05), Fault(500))
    body = event().body
    throttled = client.post("/api/events", content=body)
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "3")
    garbled = client.post("/api/events", content=body)
    with pytest.raises(json.JSONDecodeError):
        garbled.json()
    redirect = client.post("/api/events", content=body)
    assert (redirect.status_code, redirect.headers["location"]) == (307, "/elsewhere")
    slow = client.post("/api/events", content=body)
    assert (slow.status_code, slow.elapsed.total_seconds() >= 0.05) == (202, True)
    assert client.post("/api/events", content=body).status_code == 500


def test_many_at_once(sandbox: Sandbox, server: SandboxServer) -> None:
    async def run() -> list[int]:
        async with httpx.AsyncClient(base_url=server.url, headers=HEADERS) as client:
            requests = [event(unique_id=f"m{n % 20}") for n in range(60)]
            replies = await asyncio.gather(*(client.post(r.path, content=r.body) for r in requests))
            return [reply.status_code for reply in replies]

    assert set(asyncio.run(run())) == {202}
    assert len(sandbox.state()["events"]) == 20


def test_a_parameter_that_comes_twice_is_refused(client: httpx.Client) -> None:
    response = client.get("/api/profiles", params=[("sort", "email"), ("sort", "id")])
    assert (response.status_code, response.json()["errors"][0]["source"]) == (400, {"parameter": "sort"})


@pytest.mark.parametrize("host", ["no..name", "é..name", "192.0.2.1"])
def test_a_host_that_is_not_this_machine_is_a_clear_error(host: str) -> None:
    with pytest.raises(UsageError, match=rf"^cannot listen on {host}:0 \([A-Za-z ]+\); choose another host$"):
        SandboxServer(Sandbox(), host).__enter__()


def test_a_taken_port_is_a_clear_error(server: SandboxServer) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port} .*; choose another port"):
        SandboxServer(Sandbox(), port=port).__enter__()
    with pytest.raises(UsageError, match="port: must be between 0 and 65535"):
        serve(Sandbox(), port=70_000)


@pytest.mark.parametrize("name", ["uvicorn", "starlette.applications"])
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"pip install 'klavier\[server\]'"), SandboxServer(Sandbox()):
        raise AssertionError("the server started")


def test_under_another_server_a_broken_connection_is_an_error_of_the_application() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault.reset())

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(make_app(sandbox))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=HEADERS) as client:
            with pytest.raises(TransportError):
                await client.post("/api/events", content=event().body)
            return await client.post("/api/events", content=event().body)

    assert asyncio.run(run()).status_code == 202


def test_serving_in_the_foreground(monkeypatch: pytest.MonkeyPatch) -> None:
    """`serve` runs until it is told to stop; here it is stopped from outside, as an interrupt would."""
    from klavier.sandbox import server as module  # noqa: PLC0415 -- to look inside

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    heard: list[str] = []
    started: list[Any] = []
    original = module._server

    def remember(*arguments: Any) -> Any:
        started.append(original(*arguments))
        return started[0]

    monkeypatch.setattr(module, "_server", remember)
    try:
        options = {"port": port, "announce": heard.append}
        thread = threading.Thread(target=serve, args=(Sandbox(),), kwargs=options, daemon=True)
        thread.start()
        deadline = 200
        while not (started and started[0].started) and deadline:
            thread.join(0.05)
            deadline -= 1
        assert heard == [f"http://127.0.0.1:{port}"]
        assert httpx.get(f"{heard[0]}/_sandbox/state").json()["profiles"] == []
    finally:
        started[0].should_exit = True
        thread.join(10)
    assert not thread.is_alive()


def test_replies_do_not_wait_for_acknowledgments(server: SandboxServer) -> None:
    """Nagle's algorithm would hold the second segment of a reply back until the first one is acknowledged."""
    listener = server.listener
    assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    with socket.create_connection(listener.getsockname()):
        pass


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_links_name_the_host_that_was_asked(server: SandboxServer, host: str) -> None:
    base = server.url.replace("127.0.0.1", host)
    with httpx.Client(base_url=base, headers=HEADERS, timeout=LONG) as client:
        for number in range(3):
            client.post("/api/profile-import", content=upsert(external_id=f"u{number}").body)
        seen, following = [], f"{base}/api/profiles?page%5Bsize%5D=1"
        while following:
            document = client.get(following).json()
            assert document["data"][0]["links"]["self"].startswith(f"{base}/api/profiles/")
            seen.append(document["data"][0]["id"])
            following = document["links"]["next"]
    assert len(set(seen)) == 3


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer at_sandbox", 200),
        ("Bearer at_other", 401),
        ("Bearer pk_sandbox", 401),
        ("Klaviyo-API-Key at_sandbox", 401),
        ("Bearer", 401),
    ],
)
def test_an_access_token_stands_in_for_the_key(client: httpx.Client, authorization: str, status: int) -> None:
    assert client.get("/api/accounts", headers={"Authorization": authorization}).status_code == status
