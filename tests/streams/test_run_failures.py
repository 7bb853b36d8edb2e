"""A run over lines when Klaviyo refuses or does not answer, and when the run is stopped."""

from collections.abc import Iterator

import pytest

import klavier
from klavier.plugins import Plugins
from klavier.streams import run as stream_run
from klavier.streams.lines import Line
from klavier.streams.run import StreamRun
from klavier.worker.worker import WorkerOptions
from tests.support.little_vendor import LittleSettings
from tests.support.streams import BULK, EVERY_MODE, VENDOR, Bulkable, Klaviyo, kinds, lines, run, stream, track


@EVERY_MODE
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_fails_each_event_at_once(status: int, options: WorkerOptions) -> None:
    results = run(Klaviyo(status), track("u1"), track("u2"), options=options)
    assert [(result.outcome.kind, result.outcome.status) for result in results] == [("failed", status)] * 2


@EVERY_MODE
@pytest.mark.parametrize("status", [-1, 503])
def test_events_fail_after_some_tries_when_klaviyo_does_not_answer(
    status: int, options: WorkerOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_run, "TRIES", 3)
    monkeypatch.setattr(stream_run, "FIRST_DELAY", 0.001)
    klaviyo = Klaviyo(status)
    (result,) = run(klaviyo, track("u1"), options=options)
    assert (result.outcome.kind, result.outcome.retryable) == ("failed", True)
    assert len(klaviyo.requests) >= 3


@pytest.mark.parametrize("status", [-1, 503])
def test_events_are_tried_once_while_the_circuit_is_open(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_run, "FIRST_DELAY", 0.001)
    klaviyo = Klaviyo(status)
    results = run(klaviyo, *(track(f"u{number}") for number in range(200)), options=VENDOR)
    assert kinds(results) == ["failed"] * 200
    assert len(klaviyo.requests) < 300


def test_a_passing_failure_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_run, "FIRST_DELAY", 0.001)

    class Recovering(Klaviyo):
        async def send(self, request: klavier.Request) -> klavier.Response:
            reply = await super().send(request)
            return klavier.Response(503) if len(self.requests) < 3 else reply

    klaviyo = Recovering()
    (result,) = run(klaviyo, track("u1"), options=VENDOR)
    assert (result.outcome.kind, len(klaviyo.requests)) == ("delivered", 3)


@EVERY_MODE
def test_an_interrupt_closes_the_transport(options: WorkerOptions) -> None:
    klaviyo = Klaviyo()

    def interrupted() -> Iterator[Line]:
        yield from lines(track("u1"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(stream(klaviyo, options).run(interrupted()))
    assert not klaviyo.is_open


@EVERY_MODE
def test_after_a_stop_the_lines_with_a_result_are_the_first_ones(options: WorkerOptions) -> None:
    """Nothing that was sent lacks a result, and nothing is started after the stop."""
    stopping = False

    class Stopping(Klaviyo):
        async def send(self, request: klavier.Request) -> klavier.Response:
            nonlocal stopping
            stopping = True
            return await super().send(request)

    klaviyo = Stopping()
    found = StreamRun(
        Bulkable(LittleSettings()), klaviyo.connect, plugins=Plugins(), options=options, is_stopping=lambda: stopping
    )
    payloads = [track(f"u{number}") if number % 10 else b"nonsense" for number in range(3000)]
    results = list(found.run(lines(*payloads)))
    assert [result.line.number for result in results] == list(range(1, len(results) + 1))
    assert kinds(results) == ["delivered" if number % 10 else "rejected" for number in range(len(results))]
    assert 0 < len(results) <= 2 * options.window
    if options is not BULK:
        assert len(klaviyo.requests) == kinds(results).count("delivered")
