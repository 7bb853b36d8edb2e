"""A run over lines through the worker, in vendor mode and in bulk: one result for each line, in order."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

import klavier
from klavier.klaviyo.operations import usual_success
from klavier.outcome import skipped
from klavier.plugins import Plugins
from klavier.sandbox import Sandbox
from klavier.streams import line_queue
from klavier.streams import run as stream_run
from klavier.streams.lines import Line
from klavier.streams.run import StreamRun
from klavier.worker.factory import FEWEST_CALLS
from klavier.worker.worker import WorkerOptions
from tests.support.little_vendor import LittleSettings, LittleVendor
from tests.support.streams import BATCHED, BULK, EVERY_MODE, VENDOR, Bulkable, Klaviyo, kinds, lines, run, stream, track


def test_many_events_share_a_request_in_bulk() -> None:
    klaviyo = Klaviyo()
    results = run(klaviyo, *(track(f"u{number}") for number in range(500)))
    assert kinds(results) == ["delivered"] * 500
    assert [request.path for request in klaviyo.requests] == ["/api/event-bulk-create-jobs"]


def test_each_event_has_its_own_request_in_vendor_mode() -> None:
    klaviyo = Klaviyo()
    results = run(klaviyo, *(track(f"u{number}") for number in range(50)), options=VENDOR)
    assert kinds(results) == ["delivered"] * 50
    assert [request.path for request in klaviyo.requests] == ["/api/events"] * 50


@EVERY_MODE
def test_one_result_for_each_line_in_order(options: WorkerOptions) -> None:
    payloads = [track("u1"), b"nonsense", {"type": "page"}, track(""), track("u2", "Explode"), track("u1"), b"[]"]
    results = run(Klaviyo(), *payloads, options=options)
    assert [result.line.number for result in results] == [1, 2, 3, 4, 5, 6, 7]
    assert kinds(results) == ["delivered", "rejected", "skipped", "rejected", "failed", "delivered", "rejected"]
    assert results[1].cause.startswith("not JSON")
    assert [None if result.event is None else result.event.type for result in results] == [
        "track",
        None,
        "page",
        "track",
        "track",
        "track",
        None,
    ]
    assert "someone@example.com" not in str(results)


@EVERY_MODE
def test_a_line_that_could_not_be_read_is_rejected(options: WorkerOptions) -> None:
    found = stream(Klaviyo(), options)
    (result,) = found.run([Line("x", 7, b"", 0, "too long; shorten it")])
    assert (result.outcome.kind, result.cause) == ("rejected", "too long; shorten it")
    assert result.outcome.reason == "x line 7: too long; shorten it"


def test_profiles_are_delivered_side_by_side_but_each_profiles_events_in_order() -> None:
    in_flight, most, order = 0, 0, []

    class Slow(Klaviyo):
        async def send(self, request: klavier.Request) -> klavier.Response:
            nonlocal in_flight, most
            in_flight += 1
            most = max(most, in_flight)
            for _ in range(3):
                await asyncio.sleep(0)
            in_flight -= 1
            attributes = request.json["data"]["attributes"]
            order.append((attributes["profile"]["data"]["attributes"]["external_id"], attributes["unique_id"]))
            return usual_success(request)

    payloads = [track(f"u{number % 5}", messageId=f"{number:03}") for number in range(60)]
    assert kinds(list(stream(Slow(), VENDOR).run(lines(*payloads)))) == ["delivered"] * 60
    assert 1 < most <= VENDOR.connections
    for user in range(5):
        ids = [found for profile, found in order if profile == f"u{user}"]
        assert ids == sorted(ids)
        assert len(ids) == 12


class Reader:
    """A plugin that reads a format of its own, and counts how often it does."""

    def __init__(self) -> None:
        self.reads = 0

    @klavier.hookimpl
    def klavier_read_event(self, payload: dict[str, Any]) -> klavier.Event:
        self.reads += 1
        return klavier.parse_event(track(payload["who"]))


def test_a_line_is_parsed_once_however_often_its_event_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_run, "FIRST_DELAY", 0.001)
    plugins, counter = Plugins(), Reader()
    plugins.register(counter, "reader")
    klaviyo = Klaviyo(503)
    run(klaviyo, {"who": "u1"}, {"who": "u2"}, options=VENDOR, plugins=plugins)
    assert len(klaviyo.requests) > 2
    assert counter.reads == 2


@pytest.fixture
def capacity(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set the capacity to so many lines."""

    def set_lines(lines: int) -> None:
        monkeypatch.setattr(line_queue, "PER_BYTE", 0)
        monkeypatch.setattr(line_queue, "CAPACITY", lines * line_queue.PER_LINE)

    return set_lines


