"""The figures: the most important thing that is wrong, charts whose heights are the counts, and JSON that hides."""

import re
import time

import pytest
from attrs import evolve

from klavier.console import figures
from klavier.console.chart import draw
from klavier.console.figures import FigureReader, Headline, _calm, _problem
from klavier.console.replies import read_payload
from klavier.console.shown import draw_json, duration, size, span
from klavier.outbox.entry import OutboxStatus
from klavier.worker.report import LimitUse, MinuteCount, OpenCircuit, Pause, WorkerReport
from klavier.worker.status import Holder, Status
from tests.support.web_console import EVENT, Shop, Tags

ALIVE = Holder("host-1", 1.0, is_alive=True)
WORKER = WorkerReport(host="host", pid=7, vendor="rudderstack", outcomes={"delivered": 1})
WELL = Status(time.time(), 0, None, 0, holder=ALIVE, worker=WORKER)
PAUSED = evolve(WORKER, paused=Pause("Klaviyo does not accept the private key (401)", 12.0))
OPEN = evolve(WORKER, circuits=(OpenCircuit("create_event", 4.0),))


def headline(status: Status, *, delivers: bool = True, has_seen: bool = True) -> Headline:
    return _problem(status, delivers=delivers) or _calm(status, has_seen=has_seen)


@pytest.mark.parametrize(
    ("status", "level", "title"),
    [
        (WELL, "good", "All is well"),
        (evolve(WELL, waiting=5, oldest_age=2.0), "good", "All is well"),
        (
            evolve(WELL, problem="the disk is full: nothing more is accepted", dead=9),
            "bad",
            "Nothing more can be stored",
        ),
        (evolve(WELL, worker=PAUSED, dead=9), "bad", "Delivery is paused"),
        (evolve(WELL, worker=OPEN, dead=9), "warn", "A part of Klaviyo does not answer"),
        (evolve(WELL, waiting=5, oldest_age=1000.0), "warn", "Events have waited for long"),
        (evolve(WELL, free_bytes=1000), "warn", "The disk is nearly full"),
        (evolve(WELL, dead=1), "warn", "Some events were not delivered"),
        (evolve(WELL, dead=1200), "warn", "Some events were not delivered"),
        (evolve(WELL, holder=None, worker=None), "calm", "Starting"),
        (evolve(WELL, worker=None), "good", "All is well"),  # its report is of another version
    ],
)
def test_the_most_important_thing_comes_first(status: Status, level: str, title: str) -> None:
    found = headline(status)
    assert (found.level, found.title) == (level, title)
    assert found.text.endswith(".")


def test_the_headline_names_the_reason_and_the_vendor() -> None:
    assert "private key (401). Events wait safely" in headline(evolve(WELL, worker=PAUSED)).text
    assert "create_event" in headline(evolve(WELL, worker=OPEN)).text
    assert "as rudderstack would" in headline(WELL).text
    dead_holder = evolve(WELL, holder=evolve(ALIVE, is_alive=False), waiting=1, worker=PAUSED)
    assert headline(dead_holder, delivers=False).title == "Nobody delivers"
    assert headline(evolve(WELL, worker=evolve(WORKER, outcomes={})), has_seen=False).title == "Ready for events"


def test_bars_are_as_high_as_their_counts() -> None:
    chart = draw([{"a": 30, "b": 10}, {}, {"b": 40}], ["a", "b"], ["x", "y"])
    assert (chart.top, chart.width, chart.total, chart.words) == (40, 30, 80, "30 a, 50 b")
    a, b = chart.series
    assert (a.path, a.style) == ("M1 25.00h8v75.00h-8z", "x")
    assert b.path == "M1 0.00h8v25.00h-8zM21 0.00h8v100.00h-8z"
    assert draw([{}], ["a"], ["x"]).words == "no events"


@pytest.mark.parametrize(
    ("most", "top"), [(0, 2), (1, 2), (3, 4), (9, 10), (11, 12), (140, 150), (1001, 1200), (10**7 + 1, 12 * 10**6)]
)
def test_the_axis_ends_at_a_round_number(most: int, top: int) -> None:
    assert draw([{"a": most}], ["a"], ["x"]).top == top


def test_masked_json_shows_names_and_kinds_only() -> None:
    value = {"email": "ada@example.com", "n": 59.9, "yes": True, "no": None, "list": ["a", 1], "ada@example.com": "x"}
    masked = Tags(str(draw_json(value, masked=True))).text
    assert re.sub(r"\s+", " ", masked) == (
        '{ "email": text, "n": number, "yes": yes/no, "no": null, "list": [ text, number ], "(email)": text }'
    )
    shown = Tags(str(draw_json({"a": "</b>\u202e\n", "b": -1.5}, masked=False))).text
    assert shown == '{\n  "a": "</b>\\u202e\\n",\n  "b": -1.5\n}'
    assert "(str)" in str(draw_json({"a": "(str)"}, masked=False))


def test_what_is_nested_too_deeply_is_not_shown() -> None:
    assert read_payload(b"[" * 1000 + b"]" * 1000) == "(nested too deeply to be shown)"
    assert read_payload(b"[[") == "[["


def test_long_json_is_cut() -> None:
    assert len(draw_json({"a": ["x" * 100] * 10_000}, masked=False)) < 1_000_000


def test_times_are_words() -> None:
    assert [span(seconds) for seconds in (0, 59, 60, 7200, 200_000)] == ["0 s", "59 s", "1 min", "2 h", "2 d"]
    assert [size(value) for value in (0, 999_000_000, 10**9)] == ["0.0 MB", "999.0 MB", "1.0 GB"]
    assert [duration(seconds) for seconds in (0.0123, 1.26, 75)] == ["12 ms", "1.3 s", "1 min"]


def test_the_page_shows_limits_circuits_and_sources(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    report = evolve(
        WORKER,
        circuits=(OpenCircuit("create_event", 61.0),),
        paused=Pause("Klaviyo refuses everything (status 410)", 12.0),
        limits=(LimitUse("add_profiles_to_list", 0.84), LimitUse("create_profile", 0.05)),
        events_in_flight=1234,
        requests_in_flight=1,
        parts={
            "gateway": {"events": [{"source": "unknown", "acceptance": "refused", "count": 1234, "last_minute": 0}]}
        },
        minutes=(MinuteCount(int(time.time()) // 60 * 60, {"delivered": 70}),),
    )
    monkeypatch.setattr(shop.worker, "report", lambda: report)
    shop.outbox.acquire("me", 60)
    shop.console.recorder.on_accepted([(f"m{number}", f"source {number % 8}") for number in range(70)])
    shop.finish(EVENT)
    text = Tags(shop.visitor().get().text).text
    for words in (
        "Delivery is paused",
        "Klaviyo refuses everything (status 410); next try in 12 s",
        "84 %",
        "next try in 1 min",
        "1,234",
        "in 1 request",
        "others 25",
    ):
        assert words in re.sub(r"\s+", " ", text)


def test_figures_are_read_once_a_second(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_FRESH_SECONDS", 1000.0)
    reads: list[int] = []
    status = shop.outbox.status

    def count() -> OutboxStatus:
        reads.append(1)
        return status()

    monkeypatch.setattr(shop.outbox, "status", count)
    visitor = shop.visitor()
    for _ in range(3):
        visitor.get()
    assert len(reads) == 1
    visitor.post("letters/retry", {"all": "yes"})
    assert len(reads) == 2
    assert isinstance(shop.console._endpoints._reader, FigureReader)
