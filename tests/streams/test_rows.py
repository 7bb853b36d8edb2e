"""Rows that plugins read, and vendors and flows that break their side of the contract."""

from collections.abc import Iterable, Iterator

import orjson
import pytest

from klavier import Delivery, Request, Response
from klavier.errors import EventError
from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.flows.execution import FlowExecution
from klavier.flows.send_one import SendOne
from klavier.plugins import Plugins
from klavier.streams.lines import Line
from klavier.streams.run import StreamRun
from klavier.streams.sources import rows_of
from klavier.worker.worker import Worker
from tests.support.little_vendor import LittleSettings
from tests.support.streams import VENDOR, Bulkable, Klaviyo, kinds, lines, run, track

EVENT = parse_event({"type": "track", "event": "E", "userId": "u1"})


@pytest.mark.parametrize(("place", "where"), [("", 3), ("row 7 of 9", 7)])
def test_rows_of_a_plugin_are_numbered_until_it_cannot_read_further(place: str, where: int) -> None:
    bad = Line("a.xyz", 99, b"", problem="odd")

    def read(name: str) -> Iterator[Event | Line]:
        yield EVENT
        yield bad
        if name == "a.xyz":
            raise EventError("is damaged", place)

    found = list(rows_of(["a.xyz", "b.xyz"], read))
    assert [(line.source, line.number) for line in found] == [
        ("a.xyz", 1),
        ("a.xyz", 99),
        ("a.xyz", where),
        ("b.xyz", 1),
        ("a.xyz", 99),
    ]
    assert [line.problem for line in found] == ["", "odd", "is damaged; nothing after it was read", "", "odd"]
    assert [line.unit for line in found] == ["row", "line", "row", "row", "line"]
    assert (orjson.loads(found[0].text), found[0].event) == (EVENT.payload, EVENT)


def test_files_are_opened_before_the_first_row_is_read() -> None:
    opened: list[str] = []

    def read(name: str) -> Iterable[Event | Line]:
        opened.append(name)
        return []

    rows = rows_of(["a", "b"], read)
    assert opened == ["a", "b"]
    assert list(rows) == []


def test_a_vendor_that_has_no_key_for_an_event_fails_that_event() -> None:
    class Keyless(Bulkable):
        def key(self, event: Event) -> str:
            if event.user_id == "u2":
                raise KeyError("u2")
            return super().key(event)

    klaviyo = Klaviyo()
    found = StreamRun(Keyless(LittleSettings()), klaviyo.connect, plugins=Plugins(), options=VENDOR)
    results = list(found.run(lines(track("u1"), track("u2"), track("u3"))))
    assert [kind == "delivered" for kind in kinds(results)] == [True, False, True]


def test_a_worker_that_ends_before_its_lines_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def end(*_: object, **__: object) -> None:
        pass

    monkeypatch.setattr(Worker, "run", end)
    with pytest.raises(RuntimeError, match="the worker ended before its lines"):
        run(Klaviyo(), track("u1"), options=VENDOR)


def test_a_flow_that_has_ended_takes_no_reply() -> None:
    flow = FlowExecution(Delivery((EVENT,), ("k",), SendOne(Request("POST", "/api/events", json={}))))
    flow.reply(Response(202))
    assert [outcome.kind for outcome in flow.outcomes] == ["delivered"]
    with pytest.raises(AssertionError, match="takes no reply"):
        flow.reply(Response(202))
    assert len(flow.sent) == 1