@EVERY_MODE
def test_every_line_has_its_result_however_small_the_capacity_is(
    capacity: Callable[[int], None], options: WorkerOptions
) -> None:
    capacity(7)
    klaviyo = Klaviyo()
    results = run(klaviyo, *(track(f"u{number}") for number in range(20)), options=options)
    assert kinds(results) == ["delivered"] * 20
    assert len(klaviyo.requests) == (3 if options is BULK else 20)


@EVERY_MODE
def test_no_more_lines_are_read_than_there_is_capacity_for(
    capacity: Callable[[int], None], options: WorkerOptions
) -> None:
    capacity(40)
    read = 0

    def endless() -> Iterator[Line]:
        nonlocal read
        while True:
            read += 1
            yield Line("x", read, json.dumps(track(f"u{read}")).encode())

    results = stream(Klaviyo(), options).run(endless())
    for _ in range(200):
        next(results)
    assert read <= 200 + 40
    results.close()  # type: ignore[attr-defined]  # a generator has it


def test_bodies_are_full_though_the_capacity_is_no_multiple_of_one(capacity: Callable[[int], None]) -> None:
    capacity(2_500)
    klaviyo = Klaviyo()
    results = list(stream(klaviyo, FEWEST_CALLS).run(lines(*(track(f"u{number}") for number in range(10_000)))))
    assert kinds(results) == ["delivered"] * 10_000
    assert len(klaviyo.requests) == 10


def test_lines_use_capacity_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_queue, "PER_BYTE", 10**6)
    klaviyo = Klaviyo()
    assert kinds(run(klaviyo, track("u1"), track("u2"))) == ["delivered"] * 2
    assert len(klaviyo.requests) == 2


@EVERY_MODE
def test_nothing_is_in_flight_while_a_line_is_waited_for(options: WorkerOptions) -> None:
    results: list[str] = []
    seen: list[int] = []

    def slow() -> Iterator[Line]:
        for line in lines(*(track(f"u{number}") for number in range(12))):
            seen.append(len(results))
            yield line

    def is_ready() -> bool:
        """Five lines come together, then the next five."""
        return len(seen) % 5 != 0

    results.extend(result.outcome.kind for result in stream(Klaviyo(), options, is_ready=is_ready).run(slow()))
    assert results == ["delivered"] * 12
    assert seen == [0] * 5 + [5] * 5 + [10] * 2


def test_lines_that_come_are_delivered_while_another_event_waits_for_its_retry() -> None:
    """The first profile's request has no reply until the second profile's line came and was sent."""
    ready = False

    class Waiting(Klaviyo):
        async def send(self, request: klavier.Request) -> klavier.Response:
            nonlocal ready
            self.requests.append(request)
            if len(self.requests) == 1:
                ready = True
                while len(self.requests) < 2:  # noqa: ASYNC110 -- no event to wait for: the test is what it waits for
                    await asyncio.sleep(0.001)
            return usual_success(request)

    klaviyo = Waiting()
    results = list(stream(klaviyo, VENDOR, is_ready=lambda: ready).run(lines(track("u1"), track("u2"))))
    assert kinds(results) == ["delivered"] * 2


