"""What is remembered of events: bounded in number and bytes, with source and minute."""

import orjson
import pytest

from klavier.console import recorder
from klavier.console.recorder import MOST_EVENTS, Recorder
from klavier.events.reader import parse_event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox.entry import Entry
from klavier.outcome import delivered, rejected
from klavier.worker.in_flight import Result
from tests.support.web_console import EVENT


def result(number: int = 1, size: int = 0, *, is_event: bool = True, accepted: float = 0.0) -> Result:
    payload = orjson.dumps({**EVENT, "messageId": f"m{number}", "filler": "x" * size})
    entry = Entry(number, f"m{number}", "k", payload, accepted, tries=1)
    sent = [(Request("POST", "/api/events", json={}), Response(202))]
    return Result(
        entry, delivered() if is_event else rejected("no event"), sent, parse_event(EVENT) if is_event else None
    )


def test_the_last_events_are_kept() -> None:
    found = Recorder(lambda: 100.0)
    for number in range(MOST_EVENTS + 10):
        found.on_result(result(number, accepted=97.5))
    assert len(found.events(1000)) == MOST_EVENTS
    newest, *_ = found.events(3)
    assert (newest.number, newest.name, newest.event_type) == (MOST_EVENTS + 10, "Order Completed", "track")
    assert (newest.seconds, newest.tries, newest.sent[0][1].status) == (2.5, 2, 202)
    assert found.find(10) is None
    oldest = found.find(11)
    assert oldest is not None
    assert oldest.payload is not None


def test_their_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_MOST_BYTES", 50_000)
    found = Recorder()
    for number in range(100):
        found.on_result(result(number, size=10_000))
    assert len(found.events(1000)) == 4
    found.on_result(result(size=64_000))
    large, *others = found.events(1000)
    assert (large.payload, large.sent, len(others)) == (None, (), 4)
    for number in range(100):
        found.on_result(result(number))
    assert len(found.events(1000)) > 100
    assert found._bytes == sum(len(event.payload or b"") for event in found.events(1000))


def test_at_most_some_megabytes_are_kept() -> None:
    found = Recorder()
    for number in range(60):
        found.on_result(result(number, size=60_000))
    assert 1_900_000 < sum(len(event.payload or b"") for event in found.events(1000)) <= 2_000_000


def test_an_attempt_takes_the_place_of_the_one_before() -> None:
    found = Recorder(lambda: 100.0)
    found.on_accepted([("m1", "web")])
    found.on_result(result(1, size=500), 130.0)
    found.on_result(result(2))
    found.on_result(result(1), 160.0)
    assert [(event.seq, event.due, event.source) for event in found.events(9)] == [
        (1, 160.0, "web"),
        (2, None, "other"),
    ]
    retried = found.retried(1)
    assert retried is not None
    assert retried.due == 160.0
    assert [dict(minute.counts) for minute in found.minutes()][-1] == {("other", "delivered"): 1}
    found.on_result(result(1))
    assert [(event.seq, event.due, event.source) for event in found.events(9)] == [(1, None, "web"), (2, None, "other")]
    assert found.retried(1) is None
    assert found._bytes == sum(len(event.payload or b"") for event in found.events(9))


def test_attempts_that_make_room_are_forgotten() -> None:
    found = Recorder()
    for number in range(MOST_EVENTS + 10):
        found.on_result(result(number), 5.0)
    assert len(found._retried) == len(found.events(1000)) == MOST_EVENTS
    assert found.retried(0) is None


def test_what_is_no_event_is_kept_too() -> None:
    found = Recorder()
    found.on_result(result(is_event=False))
    (event,) = found.events(9)
    assert (event.event_type, event.name, event.outcome.reason) == ("", "", "no event")


def test_sources_are_known_until_the_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_MOST_SOURCES", 3)
    found = Recorder()
    found.on_accepted([(f"m{number}", "web") for number in range(5)])
    for number in range(5):
        found.on_result(result(number))
    assert [event.source for event in found.events(9)] == ["web"] * 3 + ["other"] * 2
    assert not found._sources


def test_what_happens_after_the_clock_was_set_back_is_counted_in_its_minute() -> None:
    now = [7200.0]
    found = Recorder(lambda: now[0])
    for moment in (7200.0, 3600.0, 3660.0, 3600.0):
        now[0] = moment
        found.on_accepted([("m1", "web")])
    now[0] = 3660.0
    assert [minute.arrived.total() for minute in found.minutes()[-2:]] == [2, 1]


def test_minutes_have_no_gaps_and_end_after_an_hour() -> None:
    now = [600.0]
    found = Recorder(lambda: now[0])
    found.on_accepted([("m1", "web"), ("m2", "app")])
    now[0] = 720.0
    found.on_result(result(1))
    minutes = found.minutes()
    assert [minute.start for minute in minutes] == [*range(720 - 59 * 60, 721, 60)]
    assert dict(minutes[-3].arrived) == {"web": 1, "app": 1}
    assert (dict(minutes[-2].counts), dict(minutes[-1].counts)) == ({}, {("web", "delivered"): 1})
    now[0] = 600.0 + 60 * 60
    assert sum(minute.arrived.total() for minute in found.minutes()) == 0
    for minute in range(200):
        now[0] += 60
        found.on_result(result(minute))
    assert len(found._minutes) == 60
