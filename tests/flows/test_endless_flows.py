"""Flows that never end, or that give something else than requests: their own events fail, and nothing else."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

import klavier
from klavier import Delivery, Event, Flow, Request, Response
from klavier.flows.drivers import deliver, deliver_async
from klavier.flows.execution import MOST_REQUESTS
from klavier.outbox import SqliteOutbox
from klavier.outcome import Outcome, delivered, failed
from klavier.retry import RetryPolicy
from klavier.worker.factory import FEWEST_CALLS
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.translator import Translator
from klavier.worker.worker import Worker, WorkerOptions
from tests.support.virtual_time import run_virtually

FIT = Request("POST", "/api/profile-import", json={"data": {}}, revision="2026-10-15")
UNFIT = Request("POST", "/api/events", json={"data": "x" * 5_000_000}, revision="2026-10-15")
EVENTS = tuple(
    klavier.parse_event({"type": "track", "event": name, "messageId": name, "userId": name}) for name in "ab"
)

Drive = Callable[[Delivery, list[Request]], tuple[Outcome, ...]]


def drive(delivery: Delivery, sent: list[Request]) -> tuple[Outcome, ...]:
    def send(request: Request) -> Response:
        sent.append(request)
        return Response(202)

    return deliver(delivery, send)


def drive_async(delivery: Delivery, sent: list[Request]) -> tuple[Outcome, ...]:
    async def send(request: Request) -> Response:
        sent.append(request)
        return Response(202)

    return asyncio.run(deliver_async(delivery, send))


BOTH = pytest.mark.parametrize("run", [drive, drive_async])


def delivery_of(flow: Callable[[], Any], events: Sequence[Event] = EVENTS) -> Delivery:
    return Delivery(tuple(events), ("k",) * len(events), flow)


@BOTH
@pytest.mark.parametrize("request_", [FIT, UNFIT], ids=["sent", "refused by klavier itself"])
def test_a_flow_without_an_end_is_ended(
    run: Drive, request_: Request, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("klavier.flows.execution.MOST_REQUESTS", 50)
    closed, sent = [], list[Request]()

    def for_ever() -> Flow:
        try:
            while True:
                yield request_
        finally:
            closed.append(True)

    found = run(delivery_of(for_ever), sent)
    assert found == (failed("the vendor's flow made 50 requests and did not end"),) * 2
    assert closed == [True]
    assert len(sent) == (50 if request_ is FIT else 0)
    assert "for_ever: the vendor's flow made 50 requests" in caplog.text


@BOTH
def test_a_long_flow_is_none_without_an_end(run: Drive) -> None:
    def flow() -> Flow:
        for _ in range(MOST_REQUESTS):
            yield FIT
        return delivered()

    assert run(delivery_of(flow), []) == (delivered(),) * 2


class Odd(klavier.Vendor):
    """Its flow for `a` is at fault, that for anybody else is sound."""

    name = "odd"

    def __init__(self, given: object) -> None:
        self._given = given

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        for event in events:
            flow = self._at_fault if event.user_id == "a" else self._sound
            yield Delivery((event,), (self.key(event),), flow)

    def _at_fault(self) -> Any:
        while True:
            yield self._given

    def _sound(self) -> Flow:
        yield FIT
        return delivered()


@pytest.mark.parametrize("pace", [WorkerOptions(), FEWEST_CALLS], ids=["single", "bulk"])
@pytest.mark.parametrize(
    ("given", "reason"),
    [(FIT, "made 50 requests and did not end"), ({"email": "ada@shop.test"}, "yielded an object, not a Request")],
)
def test_a_relay_fails_their_events_and_delivers_the_others(
    given: object, reason: str, pace: WorkerOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("klavier.flows.execution.MOST_REQUESTS", 50)
    ended: dict[str, Outcome] = {}

    async def send(_: Request) -> Response:
        await asyncio.sleep(0)
        return Response(200, {"data": {}})

    async def main() -> None:
        outbox, clock, vendor = SqliteOutbox(), asyncio.get_running_loop().time, Odd(given)
        outbox.append(
            [(name, f"user:{name}", b'{"type":"track","event":"x","userId":"%c"}' % ord(name)) for name in "ab"]
        )
        await Worker(
            outbox,
            Translator(vendor, klavier.Plugins()),
            Sender(send, RateLimiter(clock), clock),
            policy=RetryPolicy(),
            options=pace,
            now=clock,
            observe=lambda _, entry, outcome: ended.update({entry.message_id: outcome}),
        ).run(until_empty=True)
        assert [letter.message_id for letter in outbox.dead_letters()] == ["a"]

    run_virtually(main())
    assert ended == {"a": failed(f"the vendor's flow {reason}"), "b": delivered()}
