"""Scripted trouble, in process."""

import asyncio
from typing import Any

import pytest

import klavier
from klavier.errors import TransportError, UsageError
from klavier.flows.drivers import deliver
from klavier.klaviyo.request import Request
from klavier.outcome import Outcome
from klavier.sandbox import FakeClock, Fault, Sandbox
from tests.support.klaviyo import event, get, upsert


def kept(sandbox: Sandbox) -> int:
    return len(sandbox.state()["events"])


def test_a_status_instead_of_an_answer(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(503, {"X-Reason": "maintenance"}, times=2))
    first, second, third = (sandbox.send(event()) for _ in range(3))
    assert [r.status for r in (first, second, third)] == [503, 503, 202]
    assert first.headers["x-reason"] == "maintenance"
    assert kept(sandbox) == 1
    assert [call.status for call in sandbox.calls] == [503, 503, 202]


def test_throttling(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault.throttled(7))
    response = sandbox.send(event())
    assert (response.status, response.headers["retry-after"]) == (429, "7")


def test_a_body_of_ones_own(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(400, json={"errors": [{"detail": "no"}]}), Fault(200, json=[1, {"data": 5}]))
    assert sandbox.send(event()).errors[0].detail == "no"
    assert sandbox.send(event()).json == [1, {"data": 5}]


def test_a_reset_before_the_call_is_processed(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault.reset())
    with pytest.raises(TransportError, match="closed before a reply"):
        sandbox.send(event())
    assert kept(sandbox) == 0
    assert sandbox.calls[0].status == 0


def test_a_lost_reply(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault.lost_reply())
    with pytest.raises(TransportError):
        sandbox.send(event(unique_id="m1"))
    assert kept(sandbox) == 1
    assert sandbox.send(event(unique_id="m1")).status == 202
    assert kept(sandbox) == 1


def test_half_a_reply(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault.cut())
    with pytest.raises(TransportError, match="broke off"):
        sandbox.handle("POST", "/api/track", body=b"data={}")
    sandbox.faults.add(Fault.cut())
    with pytest.raises(TransportError, match="broke off"):
        sandbox.send(upsert(email="ada@b.co"))
    assert sandbox.profile("ada@b.co")


def test_a_reply_that_is_no_json(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault.garbled(), Fault.garbled(b"<html>Bad gateway</html>", 502))
    response = sandbox.send(event())
    assert (response.status, response.json) == (200, '{"errors": [{"id": ')
    assert sandbox.send(event()).json == "<html>Bad gateway</html>"


def test_a_redirect(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault.redirect("https://elsewhere.example/api/events"))
    response = sandbox.send(event())
    assert (response.status, response.headers["location"]) == (307, "https://elsewhere.example/api/events")


def test_slowness(sandbox: Sandbox, clock: FakeClock) -> None:
    start = clock.time()
    sandbox.faults.add(Fault.slow(3), Fault(500, delay=2))
    assert sandbox.send(event()).status == 202
    assert clock.time() == start + 3
    assert sandbox.send(event()).status == 500
    assert clock.time() == start + 5


def test_asynchronous_sending(sandbox: Sandbox, clock: FakeClock) -> None:
    start = clock.time()
    sandbox.faults.add(Fault.slow(3), Fault.reset())
    assert asyncio.run(sandbox.send_async(event())).status == 202
    assert clock.time() == start + 3
    with pytest.raises(TransportError):
        asyncio.run(sandbox.send_async(event()))


@pytest.mark.parametrize(
    ("match", "met"),
    [
        (None, True),
        ("/api/events", True),
        ("/api/events/", True),
        ("POST /api/events", True),
        ("/api/*", True),
        ("POST /api/*", True),
        ("GET /api/events", False),
        ("GET /api/*", False),
        ("/api/event", False),
        ("/client/*", False),
        (lambda incoming: b"Ordered" in incoming.body, True),
        (lambda incoming: incoming.headers["revision"] < "2026", False),
    ],
)
def test_which_calls_a_fault_meets(sandbox: Sandbox, match: object, *, met: bool) -> None:
    sandbox.faults.add(Fault(500, match=match))  # type: ignore[arg-type]  # the cases are strings and functions
    assert sandbox.send(event()).status == (500 if met else 202)
    assert len(sandbox.faults) == (0 if met else 1)


def test_a_fault_for_ever(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(500, times=None, match="/api/events"))
    assert {sandbox.send(event()).status for _ in range(5)} == {500}
    assert sandbox.send(get("/api/accounts")).status == 200
    sandbox.faults.clear()
    assert not sandbox.faults
    assert sandbox.send(event()).status == 202


@pytest.mark.parametrize(
    ("option", "value"),
    [("connection", "close"), ("times", 0), ("times", -1), ("rate", 30), ("rate", -0.1), ("delay", -1.0)],
)
def test_a_fault_that_could_never_apply_as_written_is_refused(option: str, value: object) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(UsageError, match=f"^{option}: must be "):
        Fault(500, **options)


def test_the_first_fault_that_meets_a_call_happens(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(500, match="/client/*"), Fault(502), Fault(503))
    assert [sandbox.send(event()).status for _ in range(3)] == [502, 503, 202]


def statuses(seed: int) -> list[int]:
    sandbox = Sandbox(seed=seed)
    sandbox.faults.add(Fault(500, rate=0.3, times=None))
    return [sandbox.send(event()).status for _ in range(200)]


def test_faults_at_random_are_the_same_in_every_run() -> None:
    assert statuses(1) == statuses(1) != statuses(2)
    assert 30 <= statuses(1).count(500) <= 90


def flow(request: Request) -> klavier.Flow:
    response = yield request
    return (
        Outcome("delivered") if response.ok else Outcome("failed", status=response.status, retryable=response.retryable)
    )


def test_as_the_send_of_a_delivery(sandbox: Sandbox) -> None:
    track = klavier.parse_event({"type": "track", "event": "Ordered", "userId": "u1"})
    delivery = klavier.Delivery((track,), ("u1",), lambda: flow(event()))
    sandbox.faults.add(Fault.lost_reply())
    (outcome,) = deliver(delivery, sandbox.send)
    assert (outcome.kind, outcome.status, outcome.retryable) == ("failed", 0, True)
    (outcome,) = deliver(delivery, sandbox.send)
    assert outcome.kind == "delivered"
