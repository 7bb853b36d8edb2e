"""From lines to outcomes: every line gets one, in order, whatever the vendor, the plugins and Klaviyo do."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import klavier
from klavier.klaviyo.operations import usual_success
from klavier.outcome import rejected, skipped
from klavier.plugins import Plugins
from klavier.streams.lines import Line
from klavier.streams.pipeline import Pipeline, Result
from tests.support.little_vendor import LittleSettings, LittleVendor

CONNECTIONS = pytest.mark.parametrize("connections", [1, 4])


def lines(*payloads: Any) -> Iterator[Line]:
    for number, payload in enumerate(payloads, 1):
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        yield Line("x", number, text)


def track(user: str = "u1", name: str = "E", **more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": user, "event": name, **more}


def run(*payloads: Any, plugins: Plugins | None = None, connections: int = 1, **settings: Any) -> list[Result]:
    vendor = LittleVendor(LittleSettings(**settings))
    pipeline = Pipeline(vendor, usual_success, plugins=plugins, connections=connections)
    return list(pipeline.run(lines(*payloads)))


def kinds(results: Sequence[Result]) -> list[str]:
    return [result.outcome.kind for result in results]


@CONNECTIONS
@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_one_result_for_each_line_in_order(batch_size: int, connections: int) -> None:
    payloads = [track(), b"nonsense", {"type": "page"}, track(user=""), track(name="Explode"), track(), b"[]"]
    results = run(*payloads, connections=connections, batch_size=batch_size)
    assert [result.line.number for result in results] == [1, 2, 3, 4, 5, 6, 7]
    found = kinds(results)
    assert (found[1], found[6]) == ("rejected", "rejected")
    if batch_size == 1:
        assert found == ["delivered", "rejected", "skipped", "rejected", "failed", "delivered", "rejected"]
    assert "someone@example.com" not in str(results)


def test_a_line_that_is_no_event_is_named_with_its_place() -> None:
    (result,) = run(b'{"type": "track", "properties": {"a": [1, NaN]}}')
    assert result.outcome == rejected(
        "x line 1: properties.a[1]: NaN or infinity is not JSON; leave the member out or send null"
    )
    (result,) = run(b'{"type": "track", ')
    assert result.outcome.reason.startswith("x line 1: not JSON at column 19: ")
    assert result.cause.startswith("not JSON: ")


def test_a_line_that_could_not_be_read_is_rejected() -> None:
    pipeline = Pipeline(LittleVendor(LittleSettings()), usual_success)
    (result,) = pipeline.run([Line("x", 7, b"", 0, "too long; shorten it")])
    assert (result.outcome, result.cause) == (rejected("x line 7: too long; shorten it"), "too long; shorten it")


@CONNECTIONS
def test_what_a_delivery_sends_stands_with_its_first_event(connections: int) -> None:
    first, second, third = run(track(), track("u2"), track("u3"), batch_size=2, connections=connections)
    assert [request.path for request in first.requests] == ["/api/events", "/api/events"]
    assert first.statuses == (202, 202)
    assert (second.requests, second.sent_with) == ((), 1)
    assert (len(third.requests), third.sent_with) == (1, None)


def test_the_batch_size_may_be_given() -> None:
    pipeline = Pipeline(LittleVendor(LittleSettings(batch_size=10)), usual_success, batch_size=1)
    assert [result.sent_with for result in pipeline.run(lines(track(), track()))] == [None, None]


def test_no_reply_has_status_zero() -> None:
    def send(_: klavier.Request) -> klavier.Response:
        raise klavier.TransportError("the connection was reset")

    (result,) = Pipeline(LittleVendor(LittleSettings()), send).run(lines(track()))
    assert (result.statuses, result.outcome.kind, result.outcome.retryable) == ((0,), "failed", True)


class Watcher:
    """A plugin that changes, drops and breaks, and notes the outcomes."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    @klavier.hookimpl
    def klavier_transform_event(self, event: klavier.Event, vendor: str) -> Any:
        assert vendor == "little"
        match event:
            case klavier.Track(event="Rename"):
                return klavier.parse_event({**event.payload, "event": "Renamed"})
            case klavier.Track(event="Drop"):
                return skipped("dropped by a plugin")
            case klavier.Track(event="Raise"):
                raise ValueError("a@example.com")
            case klavier.Track(event="Garbage"):
                return "garbage"
        return None

    @klavier.hookimpl
    def klavier_event_outcome(self, event: klavier.Event, outcome: klavier.Outcome) -> None:
        self.seen.append((str(event.payload.get("event")), outcome.kind))
        if event.payload.get("event") == "Fine":
            raise ValueError("a@example.com")


