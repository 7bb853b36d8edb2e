"""Both drivers, the plan and the rehearsal: each event has one outcome, whatever a vendor does."""

import asyncio
import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

import pytest
from attrs import evolve, frozen

import klavier
from klavier import (
    Delivery,
    Event,
    Flow,
    Outcome,
    Request,
    Response,
    TransportError,
    UsageError,
    Vendor,
    parse_event,
    rehearse,
)
from klavier.flows.drivers import deliver, deliver_async, in_order, plan
from klavier.outcome import delivered, failed, skipped

EVENTS = [parse_event({"type": "track", "event": name, "messageId": name, "userId": name}) for name in "abc"]
FIT = Request("POST", "/api/profile-import", json={"data": {}}, revision="2026-10-15")
UNFIT = Request("POST", "/api/events", json={"data": "x" * 5_000_000}, revision="2026-10-15")

Send = Callable[[Request], Response]
Drive = Callable[[Delivery, Send], tuple[Outcome, ...]]


def drive_async(delivery: Delivery, send: Send) -> tuple[Outcome, ...]:
    async def sending(request: Request) -> Response:
        await asyncio.sleep(0)
        return send(request)

    return asyncio.run(deliver_async(delivery, sending))


@pytest.fixture(params=[deliver, drive_async], ids=["sync", "async"])
def drive(request: pytest.FixtureRequest) -> Drive:
    chosen: Drive = request.param
    return chosen


def delivery_of(flow: Callable[[], Any], events: Sequence[Event] = EVENTS, *, exact: bool = False) -> Delivery:
    return Delivery(tuple(events), ("k",) * len(events), flow, exact=exact)


def accept(_: Request) -> Response:
    return Response(202, {})


def test_a_flow_is_sent_the_replies_in_turn(drive: Drive) -> None:
    replies, got = [Response(201, 1), Response(202, 2), Response(503, 3)], []

    def flow() -> Flow:
        got.extend([(yield FIT), (yield FIT), (yield FIT)])
        return [delivered(), skipped("no"), failed("x", 503)]

    script = iter(replies)
    assert drive(delivery_of(flow), lambda _: next(script)) == (delivered(), skipped("no"), failed("x", 503))
    assert got == replies


def test_one_outcome_is_every_events(drive: Drive) -> None:
    def flow() -> Flow:
        return delivered(["note"])
        yield FIT

    assert drive(delivery_of(flow), accept) == (delivered(["note"]),) * 3
    assert drive(delivery_of(flow, []), accept) == ()


def raise_at_once() -> Flow:
    raise ValueError("ada@example.com")


def raise_before_the_first_request() -> Flow:
    if EVENTS:
        raise ValueError("ada@example.com")
    yield FIT
    return delivered()


def raise_midway() -> Flow:
    yield FIT
    raise ValueError("ada@example.com")


def raise_on_stop() -> Flow:
    yield FIT
    next(iter(()))
    return delivered()


def swallow_the_end() -> Generator[Any, Response, Outcome]:
    while True:
        try:
            yield "rubbish"
        except GeneratorExit:
            yield "never ends"


def ending_with(value: Any, requests: int = 1) -> Callable[[], Any]:
    def flow() -> Generator[Request, Response, Any]:
        for _ in range(requests):
            yield FIT
        return value

    return flow


def yielding(value: Any) -> Callable[[], Any]:
    def flow() -> Generator[Any, Response, Outcome]:
        yield value
        return delivered()

    return flow


