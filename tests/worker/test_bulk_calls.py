"""What bulk calls may hold, and how fast their parts are sent."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from attrs import evolve

import klavier
from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.klaviyo.operations import M
from klavier.outbox import SqliteOutbox
from klavier.outcome import delivered
from klavier.retry import RetryPolicy
from klavier.vendor import Flow
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import (
    ScriptedVendor,
    Simulation,
    fill,
    import_request,
    numbers_in,
    plain_request,
    refused,
)
from tests.support.virtual_time import run_virtually

BULK = WorkerOptions(combine=True, window=10_000, run=100)
BATCHES = [1, 70]
BULK_IMPORT = "/api/profile-bulk-import-jobs"
BULK_EVENTS = "/api/event-bulk-create-jobs"


def identify(user: object) -> dict[str, Any]:
    return {"type": "identify", "userId": str(user), "traits": {}}


def group(user: object) -> dict[str, Any]:
    return {"type": "group", "userId": str(user), "groupId": "G", "traits": {}}


def track(user: object) -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": "Event"}


def options(batch: int) -> WorkerOptions:
    return evolve(BULK, batch=batch)


def sent_by(simulation: Simulation) -> list[klavier.Request]:
    """Collect what is sent from now on."""
    sent: list[klavier.Request] = []

    def note(request: klavier.Request) -> float:
        sent.append(request)
        return 0.0

    simulation.klaviyo.delay = note
    return sent


def ways_to_send(event: Event, request: klavier.Request) -> Callable[[], Flow]:
    """Every other flow is a `SendOne`, the others are generators."""
    return SendOne(request, failure=refused) if event.payload["n"] % 2 else partial(generator, request)


def generator(request: klavier.Request) -> Flow:
    reply = yield request
    return delivered() if reply.ok else refused(reply)


NULLS: dict[str, dict[str, Any]] = {
    "attribute": {"first_name": None},
    "location": {"location": {"city": None, "country": "IT"}},
    "properties": {"properties": {"n": 0, "plan": None}},
}


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("place", NULLS)
def test_a_profile_that_clears_something_is_no_part_of_a_bulk_import(place: str, batch: int) -> None:
    """Bulk import ignores nulls, while create-or-update-profile clears the field."""

    def request_of(event: Event) -> klavier.Request:
        number = event.payload["n"]
        if number % 5:
            return import_request(str(event.user_id), number)
        null = {**NULLS[place]}
        if "properties" in null:
            null["properties"] = {**null["properties"], "n": number}
        return import_request(str(event.user_id), number, **null)

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (identify(n) for n in range(50)))
        vendor = ScriptedVendor(lambda event: ways_to_send(event, request_of(event)))
        simulation = Simulation(outbox, options=options(batch), vendor=vendor)
        sent = sent_by(simulation)
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        singles = [request for request in sent if request.path == "/api/profile-import"]
        bulk = [request for request in sent if request.path == BULK_IMPORT]
        assert {number for each in singles for _, number in numbers_in(each.json)} == set(range(0, 50, 5))
        assert {number for each in bulk for _, number in numbers_in(each.json)} == set(range(50)) - set(range(0, 50, 5))
        assert all(b"null" not in each.body for each in bulk)
        assert all(b"null" in each.body for each in singles)

    run_virtually(main())


PARAMS = {"additional-fields[profile]": "subscriptions"}


def with_params(event: Event) -> klavier.Request:
    """Every third request has query parameters; groups are a call that has no bulk endpoint."""
    request = plain_request(event)
    if isinstance(event, klavier.Group):
        request = evolve_request(import_request(str(event.user_id), event.payload["n"]), path="/client/profiles")
    return evolve_request(request, params=PARAMS) if event.payload["n"] % 3 == 0 else request


def evolve_request(request: klavier.Request, **changes: Any) -> klavier.Request:
    members = {name: getattr(request, name) for name in ("method", "path", "params", "json", "revision")}
    return klavier.Request(**{**members, **changes})


@pytest.mark.parametrize("batch", BATCHES)
def test_a_request_with_query_parameters_is_sent_with_them(batch: int) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        kinds = [track, identify, group]
        count = fill(outbox, (kinds[n // 3 % 3](n) for n in range(60)))
        vendor = ScriptedVendor(lambda event: ways_to_send(event, with_params(event)))
        simulation = Simulation(outbox, options=options(batch), vendor=vendor)
        sent = sent_by(simulation)
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        parametrized = {n for each in sent if each.params == PARAMS for _, n in numbers_in(each.json)}
        assert parametrized == set(range(0, 60, 3))
        assert {each.path for each in sent} >= {BULK_EVENTS, BULK_IMPORT, "/client/profiles"}
        numbers = Counter(n for each in sent if each.method == "POST" for _, n in numbers_in(each.json))
        assert numbers == Counter(range(60))

    run_virtually(main())


def test_the_halves_of_a_refused_body_are_sent_within_the_limits() -> None:
    """Replies take no time, and every body is refused without naming a row: some hundred bodies, halved one by one."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n) for n in range(100)))
        simulation = Simulation(outbox, options=BULK, policy=RetryPolicy(tries=1), latency=0.0)
        klaviyo = simulation.klaviyo
        moments: list[float] = []

        def fault(request: klavier.Request) -> klavier.Response | None:
            if request.path != BULK_EVENTS:
                return None
            moments.append(klaviyo.clock())
            return klavier.Response(400, {"errors": [{"detail": "bad"}]})

        klaviyo.fault = fault
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert len(moments) == count - 1  # every body of two or more was sent once
        assert klaviyo.throttled == []
        assert all(later - earlier > 1 for earlier, later in zip(moments, moments[M.burst :], strict=False))

    run_virtually(main())
