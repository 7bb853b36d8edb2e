"""`klavier.deliver`: one outcome for each row, in order, whatever the row holds and wherever it is called."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

import klavier
from klavier.streams import line_queue

CONFIG = {
    "vendor": "rudderstack",
    "klaviyo": {"private_api_key": "pk_sandbox"},
    "vendors": {"rudderstack": {"api_version": "v2"}},
}


def track(user: int, number: int) -> dict[str, Any]:
    return {"type": "track", "event": "Ordered", "userId": f"u{user}", "messageId": f"m{number}"}


def orders(count: int, profiles: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for number in range(count):
        yield number, {**track(number % profiles, number), "properties": {"n": number + 1}}


@pytest.fixture
def sandbox() -> klavier.Sandbox:
    return klavier.Sandbox()


def test_each_row_has_its_outcome_in_order(sandbox: klavier.Sandbox) -> None:
    rows: list[tuple[Any, Any]] = [
        ("mapping", track(1, 1)),
        ("text", '{"type": "track", "event": "Ordered", "userId": "u2"}'),
        ("bytes", b'{"type": "track", "event": "Ordered", "userId": "u3"}'),
        ("date", {**track(4, 4), "properties": {"at": datetime(2026, 1, 1, tzinfo=UTC)}}),
        (("no", "kind"), 17),
        (None, b"{"),
        ("no event", {"type": "unknown"}),
        ("no JSON", {**track(5, 5), "properties": {"price": Decimal("1.5")}}),
        ("page", {"type": "page", "userId": "u1"}),
    ]
    found = list(klavier.deliver(rows, CONFIG, transport=sandbox.transport()))
    assert [row_id for row_id, _ in found] == [row_id for row_id, _ in rows]
    assert [outcome.kind for _, outcome in found] == ["delivered"] * 4 + ["rejected"] * 5
    reasons = dict(found)
    assert "a payload is a mapping or JSON text, not a number" in reasons["no", "kind"].reason
    assert "properties.price" in reasons["no JSON"].reason
    assert len(sandbox.state()["events"]) == 4


def test_the_reason_of_a_row_that_is_no_event_names_the_place_in_it(sandbox: klavier.Sandbox) -> None:
    rows = [("a", json.dumps({**track(1, 1), "properties": {"n": 2**70}})), ("b", "{")]
    found = dict(klavier.deliver(rows, CONFIG, transport=sandbox.transport()))
    assert found["a"].reason == "properties.n: an integer beyond 64 bits; send it as a string"
    assert found["b"].reason.startswith("not JSON at column 2")


def test_the_events_of_a_profile_arrive_in_the_order_of_the_rows(sandbox: klavier.Sandbox) -> None:
    found = list(klavier.deliver(orders(300, 7), CONFIG, transport=sandbox.transport()))
    assert {outcome.kind for _, outcome in found} == {"delivered"}
    numbers = [event["properties"]["n"] for event in sandbox.state()["events"]]
    for user in range(7):
        assert [n for n in numbers if n % 7 == user] == list(range(user or 7, 301, 7))


def test_rows_are_read_as_outcomes_are_taken(sandbox: klavier.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_queue, "CAPACITY", 50 * line_queue.PER_LINE)
    read = 0

    def rows() -> Iterator[tuple[int, dict[str, Any]]]:
        nonlocal read
        for row in orders(300, 100):
            read += 1
            yield row

    for taken, (row_id, _) in enumerate(klavier.deliver(rows(), CONFIG, transport=sandbox.transport())):
        assert row_id == taken
        assert read - taken <= 51


def test_what_klaviyo_refuses_is_a_failed_row() -> None:
    refuse = httpx.MockTransport(lambda _: httpx.Response(400, json={"errors": [{"detail": "bad"}]}))
    ((row_id, outcome),) = klavier.deliver([("r1", track(1, 1))], CONFIG, transport=refuse)
    assert (row_id, outcome.kind, outcome.status) == ("r1", "failed", 400)


def test_what_reading_raises_comes_after_the_outcomes_before(sandbox: klavier.Sandbox) -> None:
    def rows() -> Iterator[tuple[int, dict[str, Any]]]:
        yield from orders(3, 3)
        raise OSError("the warehouse is gone")

    found: list[tuple[int, klavier.Outcome]] = []
    with pytest.raises(OSError, match="warehouse"):
        found.extend(klavier.deliver(rows(), CONFIG, transport=sandbox.transport()))
    # extend() keeps what it was given before the exception
    assert [outcome.kind for _, outcome in found] == ["delivered"] * 3


def test_a_wrong_configuration_is_reported_by_the_call_itself() -> None:
    with pytest.raises(klavier.ConfigError, match="share: must be above 0"):
        klavier.deliver([], CONFIG, share=1.5)
    with pytest.raises(klavier.ConfigError, match="no key is configured"):
        klavier.deliver([], {"vendor": "rudderstack"})


def test_it_works_where_an_event_loop_runs(sandbox: klavier.Sandbox) -> None:
    async def notebook() -> list[tuple[int, klavier.Outcome]]:
        return list(klavier.deliver(orders(20, 3), CONFIG, transport=sandbox.transport()))

    assert [row_id for row_id, _ in asyncio.run(notebook())] == list(range(20))


def test_a_caller_that_stops_taking_ends_the_run(sandbox: klavier.Sandbox) -> None:
    outcomes = klavier.deliver(orders(100, 3), CONFIG, transport=sandbox.transport())
    assert next(outcomes)[0] == 0
    outcomes.close()  # type: ignore[attr-defined] # a generator; what it opened is closed, else a warning is an error
    assert next(outcomes, None) is None


def test_nothing_is_sent_once_another_process_took_over(sandbox: klavier.Sandbox) -> None:
    answers = iter([True, True, True])
    outcomes = klavier.deliver(
        orders(500, 3), CONFIG, transport=sandbox.transport(), may_send=lambda: next(answers, False)
    )
    with pytest.raises(klavier.LeaseLostError, match="another process delivers these rows now"):
        list(outcomes)
    assert len(sandbox.calls) == 3


def test_each_call_is_asked_for(sandbox: klavier.Sandbox) -> None:
    asked: list[bool] = []

    def may_send() -> bool:
        asked.append(True)
        return True

    found = list(klavier.deliver(orders(20, 4), CONFIG, transport=sandbox.transport(), may_send=may_send))
    assert {outcome.kind for _, outcome in found} == {"delivered"}
    assert len(asked) == len(sandbox.calls) > 0


def test_a_row_may_be_as_long_as_a_line_and_any_text(sandbox: klavier.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b'{"type": "page", "userId": "u1"}'
    monkeypatch.setattr("klavier.streams.deliver.LONGEST", len(text))
    rows: list[tuple[Any, Any]] = [(1, text), (2, text + b" "), (3, '{"a": "\ud800"}'), (4, text.decode())]
    found = dict(klavier.deliver(rows, CONFIG, transport=sandbox.transport()))
    assert found[1] == found[4]
    assert found[2].reason == f"longer than {len(text)} bytes; send smaller events"
    assert found[3].kind == "rejected"


def test_a_share_is_that_of_the_call_or_of_the_configuration(sandbox: klavier.Sandbox) -> None:
    with pytest.raises(klavier.ConfigError, match="share: "):
        klavier.deliver([], CONFIG, share=0.0, transport=sandbox.transport())
    rows = [(1, track(1, 1))]
    ((_, outcome),) = klavier.deliver(rows, CONFIG, share=0.5, transport=sandbox.transport())
    assert outcome.kind == "delivered"