@pytest.mark.parametrize(
    ("flow", "reason"),
    [
        (raise_at_once, "the vendor raised ValueError"),
        (raise_before_the_first_request, "the vendor raised ValueError"),
        (raise_midway, "the vendor raised ValueError"),
        (raise_on_stop, "the vendor raised RuntimeError"),
        (lambda: [FIT], "the vendor raised TypeError"),
        (lambda: None, "the vendor raised TypeError"),
        (swallow_the_end, "the vendor's flow yielded a string, not a Request"),
        (yielding(None), "the vendor's flow yielded null, not a Request"),
        (yielding({"path": "ada@example.com"}), "the vendor's flow yielded an object, not a Request"),
        (yielding(Request("POST", "/api/events", json={1, 2})), "the vendor raised TypeError"),
        (ending_with(None), "the vendor's flow ended with null, not with outcomes"),
        (ending_with("abc"), "the vendor's flow ended with a string, not with outcomes"),
        (ending_with([delivered(), "x", delivered()]), "the vendor's flow ended with an array, not with outcomes"),
        (ending_with([delivered()]), "the vendor's flow returned 1 outcomes for 3 events"),
        (ending_with([delivered()] * 4), "the vendor's flow returned 4 outcomes for 3 events"),
        (ending_with([], 0), "the vendor's flow returned 0 outcomes for 3 events"),
    ],
)
def test_a_broken_flow_fails_its_events_and_nothing_else(
    drive: Drive, flow: Callable[[], Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert drive(delivery_of(flow), accept) == (failed(reason),) * 3
    assert "ada@example.com" not in caplog.text


def test_a_flow_left_midway_is_closed(drive: Drive) -> None:
    ended = []

    def flow() -> Generator[Any, Response, Outcome]:
        try:
            yield "rubbish"
        finally:
            ended.append(True)
        return delivered()

    drive(delivery_of(flow), accept)
    assert ended == [True]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TransportError("waiting for the reply timed out"), "no reply from Klaviyo: waiting for the reply timed out"),
        (RuntimeError("ada@example.com"), "no reply from Klaviyo: RuntimeError while sending"),
        (UsageError("the transport is closed"), "no reply from Klaviyo: UsageError while sending"),
    ],
)
def test_a_flow_gets_a_response_for_a_request_without_a_reply(drive: Drive, error: Exception, reason: str) -> None:
    def flow() -> Flow:
        reply = yield FIT
        assert (reply.status, reply.retryable) == (0, True)
        return failed(reply.reason, reply.status, retryable=True)

    def send(_: Request) -> Response:
        raise error

    assert drive(delivery_of(flow), send) == (failed(reason, 0, retryable=True),) * 3


def test_a_request_beyond_the_limits_is_answered_and_not_sent(drive: Drive) -> None:
    sent: list[Request] = []

    def send(request: Request) -> Response:
        sent.append(request)
        return Response(202, {})

    def flow() -> Flow:
        first = yield UNFIT
        second = yield FIT
        return failed(f"{first.status} {first.local} {second.status} {second.local}")

    assert drive(delivery_of(flow), send)[0].reason == "400 True 202 False"
    assert sent == [FIT]
    assert drive(delivery_of(flow, exact=True), send)[0].reason == "202 False 202 False"


def test_cancelling_closes_the_flow() -> None:
    ended = []

    def flow() -> Flow:
        try:
            yield FIT
        finally:
            ended.append(True)
        return delivered()

    async def never(_: Request) -> Response:
        await asyncio.sleep(60)
        raise AssertionError

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(deliver_async(delivery_of(flow), never), 0.01)

    asyncio.run(run())
    assert ended == [True]


# Plans and rehearsals


@frozen
class Behaviour(Vendor):
    """A vendor that does what it is told."""

    give: Callable[[Sequence[Event]], Any]
    name: str = "odd"

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        found: Iterable[Delivery] = self.give(events)
        return found

    def key(self, event: Event) -> str:
        raise RuntimeError(event.user_id)


def one_each(events: Sequence[Event]) -> Iterable[Delivery]:
    return (delivery_of(ending_with(skipped(str(event.message_id))), [event]) for event in events)


def midway(events: Sequence[Event]) -> Iterable[Delivery]:
    yield from one_each(events[:1])
    raise ValueError("ada@example.com")


def backwards(events: Sequence[Event]) -> Iterable[Delivery]:
    return one_each(list(reversed(events)))


def twice(events: Sequence[Event]) -> Iterable[Delivery]:
    yield from one_each(events)
    yield delivery_of(ending_with(failed("the second time")), events)


def foreign(events: Sequence[Event]) -> Iterable[Delivery]:
    stranger = parse_event({"type": "page", "messageId": "stranger"})
    return [delivery_of(ending_with([skipped("s"), *map(skipped, "abc")]), [stranger, *events])]


MADE_NONE = "vendor odd made no delivery of the event"
RAISED = "vendor odd raised {} while translating"


@pytest.mark.parametrize(
    ("give", "reasons"),
    [
        (one_each, ["a", "b", "c"]),
        (backwards, ["a", "b", "c"]),
        (twice, ["a", "b", "c"]),
        (foreign, ["a", "b", "c"]),
        (midway, ["a", RAISED.format("ValueError"), RAISED.format("ValueError")]),
        (lambda _: [], [MADE_NONE] * 3),
        (lambda events: one_each(events[1:]), [MADE_NONE, "b", "c"]),
        (lambda _: None, [RAISED.format("TypeError")] * 3),
        (lambda _: 1 / 0, [RAISED.format("ZeroDivisionError")] * 3),
        (lambda events: [*one_each(events[:2]), "rubbish"], ["a", "b", RAISED.format("AttributeError")]),
        (
            lambda events: [evolve(delivery, keys=()) for delivery in one_each(events)],
            ["vendor odd returned 0 keys for 1 events"] * 3,
        ),
    ],
)
def test_every_event_has_one_outcome(give: Callable[[Sequence[Event]], Any], reasons: list[str]) -> None:
    found = rehearse(Behaviour(give), EVENTS)
    assert [outcome.reason for outcome in found.outcomes] == reasons
    assert {outcome.kind for outcome in found.outcomes} <= {"skipped", "rejected"}


