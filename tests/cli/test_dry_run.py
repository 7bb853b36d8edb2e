"""A dry run gives every line one result, in order, whatever the vendor, the plugins and the replies do."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import klavier
from klavier.cli.dry_run import DryRun, DryRunResult
from klavier.klaviyo.operations import usual_success
from klavier.outcome import rejected, skipped
from klavier.plugins import Plugins
from klavier.streams.lines import Line
from tests.support.little_vendor import LittleSettings, LittleVendor


def lines(*payloads: Any) -> Iterator[Line]:
    for number, payload in enumerate(payloads, 1):
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        yield Line("x", number, text)


def track(user: str = "u1", name: str = "E", **more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": user, "event": name, **more}


def run(*payloads: Any, plugins: Plugins | None = None, **settings: Any) -> list[DryRunResult]:
    dry_run = DryRun(LittleVendor(LittleSettings(**settings)), usual_success, plugins=plugins)
    return list(dry_run.run(lines(*payloads)))


def kinds(results: Sequence[DryRunResult]) -> list[str]:
    return [result.outcome.kind for result in results]


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_one_result_for_each_line_in_order(batch_size: int) -> None:
    payloads = [track(), b"nonsense", {"type": "page"}, track(user=""), track(name="Explode"), track(), b"[]"]
    results = run(*payloads, batch_size=batch_size)
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
    dry_run = DryRun(LittleVendor(LittleSettings()), usual_success)
    (result,) = dry_run.run([Line("x", 7, b"", 0, "too long; shorten it")])
    assert (result.outcome, result.cause) == (rejected("x line 7: too long; shorten it"), "too long; shorten it")


def test_requests_of_a_delivery_stand_with_its_first_event() -> None:
    first, second, third = run(track(), track("u2"), track("u3"), batch_size=2)
    assert [request.path for request in first.requests] == ["/api/events", "/api/events"]
    assert first.statuses == (202, 202)
    assert (second.requests, second.sent_with) == ((), 1)
    assert (len(third.requests), third.sent_with) == (1, None)


def test_the_batch_size_may_be_given() -> None:
    dry_run = DryRun(LittleVendor(LittleSettings(batch_size=10)), usual_success, batch_size=1)
    assert [result.sent_with for result in dry_run.run(lines(track(), track()))] == [None, None]


def test_no_reply_has_status_zero() -> None:
    def send(_: klavier.Request) -> klavier.Response:
        raise klavier.TransportError("the connection was reset")

    (result,) = DryRun(LittleVendor(LittleSettings()), send).run(lines(track()))
    assert (result.statuses, result.outcome.kind, result.outcome.retryable) == ((0,), "failed", True)


class Transformer:
    """A plugin that changes, drops and raises, and records the outcomes it is called with."""

    def __init__(self) -> None:
        self.seen: list[str] = []

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
    def klavier_event_outcome(self, outcome: klavier.Outcome) -> None:
        self.seen.append(outcome.kind)


def test_plugins_transform_and_drop_but_observe_nothing_since_nothing_was_delivered() -> None:
    plugins, transformer = Plugins(), Transformer()
    plugins.register(transformer, "transformer")
    names = ["Rename", "Drop", "Raise", "Garbage", "Fine"]
    results = run(*(track(name=name) for name in names), b"nonsense", plugins=plugins)
    assert kinds(results) == ["delivered", "skipped", "failed", "failed", "delivered", "rejected"]
    assert [result.outcome.reason for result in results[1:4]] == [
        "dropped by a plugin",
        "plugin transformer raised ValueError in a transformation",
        "plugin transformer returned a string in a transformation, not an event, an outcome or None",
    ]
    assert results[0].event is not None
    assert results[0].event.payload["event"] == "Renamed"
    assert transformer.seen == []


class Careless(LittleVendor):
    """Forgets the second event, names the first one twice, and makes one up."""

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterator[klavier.Delivery]:
        made_up = klavier.parse_event(track("nobody"))
        for event in (events[0], events[0], made_up, *events[2:]):
            yield from super().deliveries([event])


def test_a_careless_vendor_leaves_no_event_without_an_outcome() -> None:
    dry_run = DryRun(Careless(LittleSettings()), usual_success, batch_size=3)
    results = list(dry_run.run(lines(track(), track("u2"), track("u3"))))
    assert kinds(results) == ["delivered", "rejected", "delivered"]
    assert results[1].outcome.reason == "vendor little made no delivery of the event"


def test_one_batch_of_lines_is_held_at_a_time() -> None:
    read = 0

    def endless() -> Iterator[Line]:
        nonlocal read
        while True:
            read += 1
            yield Line("x", read, json.dumps(track(f"u{read}")).encode())

    results = DryRun(LittleVendor(LittleSettings()), usual_success).run(endless())
    for _ in range(200):
        next(results)
    assert read == 200