@CONNECTIONS
def test_plugins_transform_drop_and_observe(connections: int) -> None:
    plugins, watcher = Plugins(), Watcher()
    plugins.register(watcher, "watcher")
    vendor = LittleVendor(LittleSettings())
    pipeline = Pipeline(vendor, usual_success, plugins=plugins, connections=connections)
    names = ["Rename", "Drop", "Raise", "Garbage", "Fine"]
    results = list(pipeline.run(lines(*(track(name=name) for name in names), b"nonsense")))
    assert kinds(results) == ["delivered", "skipped", "failed", "failed", "delivered", "rejected"]
    assert [result.outcome.reason for result in results[1:4]] == [
        "dropped by a plugin",
        "plugin watcher raised ValueError in a transformation",
        "plugin watcher gave a string in a transformation, not an event, an outcome or None",
    ]
    # Each event is observed once; a line that is no event is not.
    assert watcher.seen == [
        ("Renamed", "delivered"),
        ("Drop", "skipped"),
        ("Raise", "failed"),
        ("Garbage", "failed"),
        ("Fine", "delivered"),
    ]
    assert pipeline.observers.faults == {"plugin watcher raised ValueError on an outcome": 1}


class Careless(LittleVendor):
    """Forgets the second event, and names the first one twice."""

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterator[klavier.Delivery]:
        for event in (events[0], events[0], *events[2:]):
            yield from super().deliveries([event])


def test_a_careless_vendor_leaves_no_event_without_an_outcome() -> None:
    pipeline = Pipeline(Careless(LittleSettings()), usual_success, batch_size=3)
    results = list(pipeline.run(lines(track(), track("u2"), track("u3"))))
    assert kinds(results) == ["delivered", "rejected", "delivered"]
    assert results[1].outcome.reason == "vendor little made no delivery of the event"


def test_people_go_side_by_side_but_each_persons_events_in_order() -> None:
    underway, most, order = 0, 0, []
    lock = threading.Lock()

    def send(request: klavier.Request) -> klavier.Response:
        nonlocal underway, most
        with lock:
            underway += 1
            most = max(most, underway)
        time.sleep(0.002)
        attributes = request.json["data"]["attributes"]
        with lock:
            underway -= 1
            order.append((attributes["profile"]["data"]["attributes"]["external_id"], attributes["unique_id"]))
        return usual_success(request)

    payloads = [track(f"u{number % 5}", messageId=f"{number:03}") for number in range(60)]
    results = list(Pipeline(LittleVendor(LittleSettings()), send, connections=5).run(lines(*payloads)))
    assert kinds(results) == ["delivered"] * 60
    assert most > 1
    for user in range(5):
        ids = [found for owner, found in order if owner == f"u{user}"]
        assert ids == sorted(ids)
        assert len(ids) == 12


def test_results_do_not_wait_for_lines_that_are_still_to_come() -> None:
    """A reader that follows a growing file sees each outcome soon, not when a window is full."""
    seen: list[int] = []

    def growing() -> Iterator[Line]:
        for line in lines(*(track(f"u{number}") for number in range(20))):
            time.sleep(0.01)
            yield line
        assert len(seen) >= 10

    for result in Pipeline(LittleVendor(LittleSettings()), usual_success, connections=4).run(growing()):
        seen.append(result.line.number)  # noqa: PERF401 -- the lines look at it meanwhile
    assert seen == list(range(1, 21))


@CONNECTIONS
def test_an_interrupt_ends_it_without_waiting(connections: int) -> None:
    release = threading.Event()

    def send(request: klavier.Request) -> klavier.Response:
        if connections > 1:
            release.wait(30)
        return usual_success(request)

    def interrupted() -> Iterator[Line]:
        yield from lines(track(), track("u2"))
        raise KeyboardInterrupt

    pipeline = Pipeline(LittleVendor(LittleSettings()), send, connections=connections)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(pipeline.run(interrupted()))
    assert time.monotonic() - began < 5
    release.set()


def test_memory_stays_flat() -> None:
    """No more lines are read than the window holds, however many there are."""
    read = 0

    def endless() -> Iterator[Line]:
        nonlocal read
        while True:
            read += 1
            yield Line("x", read, json.dumps(track(f"u{read}")).encode())

    for connections, most in ((1, 1), (4, 40)):
        read = 0
        results = Pipeline(LittleVendor(LittleSettings()), usual_success, connections=connections).run(endless())
        for _ in range(200):
            next(results)
        assert read <= 200 + most
        results.close()  # type: ignore[attr-defined]  # a generator has it
