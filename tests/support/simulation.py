"""A delivery in virtual time: a simple vendor, a Klaviyo that counts, fails and forgets as told."""

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import orjson

import klavier
from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.revisions import CURRENT
from klavier.outbox import Entry, Outbox
from klavier.outcome import Outcome, delivered, failed
from klavier.retry import RetryPolicy
from klavier.vendor import Delivery, Flow
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.translator import Translator
from klavier.worker.worker import Pace, Worker
from tests.support.klaviyo_windows import FixedWindows


class PlainVendor(klavier.Vendor):
    """identify becomes an import, track an event, group a subscription; each says the event's number.

    Every other event's flow is a `SendOne`, of which a body keeps the text alone; the others are generators.
    """

    name = "plain"

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        for event in events:
            is_object = event.payload["n"] % 2
            flow = SendOne(_request(event), failure=_refused) if is_object else partial(self._flow, event)
            yield Delivery((event,), (self.key(event),), flow, bulkable=True, lone=True)

    def _flow(self, event: Event) -> Flow:
        reply = yield _request(event)
        return delivered() if reply.ok else _refused(reply)


def _refused(reply: klavier.Response) -> Outcome:
    return failed("refused", reply.status, retryable=reply.retryable)


def _request(event: Event) -> klavier.Request:
    number = {"n": event.payload["n"]}
    person = {"type": "profile", "attributes": {"external_id": str(event.user_id)}}
    if isinstance(event, klavier.Identify):
        person["attributes"] = {"external_id": str(event.user_id), "properties": number}
        return klavier.Request("POST", "/api/profile-import", json={"data": person}, revision=CURRENT)
    if isinstance(event, klavier.Group):
        person["attributes"] = {"external_id": str(event.user_id), "properties": number}
        job = {"type": "profile-subscription-bulk-create-job", "attributes": {"profiles": {"data": [person]}}}
        path = "/api/profile-subscription-bulk-create-jobs"
        return klavier.Request("POST", path, json={"data": job}, revision=CURRENT)
    attributes = {
        "properties": number,
        "unique_id": event.stable_id,
        "metric": {"data": {"type": "metric", "attributes": {"name": "Event"}}},
        "profile": {"data": person},
    }
    body = {"data": {"type": "event", "attributes": attributes}}
    return klavier.Request("POST", "/api/events", json=body, revision=CURRENT)


class FakeKlaviyo:
    """Takes requests within its windows, `delay` seconds later than usual; `fault` may answer before it does."""

    def __init__(self, clock: Callable[[], float], *, limited: bool = True, latency: float = 0.05) -> None:
        self.clock = clock
        self.limited = limited
        self.latency = latency
        self.delay: Callable[[klavier.Request], float] = lambda _: 0.0
        self.fault: Callable[[klavier.Request], klavier.Response | None] = lambda _: None
        self.received: dict[str, list[int]] = defaultdict(list)
        self.unique: set[int] = set()
        self.calls: Counter[str] = Counter()
        self.throttled: list[float] = []
        self.windows: dict[str, FixedWindows] = {}

    async def send(self, request: klavier.Request) -> klavier.Response:
        await asyncio.sleep(self.latency + self.delay(request))
        operation = find_operation(request.method, request.path)
        assert operation is not None
        if self.limited:
            windows = self.windows.setdefault(operation.name, FixedWindows(operation.rate, phase=17.3))
            if not windows.admits(self.clock()):
                self.throttled.append(self.clock())
                return klavier.Response(429, headers={"retry-after": "1"})
        answer = self.fault(request)
        if answer is not None:
            return answer
        self.calls[operation.name] += 1
        if request.method == "GET":
            return klavier.Response(200, {"data": {"id": "J", "attributes": {"status": "complete", "failed_count": 0}}})
        for person, number in _said(request.json):
            if number not in self.unique:
                self.unique.add(number)
                self.received[person].append(number)
        return klavier.Response(202, {"data": {"id": "J"}})


def _said(body: Any) -> list[tuple[str, int]]:
    """Read person and number of every event or profile in a single or bulk body."""
    data = body["data"]
    attributes = data["attributes"]
    if "events-bulk-create" in attributes:
        rows = [row["attributes"] for row in attributes["events-bulk-create"]["data"]]
        return [_event(row["profile"], row["events"]["data"][0]["attributes"]) for row in rows]
    if "profiles" in attributes:
        return [_profile(profile) for profile in attributes["profiles"]["data"]]
    return [_profile(data)] if data["type"] == "profile" else [_event(attributes["profile"], attributes)]


def _event(profile: Any, event: Any) -> tuple[str, int]:
    return profile["data"]["attributes"]["external_id"], event["properties"]["n"]


def _profile(profile: Any) -> tuple[str, int]:
    return profile["attributes"]["external_id"], profile["attributes"]["properties"]["n"]


def fill(outbox: Outbox, events: Iterable[dict[str, Any]]) -> int:
    """Accept events, numbered; gives how many."""
    rows = (
        (f"m{n}", f"user:{event['userId']}", orjson.dumps({**event, "n": n, "messageId": f"m{n}"}))
        for n, event in enumerate(events)
    )
    count = 0
    while some := list(itertools.islice(rows, 10_000)):  # a million at once would take gigabytes
        outbox.put(some, now=0.0)
        count += len(some)
    return count


class Simulation:
    """One dispatcher on the running (virtual) loop."""

    def __init__(
        self, outbox: Outbox, *, pace: Pace | None = None, policy: RetryPolicy | None = None, **kwargs: Any
    ) -> None:
        self.clock = asyncio.get_running_loop().time
        self.klaviyo = FakeKlaviyo(self.clock, **kwargs)
        self.outbox = outbox
        self.outcomes: Counter[str] = Counter()
        self.dispatcher = Worker(
            outbox,
            Translator(PlainVendor(), klavier.Plugins()),
            Sender(self.klaviyo.send, RateLimiter(self.clock), self.clock),
            policy=policy or RetryPolicy(),
            pace=pace or Pace(),
            now=self.clock,
            observe=self._observe,
        )

    async def drain(self) -> float:
        """Deliver everything; gives the seconds it took."""
        began = self.clock()
        await self.dispatcher.run(until_empty=True)
        return self.clock() - began

    def _observe(self, _event: Event | None, _entry: Entry, outcome: Outcome) -> None:
        self.outcomes[outcome.kind] += 1