def test_events_may_be_repeated_or_absent() -> None:
    a, b, _ = EVENTS
    same = parse_event(a.payload)
    assert [o.reason for o in rehearse(Behaviour(one_each), [a, b, a, same]).outcomes] == ["a", "b", "a", "a"]
    assert [o.kind for o in rehearse(Behaviour(lambda _: ()), [a, a]).outcomes] == ["rejected", "rejected"]
    assert rehearse(Behaviour(one_each), []).outcomes == []
    assert [o.reason for o in rehearse(Behaviour(one_each), iter(EVENTS)).outcomes] == ["a", "b", "c"]


def test_a_broken_translation_is_logged_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        rehearse(Behaviour(midway), EVENTS)
    assert "vendor odd raised ValueError while translating" in caplog.text
    assert "ada@example.com" not in caplog.text


def test_the_first_outcome_of_an_event_stands() -> None:
    a, b, _ = EVENTS
    first, second = delivery_of(ending_with(None), [a, b]), delivery_of(ending_with(None), [b])
    outcomes = [(first, (skipped("1"), skipped("2"))), (second, (skipped("3"),))]
    assert [outcome.reason for outcome in in_order([b, a, b], outcomes)] == ["2", "1", "2"]


def test_replies_are_given_in_turn_and_then_the_usual_ones() -> None:
    def give(events: Sequence[Event]) -> Iterable[Delivery]:
        def flow() -> Flow:
            first = yield FIT
            second = yield FIT
            return failed(f"{first.status} {second.status}")

        return [delivery_of(flow, events)]

    found = rehearse(Behaviour(give), EVENTS[:1], [Response(503)])
    assert found.outcomes[0].reason == "503 201"
    assert found.requests == [FIT, FIT]
    assert rehearse(Behaviour(give), EVENTS[:1], iter([])).outcomes[0].reason == "201 201"


def test_browser_calls_are_collected_in_order() -> None:
    def give(events: Sequence[Event]) -> Iterable[Delivery]:
        return [
            evolve(delivery, browser_calls=(["track", delivery.events[0].message_id],)) for delivery in one_each(events)
        ]

    assert rehearse(Behaviour(give), EVENTS).browser_calls == [["track", "a"], ["track", "b"], ["track", "c"]]


@pytest.mark.parametrize(
    ("vendor", "events", "replies", "words"),
    [
        ("rudderstack", EVENTS, None, "vendor: must be a vendor as klavier.load_vendor returns it, not a string"),
        (Behaviour(one_each), [EVENTS[0], {"type": "track"}], None, "events: number 1 is an object, not an event"),
        (Behaviour(one_each), {"type": "track"}, None, "events: number 0 is a string, not an event"),
        (Behaviour(one_each), EVENTS[0], None, "events: must be a list of events, not a Python Track"),
        (Behaviour(one_each), EVENTS, [Response(202), {"status": 202}], "replies: number 1 is an object, not"),
    ],
)
def test_what_is_mixed_up_is_named(vendor: Any, events: Any, replies: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        rehearse(vendor, events, replies)


def test_a_plan_is_complete_when_it_is_returned() -> None:
    deliveries = plan(Behaviour(midway), EVENTS)
    assert isinstance(deliveries, list)  # no generator, which a caller that needs the first delivery would leave open
    assert [delivery.events for delivery in deliveries] == [(event,) for event in EVENTS]


def test_the_vendors_of_the_world_are_rehearsed_alike() -> None:
    for name in ("freshpaint", "rudderstack", "segment-actions", "segment-classic"):
        vendor = klavier.load_vendor(name, {**KEYS[name]})
        assert len(rehearse(vendor, [*EVENTS, *EVENTS]).outcomes) == 6


KEYS = {
    "freshpaint": {"public_api_key": "AbC123", "private_api_key": "pk_x"},
    "rudderstack": {"private_api_key": "pk_x"},
    "segment-actions": {"api_key": "pk_x"},
    "segment-classic": {"api_key": "AbC123", "private_key": "pk_x"},
}
