"""Calls about one profile are made in the order of its events, whatever an event's flow looks like."""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import klavier
from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.outbox import SqliteOutbox
from klavier.outcome import delivered, failed
from klavier.retry import RetryPolicy
from klavier.vendor import Flow
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import (
    ScriptedVendor,
    Simulation,
    event_request,
    fill,
    import_request,
    numbers_in,
    refused,
)
from tests.support.virtual_time import run_virtually

OPTIONS = [
    pytest.param(WorkerOptions(), id="single"),
    pytest.param(WorkerOptions(combine=True, window=10_000, run=100), id="bulk"),
    pytest.param(WorkerOptions(combine=True, window=10_000, run=100, batch=70), id="bulk, together"),
]
CALLS = 3
"""How many calls a flow of several calls makes; event `n` numbers them from `10 * n`."""


def track(user: object) -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": "Event"}


def order(user: object) -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": "Order"}


def is_plain(event: Event) -> bool:
    return bool(event.payload["event"] != "Order")


def call(event: Event, number: int) -> klavier.Request:
    """The middle call of a flow is an import, the others are events."""
    user, place = str(event.user_id), 10 * event.payload["n"] + number
    return import_request(user, place) if number == 1 else event_request(user, place)


def several_calls(event: Event) -> Flow:
    for number in range(CALLS):
        reply = yield call(event, number)
        if not reply.ok:
            return refused(reply)
    return delivered()


def flow_of(event: Event) -> Callable[[], Flow]:
    return SendOne(call(event, 0), failure=refused) if is_plain(event) else partial(several_calls, event)


def expected(events: list[dict[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number, event in enumerate(events):
        found[event["userId"]] += range(10 * number, 10 * number + (CALLS if event["event"] == "Order" else 1))
    return found


EVENTS = [make(n % 9) for n in range(180) for make in ([order, track, track] if n % 4 == 0 else [track])]


def slow_at_first(request: klavier.Request) -> float:
    """Delay first calls of flows: whatever is sent too early then arrives before them."""
    return 0.7 if any(number % 10 == 0 for _, number in numbers_in(request.json)) else 0.0


@pytest.mark.parametrize("options", OPTIONS)
def test_a_plain_event_waits_for_every_call_of_the_flow_before_it(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, EVENTS)
        simulation = Simulation(outbox, options=options, vendor=ScriptedVendor(flow_of, is_plain))
        klaviyo = simulation.klaviyo
        klaviyo.delay = slow_at_first
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert klaviyo.received == expected(EVENTS)
        if options.combine:
            assert klaviyo.calls["bulk_create_events"] > 0

    run_virtually(main())


@pytest.mark.parametrize("failing", range(CALLS))
@pytest.mark.parametrize("options", OPTIONS)
def test_a_plain_event_waits_while_a_call_of_the_flow_before_it_is_retried(
    options: WorkerOptions, failing: int
) -> None:
    """Each flow's call of this number is refused twice, and the flow then starts anew."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, EVENTS)
        simulation = Simulation(outbox, options=options, vendor=ScriptedVendor(flow_of, is_plain))
        klaviyo = simulation.klaviyo
        failures: dict[int, int] = defaultdict(int)

        def fault(request: klavier.Request) -> klavier.Response | None:
            if request.method == "GET":
                return None
            refusals = [number for _, number in numbers_in(request.json) if number % 10 == failing]
            refusals = [number for number in refusals if failures[number] < 2]
            for number in refusals:
                failures[number] += 1
            return klavier.Response(503) if refusals else None

        klaviyo.fault = fault
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert klaviyo.received == expected(EVENTS)

    run_virtually(main())


@pytest.mark.parametrize("status", [401, 403, 429])
@pytest.mark.parametrize("options", OPTIONS)
def test_an_event_that_the_vendor_failed_with_a_status_that_is_no_fault_of_its_own_keeps_its_place(
    options: WorkerOptions, status: int
) -> None:
    """The vendor fails with the status alone and does not say `retryable`: later events of the profile wait."""

    def flow(event: Event) -> Flow:
        reply = yield event_request(str(event.user_id), event.payload["n"])
        return delivered() if reply.ok else failed("the vendor's own quota is used up", status)

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n % 4) for n in range(80)))
        vendor = ScriptedVendor(lambda event: partial(flow, event), lambda _: False)
        simulation = Simulation(outbox, options=options, vendor=vendor, policy=RetryPolicy(tries=1))
        klaviyo = simulation.klaviyo
        failures: dict[int, int] = defaultdict(int)

        def fault(request: klavier.Request) -> klavier.Response | None:
            refusals = [number for _, number in numbers_in(request.json) if number % 3 == 0 and failures[number] < 2]
            for number in refusals:
                failures[number] += 1
            return klavier.Response(409) if refusals else None

        klaviyo.fault = fault
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert klaviyo.received == {str(user): list(range(user, 80, 4)) for user in range(4)}
        assert outbox.dead_letters() == []

    run_virtually(main())
