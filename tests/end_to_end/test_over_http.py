"""From a file of events over HTTP to Klaviyo and back: with whatever happens on the way, each event ends honestly."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from klavier import Event, Outcome, Track, Vendor, load_vendor, parse_line
from klavier.flows.drivers import deliver, deliver_async, in_order, plan
from klavier.http.transport import Transport
from klavier.outcome import KINDS
from klavier.sandbox import Fault, Sandbox
from klavier.sandbox.server import SandboxServer
from tests.support.waiting import LONG

PRIVATE, PUBLIC = "pk_0123456789abcdef", "SNDBX1"
SETTINGS: dict[str, dict[str, Any]] = {
    "rudderstack": {"private_api_key": PRIVATE, "api_version": "v3"},
    "segment-actions": {"api_key": PRIVATE},
    "segment-classic": {"api_key": PUBLIC, "private_key": PRIVATE},
    "freshpaint": {"public_api_key": PUBLIC, "private_api_key": PRIVATE},
}
NAMES = ("Signed Up", "Product Viewed", "Plan Chosen", "Video Watched")
SHORT = 0.5
"""The read timeout in seconds of those who do not wait for a reply that stalls."""

RETRYABLE = {
    "throttled": Fault.throttled(1),
    "internal error": Fault(500, json={"errors": [{"detail": "for ada0@shop.test"}]}),
    "bad gateway with half a body": Fault.garbled(status=502),
    "unavailable": Fault(503, body=b"<html>try again</html>"),
    "reset before": Fault.reset(),
    "reset after": Fault.lost_reply(),
    "half a reply": Fault.cut(),
    "stall": Fault.slow(SHORT * 3),
}
FINAL = {
    "invalid": Fault(400, json={"errors": [{"code": "invalid", "detail": "ada0@shop.test is odd"}]}),
    "wrong key": Fault(401, body=b"not json"),
    "gone": Fault(410, json=["no", "object"]),
}


def deliver_all(vendor: Vendor, events: Sequence[Event], url: str, read_timeout: float = LONG) -> list[Outcome]:
    async def run() -> list[Outcome]:
        async with Transport(PRIVATE, PUBLIC, url, read_timeout=read_timeout) as transport:
            done = [(each, await deliver_async(each, transport.send)) for each in plan(vendor, events)]
            return in_order(events, done)

    return asyncio.run(run())


@pytest.fixture(params=SETTINGS)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return load_vendor(request.param, SETTINGS[request.param])


@pytest.fixture
def events(tmp_path: Path) -> list[Event]:
    """Read a file of events of four people: each signs up and does something; one line is of no interest."""
    lines = []
    for number, name in enumerate(NAMES):
        email = f"ada{number}@shop.test"
        person = {"userId": f"u{number}", "context": {"traits": {"email": email}}, "timestamp": "2026-01-02T03:04:05Z"}
        lines.append({"type": "identify", "messageId": f"i{number}", "traits": {"email": email}, **person})
        lines.append({"type": "track", "messageId": f"t{number}", "event": name, "properties": {"n": number}, **person})
    lines.append({"type": "alias", "messageId": "a", "userId": "u0", "previousId": "old"})
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return [parse_line(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(PRIVATE, PUBLIC)) as running:
        yield running


def held(sandbox: Sandbox, events: Sequence[Event]) -> list[bool]:
    """Tell which identify and track events the account holds."""
    ids = {event["unique_id"] for event in sandbox.state()["events"]}
    return [
        event.message_id in ids
        if isinstance(event, Track)
        else sandbox.profile(event.context["traits"]["email"]) is not None
        for event in events
        if event.type != "alias"
    ]


def clean_state(vendor: Vendor, events: Sequence[Event]) -> dict[str, Any]:
    """Return what an account holds that was told the events without any trouble."""
    sandbox = Sandbox(PRIVATE, PUBLIC)
    for delivery in plan(vendor, events):
        deliver(delivery, sandbox.send)
    return sandbox.comparable()


def test_without_faults_everything_arrives(vendor: Vendor, events: list[Event], server: SandboxServer) -> None:
    outcomes = deliver_all(vendor, events, server.url)
    *done, alias = [outcome.kind for outcome in outcomes]
    assert done == ["delivered"] * 8
    assert alias in ("skipped", "rejected")
    assert held(server.sandbox, events) == [True] * 8
    assert server.sandbox.comparable() == clean_state(vendor, events)


@pytest.mark.parametrize("trouble", RETRYABLE)
def test_events_that_fail_temporarily_are_delivered_by_a_second_attempt(
    trouble: str, vendor: Vendor, events: list[Event], server: SandboxServer
) -> None:
    server.sandbox.faults.add(RETRYABLE[trouble])
    outcomes = deliver_all(vendor, events, server.url, SHORT)
    again = [event for event, outcome in zip(events, outcomes, strict=True) if outcome.kind == "failed"]
    assert again
    assert all(outcome.retryable for outcome in outcomes if outcome.kind == "failed")
    assert_nobody_is_named(outcomes)
    assert all(
        held(server.sandbox, [e for e, outcome in zip(events, outcomes, strict=True) if outcome.kind == "delivered"])
    )
    assert {outcome.kind for outcome in deliver_all(vendor, again, server.url)} == {"delivered"}
    assert server.sandbox.comparable() == clean_state(vendor, events)


@pytest.mark.parametrize("trouble", FINAL)
def test_a_refusal_fails_events_for_good(
    trouble: str, vendor: Vendor, events: list[Event], server: SandboxServer
) -> None:
    server.sandbox.faults.add(FINAL[trouble])
    outcomes = deliver_all(vendor, events, server.url)
    failed = [outcome for outcome in outcomes if outcome.kind == "failed"]
    assert {outcome.status for outcome in failed if not outcome.retryable} == {FINAL[trouble].status}
    assert_nobody_is_named(outcomes)
    by_kind = {kind: [e for e, o in zip(events, outcomes, strict=True) if o.kind == kind] for kind in KINDS}
    assert all(held(server.sandbox, by_kind["delivered"]))
    assert not any(held(server.sandbox, [event for event in by_kind["failed"] if isinstance(event, Track)]))


def test_a_redirect_is_not_followed(vendor: Vendor, events: list[Event], server: SandboxServer) -> None:
    with SandboxServer(Sandbox(None, None)) as elsewhere:
        server.sandbox.faults.add(Fault.redirect(f"{elsewhere.url}/api/events", times=None))
        outcomes = deliver_all(vendor, events, server.url)
        assert {outcome.kind for outcome in outcomes[:-1]} == {"failed"}
        assert {outcome.status for outcome in outcomes[:-1]} == {307}
        assert elsewhere.sandbox.calls == []


def test_an_unreachable_server_fails_every_event(vendor: Vendor, events: list[Event], server: SandboxServer) -> None:
    server.__exit__(None, None, None)
    outcomes = deliver_all(vendor, events, server.url)
    assert {outcome.kind for outcome in outcomes[:-1]} == {"failed"}
    assert all(outcome.retryable for outcome in outcomes[:-1])


def assert_nobody_is_named(outcomes: Sequence[Outcome]) -> None:
    text = repr(outcomes)
    assert "shop.test" not in text
    assert PRIVATE not in text
