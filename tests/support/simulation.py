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
from klavier.outbox import Entry, SqliteOutbox
from klavier.outcome import Outcome, delivered, failed
from klavier.retry import RetryPolicy
from klavier.vendor import Delivery, Flow
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.translator import Translator
from klavier.worker.worker import Worker, WorkerOptions
from tests.support.klaviyo_windows import FixedWindows


class PlainVendor(klavier.Vendor):
    """identify becomes an import, track an event, group a subscription; each request holds the event's number.

    Every other event's flow is a `SendOne`, the others are generators.
    """

    name = "plain"

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        for event in events:
            is_object = event.payload["n"] % 2
            flow = SendOne(plain_request(event), failure=refused) if is_object else partial(self._flow, event)
            yield Delivery((event,), (self.key(event),), flow, bulkable=True, single_request=True)

    def _flow(self, event: Event) -> Flow:
        reply = yield plain_request(event)
        return delivered() if reply.ok else refused(reply)


class ScriptedVendor(klavier.Vendor):
    """A vendor whose deliveries a test writes: `flow_of` returns the flow of one event.

    `is_single` returns whether an event's flow makes one request only.
    """

    name = "scripted"

    def __init__(
        self, flow_of: Callable[[Event], Callable[[], Flow]], is_single: Callable[[Event], bool] = lambda _: True
    ) -> None:
        self._flow_of = flow_of
        self._is_single = is_single

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        for event in events:
            flow, is_single = self._flow_of(event), self._is_single(event)
            yield Delivery((event,), (self.key(event),), flow, bulkable=True, single_request=is_single)


def refused(reply: klavier.Response) -> Outcome:
    """Return the outcome of an event whose request was refused."""
    return failed("refused", reply.status, retryable=reply.retryable)


def plain_request(event: Event) -> klavier.Request:
    """Return the one request that the plain vendor makes of an event."""
    user, number = str(event.user_id), event.payload["n"]
    if isinstance(event, klavier.Identify):
        return import_request(user, number)
    if isinstance(event, klavier.Group):
        return subscribe_request(user, number)
    return event_request(user, number)


def event_request(user: str, number: int, unique_id: str | None = None) -> klavier.Request:
    """Return a create-event request of a profile; `unique_id` is `m` and the number by default."""
    attributes = {
        "properties": {"n": number},
        "unique_id": unique_id or f"m{number}",
        "metric": {"data": {"type": "metric", "attributes": {"name": "Event"}}},
        "profile": {"data": {"type": "profile", "attributes": {"external_id": user}}},
    }
    body = {"data": {"type": "event", "attributes": attributes}}
    return klavier.Request("POST", "/api/events", json=body, revision=CURRENT)


def import_request(user: str, number: int, **attributes: Any) -> klavier.Request:
    """Return a create-or-update-profile request; `attributes` are added to the profile's."""
    every = {"external_id": user, "properties": {"n": number}, **attributes}
    body = {"data": {"type": "profile", "attributes": every}}
    return klavier.Request("POST", "/api/profile-import", json=body, revision=CURRENT)


def subscribe_request(user: str, number: int) -> klavier.Request:
    """Return a bulk-subscribe request of one profile."""
    profile = {"type": "profile", "attributes": {"external_id": user, "properties": {"n": number}}}
    job = {"type": "profile-subscription-bulk-create-job", "attributes": {"profiles": {"data": [profile]}}}
    path = "/api/profile-subscription-bulk-create-jobs"
    return klavier.Request("POST", path, json={"data": job}, revision=CURRENT)


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
        for person, number in numbers_in(request.json):
            if number not in self.unique:
                self.unique.add(number)
                self.received[person].append(number)
        return klavier.Response(operation.success[0], {"data": {"id": "J"}})


def numbers_in(body: Any) -> list[tuple[str, int]]:
    """Read user and number of every event or profile in a single or bulk body; a call without a body has none."""
    if body is None:
        return []
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


def fill(outbox: SqliteOutbox, events: Iterable[dict[str, Any]], first: int = 0) -> int:
    """Accept events, numbered from `first`; returns how many."""
    rows = (
        (f"m{n}", f"user:{event['userId']}", orjson.dumps({**event, "n": n, "messageId": f"m{n}"}))
        for n, event in enumerate(events, first)
    )
    count = 0
    while some := list(itertools.islice(rows, 10_000)):  # a million at once would take gigabytes
        outbox.append(some, now=0.0)
        count += len(some)
    return count


class Simulation:
    """One worker on the running (virtual) loop.

    `ended` holds each event with its final outcome, in the order in which the observer was called. `now` returns Unix
    seconds; by default they are those of the loop.
    """

    def __init__(  # noqa: PLR0913 -- every part of it may be chosen
        self,
        outbox: SqliteOutbox,
        *,
        options: WorkerOptions | None = None,
        policy: RetryPolicy | None = None,
        vendor: klavier.Vendor | None = None,
        plugins: klavier.Plugins | None = None,
        own_loop: bool = False,
        now: Callable[[], float] | None = None,
        **kwargs: Any,
    ) -> None:
        self.clock = asyncio.get_running_loop().time
        self.klaviyo = FakeKlaviyo(self.clock, **kwargs)
        self.outbox = outbox
        self.outcomes: Counter[str] = Counter()
        self.ended: list[tuple[Event | None, Outcome]] = []
        self.sender = Sender(self.klaviyo.send, RateLimiter(self.clock), self.clock)
        self.worker = Worker(
            outbox,
            Translator(vendor or PlainVendor(), plugins or klavier.Plugins()),
            self.sender,
            policy=policy or RetryPolicy(),
            options=options or WorkerOptions(),
            now=now or self.clock,
            observe=self._observe,
            own_loop=own_loop,
        )

    async def drain(self) -> float:
        """Deliver everything; returns the seconds it took."""
        began = self.clock()
        await self.worker.run(until_empty=True)
        return self.clock() - began

    def start(self) -> "asyncio.Task[None]":
        """Deliver in a task until `stop`."""
        return asyncio.create_task(self.worker.run(until_empty=False))

    def accept(self, events: Iterable[dict[str, Any]], first: int = 0) -> int:
        """Accept more events while the delivery runs, numbered from `first`; returns how many."""
        count = fill(self.outbox, events, first)
        self.worker.notify()
        return count

    def stop(self) -> None:
        """Finish what is in flight, start nothing more."""
        self.worker.stop()

    def _observe(self, event: Event | None, _entry: Entry, outcome: Outcome) -> None:
        self.outcomes[outcome.kind] += 1
        self.ended.append((event, outcome))
