"""What a relay does at its ends, and with wrong use: a clear error or nothing, never a traceback of a thread."""

import asyncio
import datetime as dt
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import klavier
from klavier.outbox import SqliteOutbox
from tests.support.waiting import LONG

Settings = dict[str, Any]


def settings(folder: Path, **delivery: Any) -> Settings:
    return {
        "vendor": "rudderstack",
        "klaviyo": {"private_api_key": "pk_sandbox"},
        "delivery": {"outbox": str(folder / "klavier.db"), **delivery},
    }


def refuse_key(_: httpx.Request) -> httpx.Response:
    return httpx.Response(401, json={"errors": [{"detail": "incorrect key"}]})


def refuse_everything(_: httpx.Request) -> httpx.Response:
    return httpx.Response(410, json={"errors": [{"detail": "this revision is retired"}]})


def accept(_: httpx.Request) -> httpx.Response:
    return httpx.Response(202, json={})


def refuse_connection(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


def over(reply: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    return httpx.MockTransport(reply)


@contextmanager
def no_thread_raises(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    raised: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    yield
    assert raised == []


@pytest.fixture(autouse=True)
def quiet_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with no_thread_raises(monkeypatch):
        yield


# Ends -----------------------------------------------------------------------------------------------------------------


def test_closing_twice_returns_the_same_counts(tmp_path: Path) -> None:
    relay = klavier.open(settings(tmp_path), transport=over(accept))
    relay.track("Signed Up", user_id="u1")
    assert relay.close() == relay.close() == relay.counts() == klavier.Counts(delivered=1)


@pytest.mark.parametrize("use", ["track", "send_many", "flush"])
def test_a_call_on_a_closed_relay_raises(tmp_path: Path, use: str) -> None:
    relay = klavier.open(settings(tmp_path), transport=over(accept))
    relay.close()
    with pytest.raises(klavier.RelayClosedError, match="open a new one"):  # noqa: PT012 -- one of three calls
        if use == "track":
            relay.track("E", user_id="u1")
        elif use == "flush":
            relay.flush()
        else:
            relay.send_many([])


def test_a_call_on_a_closed_asynchronous_relay_raises(tmp_path: Path) -> None:
    async def main() -> None:
        async with klavier.aopen(settings(tmp_path), transport=over(accept)) as relay:
            await relay.track("E", user_id="u1")
        assert await relay.close() == klavier.Counts(delivered=1)
        with pytest.raises(klavier.RelayClosedError):
            await relay.track("E", user_id="u1")
        with pytest.raises(klavier.RelayClosedError):
            await relay.flush()

    asyncio.run(main())


def test_closing_without_patience_leaves_the_rest_in_the_outbox(tmp_path: Path) -> None:
    started = threading.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        started.set()
        await asyncio.sleep(3600)
        raise AssertionError

    relay = klavier.open(settings(tmp_path), transport=httpx.MockTransport(never))
    relay.track("Kept", user_id="u1")
    assert started.wait(60)
    assert relay.close(timeout=0).pending == 1
    assert not any(thread.name == "klavier" for thread in threading.enumerate())
    with klavier.open(settings(tmp_path), transport=over(accept)) as again:
        assert again.flush(LONG) == klavier.Counts(delivered=1)


def test_threads_that_send_while_another_closes_get_an_error_or_are_accepted(tmp_path: Path) -> None:
    relay = klavier.open(settings(tmp_path), transport=over(accept))
    accepted: list[int] = []
    odd: list[BaseException] = []

    def work() -> None:
        while True:
            try:
                relay.track("E", user_id="u1")
                accepted.append(1)
            except klavier.RelayClosedError:
                return
            except BaseException as error:  # noqa: BLE001 -- this is what the test is about
                odd.append(error)
                return

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    closed = relay.close(timeout=0)
    for thread in threads:
        thread.join()
    assert odd == []
    with klavier.open(settings(tmp_path), transport=over(accept)) as again:
        assert closed.delivered <= len(accepted)
        assert again.flush(LONG).pending == 0


def test_an_observer_may_close_the_relay(tmp_path: Path) -> None:
    closed = threading.Event()
    relays: list[klavier.Relay] = []

    def observe(_: object, __: object) -> None:
        relays[0].close()
        closed.set()

    relays.append(klavier.open(settings(tmp_path), transport=over(accept), on_outcome=observe))
    relays[0].track("E", user_id="u1")
    assert closed.wait(60)


@pytest.mark.parametrize("use", ["with", "flush"])
def test_a_refused_key_does_not_hold_a_program_up(tmp_path: Path, caplog: pytest.LogCaptureFixture, use: str) -> None:
    relay = klavier.open(settings(tmp_path), transport=over(refuse_key))
    relay.track("Kept", user_id="u1")
    began = time.monotonic()
    if use == "flush":
        relay.flush(0.5)  # shorter than the pause of the key
    counts = relay.close(LONG)
    assert time.monotonic() - began < 300
    assert counts.pending == 1
    assert "Klaviyo does not accept the private key (401); 1 events stay in the outbox" in caplog.text


def test_a_relay_that_closes_logs_that_everything_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    relay = klavier.open(settings(tmp_path), transport=over(refuse_everything))
    for number in range(40):
        relay.track("Kept", user_id=f"u{number}")
    counts = relay.close(LONG)
    assert counts.pending > 0
    assert f"closed: Klaviyo refuses everything (status 410); {counts.pending} events stay in the outbox" in caplog.text


def test_what_memory_loses_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    relay = klavier.open({**settings(tmp_path), "delivery": {"outbox": "memory"}}, transport=over(refuse_connection))
    relay.track("Lost", user_id="u1")
    assert relay.close(timeout=0).pending == 1
    assert [record.levelno for record in caplog.records if "1 events are lost" in record.message] == [logging.WARNING]


def test_open_and_close_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "klavier")
    with klavier.open(settings(tmp_path), transport=over(accept)) as relay:
        relay.track("E", user_id="ada@shop.test")
    messages = [record.getMessage() for record in caplog.records if record.name == "klavier.relay"]
    assert messages == [
        "outbox opened: 0 events wait, 0 dead letters",
        "this process delivers now",
        "closed: 0 events stay in the outbox",
    ]


# Arguments ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "arguments", "wrong", "right"),
    [
        ("track", ("E",), "propertis", "properties"),
        ("identify", (), "trait", "traits"),
        ("page", (), "user_ID", "user_id"),
        ("screen", (), "anonymus_id", "anonymous_id"),
        ("group", ("g",), "contxt", "context"),
        ("alias", ("a", "b"), "messageId", "message_id"),
    ],
)
def test_a_misspelled_argument_raises_with_the_closest_name(
    tmp_path: Path, method: str, arguments: tuple[str, ...], wrong: str, right: str
) -> None:
    with (
        klavier.open(settings(tmp_path), transport=over(accept)) as relay,
        pytest.raises(TypeError, match=rf"{method}\(\) has no argument '{wrong}'; did you mean '{right}'\?"),
    ):
        getattr(relay, method)(*arguments, **{wrong: "x"})


def test_every_argument_reaches_the_payload(tmp_path: Path) -> None:
    stored: list[Any] = []
    moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    common = {
        "anonymous_id": "a1",
        "timestamp": moment,
        "context": {"ip": "203.0.113.7"},
        "integrations": {"All": 1},
    }
    with klavier.open(
        settings(tmp_path), transport=over(accept), on_outcome=lambda event, _: stored.append(event)
    ) as relay:
        relay.screen("Home", {"n": 1}, user_id=uuid.UUID(int=7), category="App", message_id="m-1", **common)  # type: ignore[arg-type]  # one dict for all
        relay.flush(LONG)
    assert stored[0].payload == {
        "type": "screen",
        "userId": str(uuid.UUID(int=7)),
        "name": "Home",
        "category": "App",
        "properties": {"n": 1},
        "anonymousId": "a1",
        "timestamp": "2026-01-02T00:00:00+00:00",
        "messageId": "m-1",
        "context": {"ip": "203.0.113.7"},
        "integrations": {"All": 1},
    }


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"userId": "@" * 20_000}, "userId has more than 1000 characters"),
        ({"userId": "u", "messageId": "m" * 1001}, "messageId has more than 1000 characters"),
        ({"anonymousId": "a" * 5000}, "anonymousId has more"),
        ({"userId": "u", "properties": {"a": "x" * 5_000_000}}, "more than 5000000 bytes"),
    ],
)
def test_what_klaviyo_can_never_take_is_refused_on_acceptance(tmp_path: Path, event: Settings, problem: str) -> None:
    with klavier.open(settings(tmp_path), transport=over(accept)) as relay:
        with pytest.raises(klavier.EventError, match=problem):
            relay.send({"type": "track", "event": "E", **event})
        assert relay.send({"type": "track", "event": "E", "userId": "u" * 1000})


