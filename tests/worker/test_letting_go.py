"""Of events under way in a body only the text is kept: what is asked for later is made again, all else is the same."""

import asyncio
import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
import pytest

import klavier
from klavier import Delivery, Event, Request, Response, SendOne
from klavier.klaviyo.operations import usual_success
from klavier.outbox import Entry, Outbox
from klavier.outcome import Outcome
from klavier.retry import RetryPolicy
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.translator import Translator
from klavier.worker.worker import Pace, Worker
from tests.support.little_vendor import LittleSettings, LittleVendor
from tests.support.virtual_time import run_virtually

IN_BULK = Pace(combine=True, window=1000, run=100, linger=0.01)
BULK_PATH = "/api/event-bulk-create-jobs"
Send = Callable[[Request], Response]


class Little(LittleVendor):
    """Makes one request of each event, and counts how often; `later` is what it does from the second time on."""

    def __init__(self, later: Callable[[Event], Iterable[Delivery]] | None = None) -> None:
        super().__init__(LittleSettings())
        self.times: dict[str, int] = defaultdict(int)
        self.later = later

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        for event in events:
            self.times[str(event.message_id)] += 1
            if self.later is not None and self.times[str(event.message_id)] > 1:
                yield from self.later(event)
                continue
            request = next(self._one(event))
            yield Delivery((event,), (self.key(event),), SendOne(request), bulkable=True, lone=True)


class Doubling:
    """A plugin that changes events."""

    @klavier.hookimpl
    def klavier_transform_event(self, event: Event) -> Any:
        return klavier.parse_event({**event.payload, "event": "Changed"})


class Run:
    """Events of one person each, delivered through `send` until nothing waits."""

    def __init__(self, vendor: Little, send: Send, count: int = 3, plugin: object = None, **options: Any) -> None:
        self.seen: dict[int, list[tuple[Event | None, Outcome]]] = defaultdict(list)
        self.sent: list[Request] = []
        self.outbox = Outbox()
        plugins = klavier.Plugins()
        if plugin is not None:
            plugins.register(plugin)

        async def sending(request: Request) -> Response:
            self.sent.append(request)
            return send(request)

        async def main() -> None:
            clock = asyncio.get_running_loop().time
            await Worker(
                self.outbox,
                Translator(vendor, plugins),
                Sender(sending, RateLimiter(clock), clock),
                policy=RetryPolicy(tries=1),
                pace=IN_BULK,
                now=clock,
                observe=self._observe,
                **options,
            ).run(until_empty=True)

        self.outbox.put([(f"m{n}", f"user:u{n}", orjson.dumps(payload(n))) for n in range(count)], now=0.0)
        run_virtually(main())

    def _observe(self, event: Event | None, entry: Entry, outcome: Outcome) -> None:
        self.seen[entry.seq].append((event, outcome))

    @property
    def kinds(self) -> list[str]:
        assert all(len(seen) == 1 for seen in self.seen.values())
        return [self.seen[seq][0][1].kind for seq in sorted(self.seen)]


def payload(number: int) -> dict[str, Any]:
    return {"type": "track", "userId": f"u{number}", "event": "Seen", "messageId": f"m{number}"}


def refuses_the_second_row(request: Request) -> Response:
    """Refuse a body for its second row, and that row alone as well."""
    if request.path == BULK_PATH and len(request.json["data"]["attributes"]["events-bulk-create"]["data"]) > 2:
        pointer = "/data/attributes/events-bulk-create/data/1/attributes/events"
        return Response(400, {"errors": [{"code": "invalid", "detail": "bad", "source": {"pointer": pointer}}]})
    return usual_success(request)


def test_what_is_under_way_is_in_memory_as_text_alone() -> None:
    def alive() -> int:
        return sum(isinstance(each, (klavier.Track, Delivery, SendOne)) for each in gc.get_objects())

    def counts(request: Request) -> Response:
        found.append(alive())
        return usual_success(request)

    found = [alive()]
    run = Run(Little(), counts, count=200)
    assert run.kinds == ["delivered"] * 200
    before, under_way = found
    assert under_way - before < 20


def test_each_event_is_translated_once_where_all_goes_well() -> None:
    vendor = Little()
    run = Run(vendor, usual_success)
    assert [request.path for request in run.sent] == [BULK_PATH]
    assert dict(vendor.times) == {"m0": 1, "m1": 1, "m2": 1}


@pytest.mark.parametrize("shows", [True, False])
def test_observers_see_events_if_they_want_to(*, shows: bool) -> None:
    run = Run(Little(), usual_success, shows_events=lambda: shows)
    events = [run.seen[seq][0][0] for seq in sorted(run.seen)]
    assert [event and event.message_id for event in events] == (["m0", "m1", "m2"] if shows else [None] * 3)


def test_a_refused_row_is_translated_again_for_its_letter() -> None:
    vendor = Little()
    run = Run(vendor, refuses_the_second_row)
    assert run.kinds == ["delivered", "failed", "delivered"]
    assert dict(vendor.times) == {"m0": 1, "m1": 2, "m2": 1}
    (letter,) = run.outbox.dead()
    assert '"path":"/api/events"' in letter.requests.replace(" ", "")
    assert "unique_id" in letter.requests


def test_one_event_goes_by_the_vendors_own_call() -> None:
    run = Run(Little(), usual_success, count=1)
    (request,) = run.sent
    assert request.path == "/api/events"
    assert request.json["data"]["attributes"]["unique_id"] == "m0"


def test_what_plugins_changed_is_kept_as_it_was_sent() -> None:
    vendor = Little()
    run = Run(vendor, refuses_the_second_row, plugin=Doubling())
    assert set(vendor.times.values()) == {1}
    assert [getattr(run.seen[seq][0][0], "event", None) for seq in sorted(run.seen)] == ["Changed"] * 3


def nothing(_: Event) -> Iterable[Delivery]:
    return ()


def breaks(_: Event) -> Iterable[Delivery]:
    raise RuntimeError("someone@example.org")


def ends(event: Event) -> Iterable[Delivery]:
    def flow() -> klavier.Flow:
        return klavier.outcome.skipped("the second time there is nothing to say")
        yield

    yield Delivery((event,), ("key",), flow, bulkable=True, lone=True)


@pytest.mark.parametrize("later", [nothing, breaks, ends])
@pytest.mark.parametrize("count", [1, 3])
def test_a_vendor_that_says_something_else_the_second_time_loses_nothing(count: int, later: Any) -> None:
    run = Run(Little(later), refuses_the_second_row, count=count)
    assert run.kinds == (["delivered"] if count == 1 else ["delivered", "failed", "delivered"])
    paths = [request.path for request in run.sent]
    assert set(paths) == {BULK_PATH}  # a body of one row says the same as the request that cannot be made again
