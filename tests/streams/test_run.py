"""From lines to outcomes with the fewest calls."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import evolve

import klavier
from klavier.klaviyo.operations import usual_success
from klavier.outcome import skipped
from klavier.plugins import Plugins
from klavier.relay.factory import FEWEST_CALLS
from klavier.sandbox import Sandbox
from klavier.streams import line_queue
from klavier.streams import run as stream_run
from klavier.streams.lines import Line
from klavier.streams.pipeline import Pipeline, Result
from klavier.streams.run import StreamRun
from klavier.worker.worker import Pace
from tests.support.little_vendor import LittleSettings, LittleVendor

PACE = Pace(combine=True, window=1000, run=200, linger=0.01)


class Klaviyo:
    """Answers every request with a status and remembers it; -1 breaks the connection."""

    def __init__(self, status: int | None = None) -> None:
        self.status = status
        self.requests: list[klavier.Request] = []
        self.is_open = False

    async def send(self, request: klavier.Request) -> klavier.Response:
        assert self.is_open
        self.requests.append(request)
        if self.status == -1:
            raise klavier.TransportError("the connection was reset")
        return usual_success(request) if self.status is None else klavier.Response(self.status)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Any]:
        self.is_open = True
        yield self.send
        self.is_open = False


class Bulkable(LittleVendor):
    """Says of its deliveries that bulk calls may carry them."""

    def deliveries(self, events: Any) -> Iterator[klavier.Delivery]:
        for delivery in super().deliveries(events):
            yield evolve(delivery, bulkable=True)


class OneRequest(LittleVendor):
    """Makes deliveries of which a body keeps the text alone."""

    def deliveries(self, events: Any) -> Iterator[klavier.Delivery]:
        for event in events:
            flow = klavier.SendOne(next(self._one(event)))
            yield klavier.Delivery((event,), (self.key(event),), flow, bulkable=True, lone=True)


def lines(*payloads: Any) -> Iterator[Line]:
    for number, payload in enumerate(payloads, 1):
        yield Line("x", number, payload if isinstance(payload, bytes) else json.dumps(payload).encode())


def track(user: str, name: str = "E", **more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": user, "event": name, "messageId": f"{user}-{name}", **more}


def run(klaviyo: Klaviyo, *payloads: Any, plugins: Plugins | None = None) -> list[Result]:
    engine = StreamRun(Bulkable(LittleSettings()), klaviyo.connect, plugins=plugins or Plugins(), pace=PACE)
    results = list(engine.run(lines(*payloads)))
    assert engine.calls == len(klaviyo.requests)
    assert not klaviyo.is_open
    return results


def kinds(results: list[Result]) -> list[str]:
    return [result.outcome.kind for result in results]


def test_many_events_share_a_call() -> None:
    klaviyo = Klaviyo()
    results = run(klaviyo, *(track(f"u{number}") for number in range(500)))
    assert kinds(results) == ["delivered"] * 500
    assert [request.path for request in klaviyo.requests] == ["/api/event-bulk-create-jobs"]


def test_one_result_for_each_line_in_order() -> None:
    payloads = [track("u1"), b"nonsense", {"type": "page"}, track(""), track("u2", "Explode"), track("u1")]
    results = run(Klaviyo(), *payloads)
    assert [result.line.number for result in results] == [1, 2, 3, 4, 5, 6]
    assert kinds(results) == ["delivered", "rejected", "skipped", "rejected", "failed", "delivered"]
    assert results[1].cause.startswith("not JSON")


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make room for so many lines."""

    def make(lines: int) -> None:
        monkeypatch.setattr(line_queue, "PER_BYTE", 0)
        monkeypatch.setattr(line_queue, "ROOM", lines * line_queue.PER_LINE)

    return make


def test_however_little_room_there_is_every_line_has_its_result(room: Callable[[int], None]) -> None:
    room(7)
    klaviyo = Klaviyo()
    results = run(klaviyo, *(track(f"u{number}") for number in range(20)))
    assert kinds(results) == ["delivered"] * 20
    assert len(klaviyo.requests) == 3


def test_bodies_are_full_though_there_is_room_for_no_multiple_of_one(room: Callable[[int], None]) -> None:
    room(2_500)
    klaviyo = Klaviyo()
    engine = StreamRun(Bulkable(LittleSettings()), klaviyo.connect, plugins=Plugins(), pace=FEWEST_CALLS)
    results = list(engine.run(lines(*(track(f"u{number}") for number in range(10_000)))))
    assert kinds(results) == ["delivered"] * 10_000
    assert len(klaviyo.requests) == 10


def test_lines_take_room_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_queue, "PER_BYTE", 10**6)
    klaviyo = Klaviyo()
    assert kinds(run(klaviyo, track("u1"), track("u2"))) == ["delivered"] * 2
    assert len(klaviyo.requests) == 2


