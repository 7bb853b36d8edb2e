"""Circuits, slow endpoints and the sender by themselves, reply by reply."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from klavier import Request, Response
from klavier.errors import TransportError
from klavier.worker.alerts import Alerts
from klavier.worker.circuits import Circuits
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.slow_endpoints import SLOW_SECONDS, SlowEndpoints
from tests.support.clocks import Clock
from tests.support.virtual_time import VirtualLoop, run_virtually

EVENT = Request("POST", "/api/events", json={})
PROFILE = Request("POST", "/api/profile-import", json={})
EVENTS, PROFILES = "create_event", "create_or_update_profile"
"""The names of their endpoints."""
NAMED = Response(400, {"errors": [{"source": {"pointer": "/data/attributes/email"}}]})
"""A refusal that names something in the body: the event's fault."""
UNNAMED = Response(400, {"errors": [{"detail": "revision is retired"}]})


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO)

    def take() -> list[str]:
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return found

    return take


def circuits(clock: Clock, *, holds_back: bool = True) -> Circuits:
    return Circuits(clock, Alerts(logging.getLogger("klavier.test"), clock), holds_back=holds_back)


def state(found: Circuits, endpoint: str = EVENTS) -> tuple[float, bool]:
    return found.wait(endpoint), found.is_failing(endpoint)


CLOSED, OPEN = (0.0, False), (1.0, True)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_holds_back_its_endpoint_at_once(clock: Clock, status: int) -> None:
    found = circuits(clock)
    found.update(EVENTS, Response(status))
    assert (state(found), state(found, PROFILES)) == (OPEN, CLOSED)
    assert found.open_endpoints() == {"create_event": 1.0}
    assert found.wait("create_event") == found.probe_wait("create_event") == 1.0
    assert (found.wait("unknown"), found.probe_wait("unknown")) == (0.0, None)
    assert not found.permit_probe("create_event")
    clock.now += 1.0
    assert found.permit_probe("create_event")
    assert not found.permit_probe("unknown")
    assert found.wait("create_event") == 0.0
    found.acquire(EVENTS)
    assert found.wait("create_event") == 2.0
    found.update(EVENTS, Response(202))
    assert (state(found), found.probe_wait("create_event"), found.open_endpoints()) == (CLOSED, None, {})


def test_a_key_that_no_endpoint_accepts_pauses_the_account(clock: Clock, messages: Callable[[], list[str]]) -> None:
    found = circuits(clock)
    found.update(EVENTS, Response(401))
    clock.now += 0.25
    found.update(PROFILES, Response(401))
    assert found.pause_reason == "Klaviyo does not accept the private key (401)"
    assert found.paused == 0.75
    assert len(messages()) == 1
    clock.now += 60.0
    found.update(PROFILES, Response(202))
    assert (found.paused, found.pause_reason) == (0.0, "")
    assert any("accepts the key again" in message for message in messages())
    found.update(EVENTS, Response(401))  # a reply that was under way: others go on
    assert found.pause_reason == ""
    assert ["create_event: Klaviyo does not accept the private key for it (401)" in m for m in messages()] == [True]


@pytest.mark.parametrize("reply", [Response(503), Response(0, problem="reset"), Response(408)])
def test_so_many_failures_in_a_row_hold_an_endpoint_back(clock: Clock, reply: Response) -> None:
    found = circuits(clock)
    for other in (Response(202), NAMED, UNNAMED):
        for _ in range(9):
            found.update(EVENTS, reply)
        found.update(EVENTS, other)
    for _ in range(9):
        found.update(EVENTS, reply)
    assert state(found) == CLOSED
    found.update(EVENTS, Response.refusal("klavier's own"))
    found.update(EVENTS, reply)
    assert (state(found), state(found, PROFILES)) == (OPEN, CLOSED)
    assert (found.paused, found.pause_reason) == (0.0, "")


def test_failures_are_logged_with_what_failed_last(clock: Clock, messages: Callable[[], list[str]]) -> None:
    found = circuits(clock)
    for _ in range(10):
        found.update(EVENTS, Response(503))
        found.update(PROFILES, Response(0, problem="connection reset"))
    first, second, third = messages()
    assert first.startswith("Klaviyo is unreachable: connection reset; trying again")
    assert second.startswith("create_event: 10 requests in a row failed (status 503); its events wait")
    assert "10 requests in a row failed (connection reset)" in third
    clock.now += 60.0
    found.update(EVENTS, Response(500))
    (again,) = messages()
    assert "10 requests in a row failed (status 500)" in again
    assert again.endswith("(1 times since the last line)")
    clock.now += 60.0
    for endpoint in (EVENTS, PROFILES):
        found.update(endpoint, Response(202))
    found_messages = messages()
    assert "Klaviyo answers again" in found_messages
    assert sum("answers again, its events are sent" in message for message in found_messages) == 2