# Configuration --------------------------------------------------------------------------------------------------------


def test_the_configuration_is_a_path_a_mapping_a_config_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text(
        'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_sandbox"\n[delivery]\noutbox = "box.db"\n'
    )
    config = klavier.load_config(file)
    sources: list[Any] = [file, str(file), config, None]
    for number, source in enumerate(sources):
        with klavier.open(source, environ={"KLAVIER_CONFIG": str(file)}, transport=over(accept)) as relay:
            relay.track(f"{number}", user_id="u1")
    assert [path.name for path in tmp_path.glob("*.db")] == ["box.db"]
    with klavier.open(settings(tmp_path), transport=over(accept)) as relay:
        relay.track("From a mapping", user_id="u1")
    assert (tmp_path / "klavier.db").exists()


def test_an_outbox_that_is_full_refuses_to_the_caller(tmp_path: Path) -> None:
    with klavier.open(settings(tmp_path, max_bytes=1_000_000), transport=over(refuse_key)) as relay:
        with pytest.raises(klavier.OutboxFullError, match="max_bytes"):
            relay.send_many(
                {"type": "track", "event": "E", "userId": "u1", "properties": {"a": "x" * 90_000}} for _ in range(20)
            )
        assert relay.counts().pending == 0


def test_an_outbox_url_without_a_plugin_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(klavier.ConfigError, match="no installed plugin opens pigeon:// outboxes"):
        klavier.open({**settings(tmp_path), "delivery": {"outbox": "pigeon://loft"}})
    with pytest.raises(klavier.ConfigError, match=r"opens postgresql:// outboxes; pip install 'klavier\[postgres\]'"):
        klavier.Plugins().open_outbox("postgresql://host/shop", None, None)


