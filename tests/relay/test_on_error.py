"""`on_error`: what cannot be accepted is reported, and whoever called the relay goes on."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

import klavier
from tests.support.waiting import LONG

Reports = list[tuple[klavier.KlavierError, Sequence[Any]]]
EMAIL = "ada@shop.test"


def config(folder: Path, **delivery: Any) -> dict[str, Any]:
    outbox = {"outbox": str(folder / "klavier.db"), **delivery}
    return {"vendor": "rudderstack", "klaviyo": {"private_api_key": "pk_sandbox"}, "delivery": outbox}


@pytest.fixture
def reports() -> Reports:
    return []


def opened(folder: Path, reports: Reports, sandbox: klavier.Sandbox, **delivery: Any) -> klavier.Relay:
    on_error = lambda error, events: reports.append((error, events))  # noqa: E731 -- as a user writes it
    return klavier.open(config(folder, **delivery), transport=sandbox.transport(), on_error=on_error)


WRONG: list[tuple[Callable[[klavier.Relay], Any], dict[str, Any]]] = [
    (lambda relay: relay.track("Signed Up"), {"type": "track", "event": "Signed Up"}),
    (lambda relay: relay.track("Bought", {"value": float("nan")}, user_id="u1"), {"type": "track", "userId": "u1"}),
    (lambda relay: relay.identify("u" * 1001, {"email": EMAIL}), {"type": "identify"}),
    (lambda relay: relay.send({"type": "nothing"}), {"type": "nothing"}),
]


@pytest.mark.parametrize(("call", "expected"), WRONG)
def test_an_event_that_is_none_is_reported(
    tmp_path: Path, reports: Reports, call: Callable[[klavier.Relay], Any], expected: dict[str, Any]
) -> None:
    sandbox = klavier.Sandbox()
    with opened(tmp_path, reports, sandbox) as relay:
        assert call(relay) is False
        assert relay.track("Signed Up", user_id="u2") is True
        assert relay.flush(LONG) == klavier.Counts(delivered=1)
    ((error, (event,)),) = reports
    assert isinstance(error, klavier.EventError)
    assert event.items() >= expected.items()
    with klavier.open(config(tmp_path), transport=sandbox.transport()) as relay, pytest.raises(klavier.EventError):
        call(relay)


def test_many_are_reported_together(tmp_path: Path, reports: Reports) -> None:
    good, bad = {"type": "track", "event": "A", "userId": "u1"}, {"type": "nothing"}
    with opened(tmp_path, reports, klavier.Sandbox()) as relay:
        assert relay.send_many(iter([good, bad])) == [False, False]
        assert relay.counts() == klavier.Counts()
    assert [events for _, events in reports] == [[good, bad]]


def test_a_full_outbox_and_a_closed_relay_are_reported(tmp_path: Path, reports: Reports) -> None:
    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("down", request=request)

    relay = klavier.open(
        config(tmp_path, max_bytes=1_000_000),
        transport=httpx.MockTransport(unreachable),  # so that nothing leaves the outbox
        on_error=lambda error, events: reports.append((error, events)),
    )
    big = {"text": "x" * 400_000}
    results = [relay.track("Big", big, user_id="u1") for _ in range(10)]
    assert results[0] is True
    assert results[-1] is False
    relay.close(0)
    assert relay.track("Late", user_id="u1") is False
    assert {type(error) for error, _ in reports} == {klavier.OutboxFullError, klavier.RelayClosedError}


def test_a_handler_that_raises_does_not_stop_delivery(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def on_error(*_: Any) -> None:
        raise ValueError(EMAIL)

    with klavier.open(config(tmp_path), transport=klavier.Sandbox().transport(), on_error=on_error) as relay:
        assert relay.track("Signed Up") is False
    assert "on_error raised ValueError on EventError" in caplog.text
    assert EMAIL not in caplog.text


def test_errors_may_be_logged_without_the_event(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with klavier.open(config(tmp_path), transport=klavier.Sandbox().transport(), on_error="log") as relay:
        assert relay.track("Bought", {"email": EMAIL, "value": float("inf")}) is False
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage().startswith("1 events were not accepted: EventError: ")
    assert EMAIL not in caplog.text


def test_a_misspelled_argument_is_a_mistake_of_the_program(tmp_path: Path, reports: Reports) -> None:
    with opened(tmp_path, reports, klavier.Sandbox()) as relay, pytest.raises(TypeError, match="did you mean"):
        relay.track("Signed Up", usr_id="u1")  # type: ignore[call-arg]  # what the test is about
    assert reports == []


def test_asynchronous_programs_go_on_too(tmp_path: Path, reports: Reports) -> None:
    sandbox = klavier.Sandbox()

    async def main() -> klavier.Counts:
        on_error = lambda error, events: reports.append((error, events))  # noqa: E731 -- as a user writes it
        async with klavier.aopen(config(tmp_path), transport=sandbox.transport(), on_error=on_error) as relay:
            assert await relay.track("Signed Up") is False
            assert await relay.send({"type": "nothing"}) is False
            assert await relay.track("Signed Up", user_id="u1") is True
            return await relay.flush(LONG)

    assert asyncio.run(main()) == klavier.Counts(delivered=1)
    assert [event["type"] for _, (event,) in reports] == ["track", "nothing"]