def test_only_429_for_long_holds_an_endpoint_back(clock: Clock, messages: Callable[[], list[str]]) -> None:
    found = circuits(clock)
    for _ in range(20):
        found.update(EVENTS, Response(429))
        clock.now += 0.24
    assert state(found) == CLOSED
    found.update(EVENTS, Response(202))
    for _ in range(9):
        found.update(EVENTS, Response(429))
        clock.now += 10.0
    assert state(found) == CLOSED
    found.update(EVENTS, Response(429))
    assert state(found) == OPEN
    (message,) = messages()
    assert message.startswith("create_event: nothing but 429 for 5 s; its events wait, one is tried every 25 s")


def test_only_refusals_that_name_nothing_pause_the_account(clock: Clock, messages: Callable[[], list[str]]) -> None:
    found = circuits(clock)
    for reply in (Response(202), NAMED):
        for _ in range(19):
            found.update(EVENTS, UNNAMED)
        found.update(PROFILES, reply)
    for _ in range(19):
        found.update(EVENTS, UNNAMED)
    assert state(found) == CLOSED
    found.update(PROFILES, UNNAMED)
    assert (state(found), state(found, PROFILES)) == (CLOSED, OPEN)
    assert found.pause_reason == "Klaviyo refuses everything (status 400)"
    assert found.paused == 1.0
    assert [message.partition(";")[0] for message in messages()] == ["Klaviyo refuses everything (status 400)"]
    found.update(EVENTS, Response(202))
    assert found.pause_reason == ""
    clock.now += 60.0
    found.update(PROFILES, UNNAMED)  # the probe: this endpoint still refuses everything
    assert found.is_failing(PROFILES)
    assert [message.partition(";")[0] for message in messages()] == [
        "create_or_update_profile: refuses everything (status 400)"
    ]
    found.update(PROFILES, Response(202))
    assert state(found, PROFILES) == CLOSED


def test_a_run_that_holds_nothing_back_knows_what_fails(clock: Clock, messages: Callable[[], list[str]]) -> None:
    found = circuits(clock, holds_back=False)
    found.update(EVENTS, Response(401))
    assert state(found) == (0.0, True)
    assert (found.paused, found.pause_reason, found.open_endpoints()) == (0.0, "", {})
    assert (found.wait("create_event"), found.probe_wait("create_event")) == (0.0, None)
    assert messages() == ["Klaviyo does not accept the private key (401)"]


def test_an_endpoint_is_slow_while_its_oldest_request_is_overdue(
    clock: Clock, messages: Callable[[], list[str]]
) -> None:
    slow = SlowEndpoints(clock, Alerts(logging.getLogger("klavier.test"), clock))
    assert slow.wait is None
    first = slow.start("events")
    clock.now += 1.0
    second = slow.start("events")
    slow.start("profiles")
    assert slow.wait == SLOW_SECONDS - 1.0
    clock.now += SLOW_SECONDS - 1.0
    assert (list(slow), slow.overdue) == ([], 0)
    slow.update()
    assert (list(slow), slow.overdue, "events" in slow, "profiles" in slow) == (["events"], 1, True, False)
    assert slow.wait == 1.0
    slow.update()
    (message,) = messages()
    assert message.startswith("events: no reply for 5 s; ")
    clock.now += 1.0
    assert slow.overdue == 2
    slow.update()
    assert sorted(slow) == ["events", "profiles"]
    assert slow.wait is None
    messages()
    slow.end("events", first)
    assert "events" in slow
    slow.end("events", second)
    assert list(slow) == ["profiles"]
    assert messages() == []
    clock.now += 60.0
    slow.end("events", slow.start("events"))
    assert messages() == ["events: answers in time again"]


class Replies:
    """Sends by a list of replies or errors, each some seconds later."""

    def __init__(self, *replies: Response | Exception, seconds: float = 0.0) -> None:
        self.replies = list(replies)
        self.seconds = seconds
        self.moments: list[float] = []

    async def __call__(self, _: Request) -> Response:
        self.moments.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


def sender(replies: Replies, connections: int = 2) -> Sender:
    clock = asyncio.get_running_loop().time
    return Sender(replies, RateLimiter(clock), clock, connections=connections)


def throttled(seconds: object) -> Response:
    return Response(429, headers={"retry-after": str(seconds)})


def test_a_request_that_is_throttled_is_sent_a_few_times() -> None:
    async def main() -> None:
        replies = Replies(throttled(2))
        assert (await sender(replies).send(EVENT)).status == 429
        assert replies.moments == [0.0, 2.0, 4.0, 6.0, 8.0]
        replies = Replies(throttled(5), Response(202))
        found = sender(replies)
        assert (await found.send(EVENT)).status == 202
        assert found.blocked_endpoint(EVENT) == ""

    run_virtually(main())