# Forks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", ["relay", "database", "tickets"])
def test_a_child_of_a_busy_parent_has_locks_of_its_own(tmp_path: Path, held: str) -> None:
    with klavier.open(settings(tmp_path), transport=over(accept)) as relay:
        outbox: Any = relay._config.outbox
        locks = {"relay": relay._lock, "database": outbox._database.lock, "tickets": outbox._appender._tickets_lock}
        holding, release = threading.Event(), threading.Event()

        def hold() -> None:
            with locks[held]:
                holding.set()
                release.wait(60)

        thread = threading.Thread(target=hold)
        thread.start()
        holding.wait(60)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                relay.track("In the child", user_id="u1")
                code = 0 if relay.close(60).pending == 0 else 2
            finally:
                os._exit(code)
        release.set()
        thread.join()
        deadline = time.monotonic() + 120
        found = (0, 0)
        while not found[0] and time.monotonic() < deadline:
            found = os.waitpid(child, os.WNOHANG)
            time.sleep(0.02)
        if not found[0]:
            os.kill(child, 9)
            os.waitpid(child, 0)
        assert found == (child, 0)


def test_a_call_returns_where_delivery_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The event is stored, and the next call tries again."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr("klavier.relay.relay.LeasedWorker", fail)
        relay = klavier.open(settings(tmp_path), transport=over(accept))
        assert relay.track("One", user_id="u1")
    assert relay.track("Two", user_id="u1")
    assert relay.close(LONG).delivered == 2
    assert "delivery ended: RuntimeError: no memory; the next event starts it again" in caplog.text


def test_what_is_in_flight_is_finished_where_closing_does_not_wait_for_the_key(tmp_path: Path) -> None:
    """It would be sent twice otherwise."""
    is_asked = threading.Event()

    async def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/api/events":
            return refuse_key(request)
        is_asked.set()
        await asyncio.sleep(0.5)
        return accept(request)

    relay = klavier.open(settings(tmp_path), transport=httpx.MockTransport(reply))
    relay.track("Slow", user_id="u1")
    assert is_asked.wait(LONG)
    relay.identify("u2", {"plan": "pro"})
    while relay._worker is None or not relay._worker.paused:
        time.sleep(0.01)
    relay.close(LONG)
    with closing(SqliteOutbox(tmp_path / "klavier.db")) as outbox:
        assert [entry.key for entry in outbox.read(0, 9)] == ["user:u2"]
