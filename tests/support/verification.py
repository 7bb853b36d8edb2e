"""Accounts to verify: a day of events of some people, delivered to a sandbox by RudderStack with or without a fault."""

import asyncio
import copy
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import klavier
from klavier.comparison.snapshot import StoredEvent
from klavier.flows.drivers import deliver, plan
from klavier.sandbox import FakeClock, Sandbox
from klavier.verification.account_reader import AccountReader
from klavier.verification.clusters import Clusters, Selection
from klavier.verification.prediction import Predicting, time_of
from klavier.verification.reading import read_lists
from klavier.verification.report import Verification
from klavier.verification.sampling import choose
from klavier.verification.verify import verify
from klavier.worker.rate_limiter import RateLimiter
from tests.support.virtual_time import run_virtually

LIST = "XUepkK"
KEY = "pk_sandbox"
START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
SETTINGS = {"private_api_key": KEY, "api_version": "v3", "list_id": LIST, "consent": ["email"]}
METRICS = ("Product Viewed", "Product Added", "Order Completed", "Newsletter Opened")

Payload = dict[str, Any]
Fault = Callable[[Payload], Sequence[Payload]]
"""What a platform makes of one event before it sends it: nothing, another one, or several."""


def rudderstack() -> klavier.Vendor:
    return klavier.load_vendor("rudderstack", SETTINGS)


def day(people: int, events: int) -> list[Payload]:
    """A day of events: each person is identified, every third one subscribes, and then does something all day."""
    found = [_identify(number) for number in range(people)]
    step = timedelta(hours=12) / max(1, events)
    found += [_track(number, START + timedelta(hours=1) + number * step, people) for number in range(events)]
    return found


def _identify(number: int) -> Payload:
    traits: Payload = {
        "email": f"p{number}@shop.test",
        "firstName": f"Name {number}",
        "plan": ["free", "pro"][number % 2],
    }
    if number % 3 == 0:
        traits["properties"] = {"subscribe": True, "consent": "email"}
    return {
        "type": "identify",
        "messageId": f"i-{number}",
        "userId": f"u{number}",
        "timestamp": (START + timedelta(seconds=number)).isoformat(),
        "traits": traits,
    }


def _track(number: int, time: datetime, people: int) -> Payload:
    person = int(hashlib.sha256(str(number).encode()).hexdigest(), 16) % people
    name = METRICS[number % len(METRICS)]
    properties: Payload = {"product": f"p{number % 7}", "quantity": number % 3 + 1, "page": f"/p/{number}"}
    if name == "Order Completed":
        properties |= {"orderId": f"o-{number}", "revenue": 10 + number % 50}
    return {
        "type": "track",
        "messageId": f"m-{number}",
        "userId": f"u{person}",
        "timestamp": time.replace(microsecond=0).isoformat(),
        "event": name,
        "properties": properties,
        "context": {"traits": {"email": f"p{person}@shop.test"}},
    }


# Faults --------------------------------------------------------------------------------------------------------------


def faithful(payload: Payload) -> Sequence[Payload]:
    return [payload]


def drops_property(payload: Payload) -> Sequence[Payload]:
    if payload.get("event") == "Product Added":
        del payload["properties"]["quantity"]
    return [payload]


def renames_metric(payload: Payload) -> Sequence[Payload]:
    if payload.get("event") == "Product Viewed":
        payload["event"] = "Viewed Product"
    return [payload]


def misses_consent(payload: Payload) -> Sequence[Payload]:
    if payload["userId"] in ("u0", "u6", "u12"):
        payload.get("traits", {}).pop("properties", None)
    return [payload]


def doubles_events(payload: Payload) -> Sequence[Payload]:
    if payload.get("event") != "Order Completed":
        return [payload]
    return [payload, {**copy.deepcopy(payload), "messageId": payload["messageId"] + "-again"}]


def loses_an_hour(payload: Payload) -> Sequence[Payload]:
    is_lost = payload["type"] == "track" and datetime.fromisoformat(payload["timestamp"]).hour == 12
    return [] if is_lost else [payload]