def test_a_long_hold_blocks_an_endpoint_instead() -> None:
    async def main() -> None:
        replies = Replies(throttled(6))
        found = sender(replies)
        assert (await found.send(EVENT)).status == 429
        assert len(replies.moments) == 1
        assert found.blocked_endpoint(EVENT) == "create_event"
        assert found.blocked_endpoint(PROFILE) == ""
        assert found.is_failing(EVENT)
        assert (found.release_wait("create_event"), found.permits("create_event")) == (6.0, 0)
        assert not found.can_send(EVENT)
        assert (await found.send(EVENT)).problem == "not sent: the endpoint is paused"
        assert found.open_endpoints() == {}
        await asyncio.sleep(1.0)
        assert found.release_wait("create_event") == 0.0  # what is left of it is waited out in place
        assert (found.permits("create_event"), found.blocked_endpoint(EVENT)) == (None, "")

    run_virtually(main())


@pytest.mark.parametrize(("seconds", "shown"), [(60, False), (61, True)])
def test_a_hold_that_is_longer_than_klaviyos_windows_is_reported(
    messages: Callable[[], list[str]], seconds: int, *, shown: bool
) -> None:
    async def main() -> None:
        replies = Replies(throttled(seconds), Response(202))
        found = sender(replies)
        await found.send(EVENT)
        assert found.open_endpoints() == ({"create_event": float(seconds)} if shown else {})
        assert len(messages()) == shown
        await asyncio.sleep(70.0)
        assert (await found.send(EVENT)).status == 202
        assert ["lets its requests through again" in message for message in messages()] == [True] * shown

    run_virtually(main())


def test_an_open_circuit_permits_one_probe() -> None:
    async def main() -> None:
        found = sender(Replies(Response(403)))
        assert (await found.send(EVENT)).status == 403
        assert found.is_failing(EVENT)
        assert (found.release_wait("create_event"), found.permits("create_event")) == (1.0, 0)
        assert (await found.send(EVENT)).status == 0
        await asyncio.sleep(1.0)
        assert (found.permits("create_event"), found.permits("create_event")) == (1, 0)
        assert found.try_acquire(EVENT)
        assert not found.try_acquire(EVENT)
        assert found.in_flight == 1
        await found.send(EVENT, acquired=True)
        assert found.in_flight == 0

    run_virtually(main())


def test_an_open_circuit_permits_no_probe_before_a_long_hold_ends() -> None:
    async def main() -> None:
        found = sender(Replies(Response(403), throttled(3600), Response(202)))
        await found.send(EVENT)
        await asyncio.sleep(1.0)
        assert found.permits("create_event") == 1
        assert (await found.send(EVENT)).status == 429
        await asyncio.sleep(100.0)
        assert (found.release_wait("create_event"), found.permits("create_event")) == (3500.0, 0)
        await asyncio.sleep(3500.0)
        assert found.permits("create_event") == 1

    run_virtually(main())


def test_what_sending_raises_is_no_reply() -> None:
    async def main() -> None:
        found = sender(Replies(TransportError("reset"), RuntimeError("secret")))
        assert (await found.send(EVENT)).problem == "reset"
        assert (await found.send(EVENT)).problem == "RuntimeError while sending"
        assert found.in_flight == 0

    run_virtually(main())


def test_a_request_waits_for_a_connection_and_what_is_overdue_occupies_none() -> None:
    async def main() -> None:
        replies = Replies(Response(202), seconds=2.0)
        found = sender(replies, connections=1)
        assert found.slow_wait is None
        await asyncio.gather(found.send(EVENT), found.send(EVENT))
        assert replies.moments == [0.0, pytest.approx(2.0, abs=0.06)]
        replies.seconds = 20.0
        hanging = asyncio.create_task(found.send(EVENT))
        await asyncio.sleep(0)
        assert not found.has_connection
        assert found.slow_wait == SLOW_SECONDS
        await asyncio.sleep(SLOW_SECONDS)
        found.update_slow()
        assert found.has_connection
        assert not found.can_send(EVENT)
        assert not found.try_acquire(EVENT)
        assert found.can_send(PROFILE)
        assert found.blocked_endpoint(EVENT) == "create_event"
        assert (found.release_wait("create_event"), found.permits("create_event")) == (None, 0)
        assert found.open_endpoints() == {"create_event": 0.0}
        assert (await hanging).status == 202
        assert found.can_send(EVENT)

    run_virtually(main())


def test_a_request_that_follows_another_waits_for_a_slow_endpoint() -> None:
    async def main() -> VirtualLoop:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        replies = Replies(Response(202), seconds=20.0)
        found = sender(replies)
        hanging = asyncio.create_task(found.send(EVENT))
        await asyncio.sleep(SLOW_SECONDS)
        found.update_slow()
        replies.seconds = 0.0
        assert (await found.send(EVENT)).status == 202
        assert hanging.done()
        assert replies.moments == [0.0, pytest.approx(20.0, abs=0.06)]
        return loop

    assert run_virtually(main()).wakeups < 400  # it looks twenty times a second
