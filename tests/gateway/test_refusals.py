"""What the gateway refuses is counted for its source, and logged once: many SDKs drop it without a word."""

import base64
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from klavier.errors import OutboxFullError
from tests.support.gateway import KEY, Running, gateway_server

BASIC = {"Authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}
TRACK = b'{"type": "track", "userId": "u1", "event": "A"}'
TWO = b'{"batch": [%s, %s]}' % (TRACK, TRACK)


def fail(error: Exception) -> "Prepare":
    def prepare(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        def append(_: Any) -> list[bool]:
            raise error

        monkeypatch.setattr(gateway.gateway.service._relay_config.outbox, "append", append)

    return prepare


def nothing(_gateway: Running, _monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is refused as it is."""


Prepare = Callable[[Running, pytest.MonkeyPatch], None]

REFUSED: dict[str, tuple[dict[str, str], bytes, Prepare, int, str, int, str]] = {
    "unknown key": ({}, TWO, nothing, 401, "unknown", 1, "the write key is not known; set it up under"),
    "no JSON": (BASIC, b"{", nothing, 400, "web", 1, "the body is not JSON"),
    "no JSON, unknown key": ({}, b"{", nothing, 400, "unknown", 1, "the body is not JSON"),
    "no gzip": (BASIC, b"\x1f\x8bzzz", nothing, 400, "web", 1, "the body cannot be decompressed"),
    "too large": (BASIC, b" " * 2000, nothing, 413, "web", 1, "the request is larger than 1000 bytes"),
    "full disk": (BASIC, TWO, fail(OutboxFullError("the disk is full")), 503, "web", 2, "the disk is full"),
    "a mistake": (BASIC, TWO, fail(ValueError("ada@shop.test")), 503, "web", 2, "ValueError while they were stored"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_counted_and_logged_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    headers, body, prepare, status, source, events, why = REFUSED[name]
    with gateway_server(tmp_path, section="max_body = 1000") as gateway:
        prepare(gateway, monkeypatch)
        for _ in range(3):
            reply = httpx.post(gateway.url + "/v1/batch", content=body, headers=headers)
            assert reply.status_code == status
            assert "disk" not in reply.text  # what fails here is not for strangers
        assert gateway.gateway.service.counts == {(source, "refused"): 3 * events}
    assert "ada@shop.test" not in caplog.text
    logged = [record for record in caplog.records if record.name == "klavier.gateway"]
    assert [record.levelno for record in logged] == [logging.WARNING]
    assert logged[0].getMessage().startswith(f"events of source {source} are refused with {status}: {why}")


def test_settings_for_an_unknown_key_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A browser's SDK asks for its settings first, and sends no event without them."""
    with gateway_server(tmp_path) as gateway:
        assert httpx.get(gateway.url + "/v1/projects/wrong/settings").status_code == 401
    assert "events of source unknown are refused with 401" in caplog.text
    assert "wrong" not in caplog.text.replace("wrong/settings", "")


@pytest.mark.parametrize("path", ["/v1/v1/batch", "//v1/batch", "/t"])
def test_a_source_that_sends_to_an_unknown_path_is_logged(
    path: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where an SDK's host ends in a path or lacks one: it drops what is answered with 404."""
    with gateway_server(tmp_path) as gateway:
        assert httpx.post(gateway.url + path, content=TWO).status_code == 404  # a stranger's, of whom there are many
        reply = httpx.post(gateway.url + path, content=TWO, headers=BASIC)
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
        assert gateway.gateway.service.counts == {("web", "refused"): 1}
    [logged] = [record.getMessage() for record in caplog.records]
    assert logged.startswith("events of source web are refused with 404: no events are accepted at this path; set the")


@pytest.mark.parametrize(
    ("origin", "shown"),
    [
        ("https://other.example", "https://other.example"),
        ("null", "an unusual origin"),
        ("h\t\x1b[2J", "an unusual origin"),
    ],
)
def test_a_page_that_may_not_send_is_logged(
    origin: str, shown: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The browser's console shows it to the visitor alone."""
    ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    with gateway_server(tmp_path) as gateway:
        for _ in range(2):
            assert httpx.options(gateway.url + "/v1/t", headers=ask).status_code == 400
    assert [record.getMessage() for record in caplog.records if record.name == "klavier.gateway"] == [
        f"pages of {shown} may not send events: add it to gateway.allow_origins"
    ]


def test_pages_that_may_send_and_our_own_are_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with gateway_server(tmp_path) as gateway:
        for origin in ("https://shop.example", gateway.url):
            httpx.post(gateway.url + "/v1/track", content=TRACK, headers={**BASIC, "Origin": origin})
    assert not caplog.records