FAULTS: dict[str, Fault] = {
    fault.__name__: fault for fault in (drops_property, renames_metric, misses_consent, doubles_events, loses_an_hour)
}


# Accounts ------------------------------------------------------------------------------------------------------------


def account(
    events: Sequence[Payload], *faults: Fault, vendor: klavier.Vendor | None = None, sandbox: Sandbox | None = None
) -> Sandbox:
    """Return an account to which a platform with some faults delivered these events."""
    sandbox = sandbox or Sandbox(clock=FakeClock())
    if LIST not in sandbox.account.lists:
        sandbox.add_list("Newsletter", LIST, "single_opt_in")
    send(sandbox, [made for payload in events for made in with_faults(payload, faults)], vendor or rudderstack())
    return sandbox


def with_faults(payload: Payload, faults: Sequence[Fault]) -> Iterator[Payload]:
    """Yield what a platform with some faults makes of one event."""
    found = [copy.deepcopy(payload)]
    for fault in faults:
        found = [made for each in found for made in fault(each)]
    yield from found


def send(sandbox: Sandbox, events: Sequence[Payload], vendor: klavier.Vendor) -> None:
    """Deliver events one by one."""
    for payload in events:
        for delivery in plan(vendor, [klavier.parse_event(payload)]):
            deliver(delivery, sandbox.send)


def lines(events: Sequence[Payload]) -> str:
    """Write events as JSON Lines."""
    return "".join(f"{json.dumps(event)}\n" for event in events)


# Verifying -----------------------------------------------------------------------------------------------------------


async def verified(  # noqa: PLR0913 -- all but the first three have defaults
    events: Sequence[Payload],
    sandbox: Sandbox,
    clock: Callable[[], float],
    *,
    vendor: klavier.Vendor | None = None,
    least_events: int | None = None,
    preselect: int | None = None,
    readers: list[AccountReader] | None = None,
    limiter: RateLimiter | None = None,
) -> Verification:
    """Verify an account in the running event loop."""

    async def send_one(request: klavier.Request) -> klavier.Response:
        assert request.method == "GET"
        return await sandbox.send_async(request)

    reader = AccountReader(send_one, limiter or RateLimiter(clock), clock)
    if readers is not None:
        readers.append(reader)
    lists = await read_lists(reader)
    predicting = Predicting(vendor or rudderstack(), None, lists, now=START.timestamp() + 86_400 * 3)
    parsed = [klavier.parse_event(copy.deepcopy(payload)) for payload in events]
    selection = None if preselect is None else select(parsed, preselect)
    for number, event in enumerate(parsed, 1):
        if selection is None or event in selection:
            predicting.add(number, event)
    prediction = predicting.finish(None if selection is None else selection.total)

    def predict_others(times: frozenset[int]) -> list[StoredEvent]:
        others = Predicting(vendor or rudderstack(), None, lists, now=START.timestamp() + 86_400 * 3)
        for number, event in enumerate(parsed, 1):
            if selection is not None and event not in selection and time_of(event) in times:
                others.add(number, event)
        return others.finish().snapshot.events

    sample = choose(prediction, least_events)
    return await verify(prediction, sample, lists, reader, predict_others=predict_others)


def select(events: Iterable[klavier.Event], least_events: int) -> Selection:
    """Choose people who have so many of these events."""
    clusters = Clusters()
    for event in events:
        clusters.add(event)
    return clusters.choose(least_events)


def check(events: Sequence[Payload], sandbox: Sandbox, **options: Any) -> Verification:
    """Verify an account in virtual time."""

    async def run() -> Verification:
        return await verified(events, sandbox, asyncio.get_running_loop().time, **options)

    return run_virtually(run())


def rows(found: Verification) -> list[tuple[str, str, str, str, int]]:
    """Return what differs: part, kind, name, other name and count."""
    return [(row.part, row.kind, row.name, row.other, row.count) for row in found.comparison.differences]
