"""`klavier.compat.segment` takes what Segment's own library takes."""

import inspect
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from segment.analytics.client import Client  # type: ignore[import-untyped]  # it has no types

import klavier
import klavier.compat.segment as analytics
from tests.support.waiting import LONG


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[klavier.Sandbox]:
    file = tmp_path / "klavier.toml"
    file.write_text('vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_sandbox"\n')
    monkeypatch.setenv("KLAVIER_CONFIG", str(file))
    found = klavier.Sandbox(unknown_lists="create")
    monkeypatch.setattr(analytics, "open_relay", lambda: klavier.open(transport=found.transport()))
    yield found
    analytics.shutdown()


@pytest.mark.parametrize("name", ["identify", "track", "group", "alias", "page", "screen"])
def test_the_arguments_are_segments(name: str) -> None:
    theirs = list(inspect.signature(getattr(Client, name)).parameters)[1:]
    assert list(inspect.signature(getattr(analytics, name)).parameters) == theirs


def test_events_arrive(sandbox: klavier.Sandbox) -> None:
    analytics.identify("u1", {"email": "ada@shop.test"})
    accepted, payload = analytics.track("u1", "Signed Up", {"plan": "pro"}, message_id="m-1")
    assert (accepted, payload["messageId"]) == (True, "m-1")
    analytics.flush()
    assert '"external_id": "u1"' in json.dumps(sandbox.profile("ada@shop.test"))
    assert "Signed Up" in str(sandbox.state())
    analytics.shutdown()
    analytics.track("u1", "Signed Up again")  # opens a relay anew
    analytics.join()
    assert "Signed Up again" in str(sandbox.state())


def test_errors_are_raised_or_passed_to_on_error(sandbox: klavier.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(klavier.EventError):
        analytics.track("u1", "E", {"n": float("nan")})
    seen: list[Any] = []
    monkeypatch.setattr(analytics, "on_error", lambda error, items: seen.append((type(error), len(items))))
    assert analytics.track("u1", "E", {"n": float("nan")})[0] is False
    assert analytics.track(None, "E")[0] is False
    assert analytics.track("u1", "E", "text")[0] is False  # type: ignore[arg-type]  # the fault
    assert seen == [(klavier.EventError, 1)] * 3
    with pytest.raises(TypeError, match="did you mean 'properties'"):
        analytics.track("u1", "E", propertis={})  # type: ignore[call-arg]  # the fault
    assert sandbox.calls == []


def test_nothing_is_sent_where_sending_is_off(sandbox: klavier.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analytics, "send", False)
    assert analytics.track("u1", "E")[0] is True
    monkeypatch.setattr(analytics, "send", True)
    monkeypatch.setattr(analytics, "sync_mode", True)
    analytics.track("u1", "F")
    assert [call.path for call in sandbox.calls] == ["/api/events"]


def test_a_child_of_a_program_that_is_opening_its_relay_sends_too(sandbox: klavier.Sandbox) -> None:
    assert sandbox
    with analytics._opening.lock:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if analytics.track("u1", "In the child")[0] else 2
            finally:
                os._exit(code)
        deadline = time.monotonic() + LONG
        ended = (0, 0)
        while not ended[0] and time.monotonic() < deadline:
            ended = os.waitpid(child, os.WNOHANG)
            time.sleep(0.02)
    if not ended[0]:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert ended == (child, 0)