@EVERY_MODE
def test_an_error_in_reading_is_raised_after_the_results_of_the_lines_before(options: WorkerOptions) -> None:
    def broken() -> Iterator[Line]:
        yield from lines(track("u1"), b"nonsense", track("u2"))
        raise klavier.UsageError("the file is gone")

    klaviyo = Klaviyo()
    results: list[Any] = []
    with pytest.raises(klavier.UsageError, match="gone"):
        results.extend(stream(klaviyo, options).run(broken()))
    assert kinds(results) == ["delivered", "rejected", "delivered"]
    assert not klaviyo.is_open


@EVERY_MODE
def test_closing_the_results_closes_the_transport(options: WorkerOptions) -> None:
    klaviyo = Klaviyo()
    results = stream(klaviyo, options).run(lines(*(track(f"u{number}") for number in range(20))))
    assert next(results).outcome.kind == "delivered"
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert not klaviyo.is_open


class Watcher:
    """A plugin that renames and drops some events, raises on some outcomes, and records them."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    @klavier.hookimpl
    def klavier_transform_event(self, event: klavier.Event) -> Any:
        match event.payload.get("event"):
            case "Drop":
                return skipped("dropped by a plugin")
            case "Rename":
                return klavier.parse_event({**event.payload, "event": "Renamed"})
            case "Raise":
                raise ValueError("a@example.com")
        return None

    @klavier.hookimpl
    def klavier_event_outcome(self, event: klavier.Event, outcome: klavier.Outcome) -> None:
        self.seen.append((str(event.payload.get("event")), outcome.kind))
        if event.payload.get("event") == "Fine":
            raise ValueError("a@example.com")


@EVERY_MODE
def test_plugins_transform_drop_and_observe_each_event_once(options: WorkerOptions) -> None:
    plugins, watcher = Plugins(), Watcher()
    plugins.register(watcher, "watcher")
    found = stream(Klaviyo(), options, plugins)
    names = ["E", "Drop", "Rename", "Raise", "Fine"]
    payloads = [track(f"u{number}", name) for number, name in enumerate(names)]
    results = list(found.run(lines(*payloads, b"nonsense")))
    assert kinds(results) == ["delivered", "skipped", "delivered", "failed", "delivered", "rejected"]
    assert watcher.seen == [
        ("E", "delivered"),
        ("Drop", "skipped"),
        ("Renamed", "delivered"),
        ("Raise", "failed"),
        ("Fine", "delivered"),
    ]
    assert found.observers.faults == {"plugin watcher raised ValueError on an outcome": 1}


class Careless(LittleVendor):
    """Forgets the second event, and names the first one twice."""

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterator[klavier.Delivery]:
        for event in (events[0], events[0], *events[2:]):
            yield from super().deliveries([event])


def test_a_careless_vendor_leaves_no_line_without_a_result() -> None:
    found = StreamRun(Careless(LittleSettings()), Klaviyo().connect, plugins=Plugins(), options=BATCHED)
    results = list(found.run(lines(track("u1"), track("u2"), track("u3"))))
    assert kinds(results) == ["delivered", "rejected", "delivered"]
    assert results[1].outcome.reason == "vendor little made no delivery of the event"


def test_klaviyo_ends_up_with_the_same_in_vendor_mode_and_in_bulk() -> None:
    """A profile's events in order, an identify among them, and one event sent twice."""
    payloads = [
        track("u1", "A", properties={"n": 1}),
        {"type": "identify", "userId": "u2", "messageId": "i"},
        track("u2", "B"),
        track("u1", "A", properties={"n": 1}),
        track("u1", "C"),
    ]

    def deliver(options: WorkerOptions) -> Sandbox:
        sandbox = Sandbox()

        @asynccontextmanager
        async def connect() -> AsyncIterator[Any]:
            yield sandbox.send_async

        found = StreamRun(Bulkable(LittleSettings()), connect, plugins=Plugins(), options=options)
        assert kinds(list(found.run(lines(*payloads)))) == ["delivered"] * 5
        return sandbox

    one_by_one, together = deliver(VENDOR), deliver(BULK)
    assert one_by_one.comparable() == together.comparable()
    assert len(one_by_one.state()["events"]) == 3
