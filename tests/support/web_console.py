"""A console without a server: its requests are answered in the process."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson

from klavier.config.load import load_config
from klavier.console.app import Console
from klavier.events.reader import parse_event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox.entry import DeadLetter, Entry, Settlement
from klavier.outcome import Outcome, delivered
from klavier.relay.factory import make_relay_config
from klavier.worker.in_flight import Result
from klavier.worker.leased_worker import LeasedWorker

PASSWORD = "correct horse"  # noqa: S105 -- of a console in the process
TOKEN = "0123456789abcdef"  # noqa: S105 -- as above
ADDRESS = "http://127.0.0.1:8080"
EVENT = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u1",
    "messageId": "m1",
    "timestamp": "2026-11-30T09:00:00Z",
    "context": {"traits": {"email": "ada@example.com"}},
    "properties": {"total": 59.9},
}

Body = bytes | AsyncIterator[bytes] | None


class Shop:
    """A console with an outbox, and what a gateway and a worker would tell it."""

    def __init__(self, folder: Path, console: str = "", more: str = "") -> None:
        (folder / "klavier.toml").write_text(
            f'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_of_the_shop"\n'
            f'[delivery]\noutbox = "memory"\n[gateway.sources.web]\nwrite_key = "wk_of_the_shop"\n'
            f"[console]\n{console}\n{more}",
            "utf-8",
        )
        self.config = load_config(folder / "klavier.toml")
        self.worker = LeasedWorker(make_relay_config(self.config))
        self.outbox = self.worker.config.outbox
        self.console = Console(self.config, self.worker)
        self._seq = 1_000_000

    def visitor(self, address: str = ADDRESS, **headers: str) -> "Visitor":
        """Return somebody without a session."""
        return Visitor(self.console.app, address, headers)

    def finish(
        self, event: dict[str, Any], outcome: Outcome | None = None, *, reply: Any = None, due: float | None = None
    ) -> None:
        """Let an attempt of an event end, after one request with the whole event in it; `due` is when it is retried."""
        self._seq += 1
        payload = orjson.dumps(event)
        entry = Entry(self._seq, str(event.get("messageId", "")), "k", payload, time.time() - 0.5)
        sent = [(Request("POST", "/api/events", json=event), Response(202 if reply is None else 400, reply))]
        self.console.recorder.on_result(Result(entry, outcome or delivered(), sent, parse_event(event)), due)

    def bury(self, event: Any, reason: str = "Klaviyo answered 400: invalid", status: int | None = 400) -> int:
        """Let an event become a dead letter; returns its number."""
        payload = event if isinstance(event, bytes) else orjson.dumps(event)
        message_id = event.get("messageId", "") if isinstance(event, dict) else ""
        self.outbox.append([(message_id or str(time.time_ns()), "k", payload)])
        (entry,) = self.outbox.read(0, 1)
        request = {"method": "POST", "path": "/api/events", "revision": None, "params": {}, "body": {"a": "(str)"}}
        exchange = {"request": request, "reply": {"status": 400, "problem": "", "errors": []}}
        requests = orjson.dumps([exchange]).decode()
        letter = DeadLetter(
            entry.seq,
            entry.message_id,
            "k",
            payload,
            entry.accepted,
            time.time(),
            1,
            "failed",
            status,
            reason,
            requests,
        )
        self.outbox.settle([Settlement(entry, dead_letter=letter)])
        return entry.seq


class Visitor:
    """A browser without scripts: keeps cookies, follows no redirect, sends the token of the page's forms."""

    def __init__(self, app: Any, address: str = ADDRESS, headers: dict[str, str] | None = None) -> None:
        self._app, self._address = app, address
        self._headers = {"accept": "text/html", **(headers or {})}
        self.peer = "127.0.0.1"
        self.cookie = ""
        self.csrf = ""

    def get(self, path: str = "", **headers: str) -> httpx.Response:
        """Open a page of the console."""
        found = self._send("GET", path, None, headers)
        token = re.search(r'name="csrf" value="([^"]+)"', found.text)
        self.csrf = token[1] if token else self.csrf
        return found

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Send a form, with the token of the page that was opened last."""
        return self._send("POST", path, urlencode({"csrf": self.csrf, **(form or {})}).encode(), headers)

    def send(self, method: str, path: str, body: Body = None, **headers: str) -> httpx.Response:
        """Send anything."""
        return self._send(method, path, body, headers)

    def _send(self, method: str, path: str, body: Body, headers: dict[str, str]) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, client=(self.peer, 50_000))
            async with httpx.AsyncClient(transport=transport, base_url=self._address) as client:
                named = {name.replace("_", "-"): value for name, value in {**self._headers, **headers}.items()}
                if self.cookie:
                    named["cookie"] = f"klavier_console={self.cookie}"
                return await client.request(method, f"/console/{path}", content=body, headers=named)

        reply = asyncio.run(send())
        found = re.match(r'klavier_console="?([^";]*)', reply.headers.get("set-cookie", ""))
        self.cookie = found[1] if found else self.cookie
        return reply


class Tags(HTMLParser):
    """Reads the tags of a page, with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text += data