def test_who_waits_for_a_line_has_nothing_under_way() -> None:
    klaviyo = Klaviyo()
    told: list[str] = []
    seen: list[tuple[int, int]] = []

    def slow() -> Iterator[Line]:
        for line in lines(*(track(f"u{number}") for number in range(12))):
            seen.append((len(told), len(klaviyo.requests)))
            yield line

    def is_ready() -> bool:
        """Five lines come together, then the next five."""
        return len(seen) % 5 != 0

    engine = StreamRun(Bulkable(LittleSettings()), klaviyo.connect, plugins=Plugins(), pace=PACE, is_ready=is_ready)
    told.extend(result.outcome.kind for result in engine.run(slow()))
    assert told == ["delivered"] * 12
    assert seen == [(0, 0)] * 5 + [(5, 1)] * 5 + [(10, 2)] * 2


def test_what_breaks_the_lines_is_raised_when_those_before_have_their_results() -> None:
    def broken() -> Iterator[Line]:
        yield from lines(track("u1"), b"nonsense", track("u2"))
        raise klavier.UsageError("the file is gone")

    klaviyo = Klaviyo()
    engine = StreamRun(Bulkable(LittleSettings()), klaviyo.connect, plugins=Plugins(), pace=PACE)
    told: list[Result] = []
    with pytest.raises(klavier.UsageError, match="gone"):
        told.extend(engine.run(broken()))
    assert kinds(told) == ["delivered", "rejected", "delivered"]
    assert not klaviyo.is_open


def test_who_stops_taking_results_leaves_nothing_open() -> None:
    klaviyo = Klaviyo()
    engine = StreamRun(Bulkable(LittleSettings()), klaviyo.connect, plugins=Plugins(), pace=PACE)
    results = engine.run(lines(*(track(f"u{number}") for number in range(20))))
    assert next(results).outcome.kind == "delivered"
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert not klaviyo.is_open


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_accepted_ends_each_event_at_once(status: int) -> None:
    klaviyo = Klaviyo(status)
    results = run(klaviyo, track("u1"), track("u2"))
    assert [(result.outcome.kind, result.outcome.status) for result in results] == [("failed", status)] * 2


@pytest.mark.parametrize("status", [-1, 503])
def test_a_klaviyo_that_does_not_answer_fails_events_after_some_tries(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_run, "_ONE_RUN", stream_run._OneRun(tries=3, first=0.001, longest=0.001))
    klaviyo = Klaviyo(status)
    (result,) = run(klaviyo, track("u1"))
    assert (result.outcome.kind, result.outcome.retryable) == ("failed", True)
    assert len(klaviyo.requests) >= 3


class Watcher:
    """A plugin that drops some events and notes the outcomes."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    @klavier.hookimpl
    def klavier_transform_event(self, event: klavier.Event) -> Any:
        return skipped("dropped by a plugin") if event.payload.get("event") == "Drop" else None

    @klavier.hookimpl
    def klavier_event_outcome(self, event: klavier.Event, outcome: klavier.Outcome) -> None:
        self.seen.append((str(event.payload.get("event")), outcome.kind))


def test_plugins_drop_and_observe() -> None:
    plugins, watcher = Plugins(), Watcher()
    plugins.register(watcher, "watcher")
    results = run(Klaviyo(), track("u1"), track("u2", "Drop"), b"nonsense", plugins=plugins)
    assert kinds(results) == ["delivered", "skipped", "rejected"]
    assert watcher.seen == [("E", "delivered"), ("Drop", "skipped")]


@pytest.mark.parametrize("shows", [True, False])
def test_results_have_events_for_those_who_look(*, shows: bool) -> None:
    klaviyo = Klaviyo()
    engine = StreamRun(OneRequest(LittleSettings()), klaviyo.connect, plugins=Plugins(), pace=PACE, shows_events=shows)
    results = list(engine.run(lines(track("u1"), b"nonsense")))
    events = [result.event for result in results]
    assert [event and event.user_id for event in events] == ["u1" if shows else None, None]


def test_an_interrupt_closes_the_transport() -> None:
    klaviyo = Klaviyo()

    def interrupted() -> Iterator[Line]:
        yield from lines(track("u1"))
        raise KeyboardInterrupt

    engine = StreamRun(Bulkable(LittleSettings()), klaviyo.connect, plugins=Plugins(), pace=PACE)
    with pytest.raises(KeyboardInterrupt):
        list(engine.run(interrupted()))
    assert not klaviyo.is_open


def test_klaviyo_ends_up_with_the_same() -> None:
    """A person's events in order, an identify among them, and one event sent twice."""
    payloads = [
        track("u1", "A", properties={"n": 1}),
        {"type": "identify", "userId": "u2", "messageId": "i"},
        track("u2", "B"),
        track("u1", "A", properties={"n": 1}),
        track("u1", "C"),
    ]
    one_by_one, together = Sandbox(), Sandbox()
    first = list(Pipeline(Bulkable(LittleSettings()), one_by_one.send).run(lines(*payloads)))

    @asynccontextmanager
    async def connect() -> AsyncIterator[Any]:
        yield together.send_async

    engine = StreamRun(Bulkable(LittleSettings()), connect, plugins=Plugins(), pace=PACE)
    second = list(engine.run(lines(*payloads)))
    assert kinds(first) == kinds(second) == ["delivered"] * 5
    assert one_by_one.comparable() == together.comparable()
    assert len(one_by_one.state()["events"]) == 3
