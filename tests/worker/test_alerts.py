"""What operators read in the log: each cause once, then counted, and when it is over; never personal data."""

import asyncio
import logging
from typing import Any

import httpx
import pytest

import klavier
from klavier.outbox import SqliteOutbox
from klavier.worker.alerts import FIRST_REPEAT, LONGEST_REPEAT, Alerts
from tests.support.clocks import Clock
from tests.support.simulation import Simulation, fill
from tests.support.virtual_time import run_virtually
from tests.support.waiting import LONG

DAY = 86_400.0
USER = "ada.lovelace@example.org"


@pytest.fixture
def alerts(clock: Clock, caplog: pytest.LogCaptureFixture) -> Alerts:
    caplog.set_level(logging.INFO)
    return Alerts(logging.getLogger("klavier.test"), clock)


def test_a_cause_is_logged_once_and_then_counted(
    alerts: Alerts, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        alerts.report("key", "the key is refused")
        clock.now += 1.0
    alerts.report("disk", "the disk is full", logging.ERROR)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "the key is refused"),
        ("WARNING", "the key is refused (60 times since the last line)"),
        ("ERROR", "the disk is full"),
    ]


def test_a_day_of_one_problem_is_few_lines(alerts: Alerts, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(int(DAY)):
        alerts.report("key", "the key is refused")
        clock.now += 1.0
    assert len(caplog.records) <= DAY / LONGEST_REPEAT + 8


def test_a_recovery_is_logged_once(alerts: Alerts, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    alerts.resolve("key", "the key is accepted")
    assert not alerts.has_problems
    alerts.report("key", "the key is refused")
    assert alerts.has_problems
    clock.now += FIRST_REPEAT
    for _ in range(3):
        alerts.resolve("key", "the key is accepted")
    assert not alerts.has_problems
    assert [record.getMessage() for record in caplog.records] == ["the key is refused", "the key is accepted"]


def test_what_fails_and_works_in_turns_does_not_fill_the_log(
    alerts: Alerts, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(600):
        alerts.report("key", "the key is refused")
        alerts.resolve("key", "the key is accepted")
        clock.now += 0.1
    assert len(caplog.records) == 1


PROBLEMS: dict[str, tuple[klavier.Response, str]] = {
    "key": (klavier.Response(401), "does not accept the private key"),
    "scope": (klavier.Response(403), "create_event: the key may not be used for it"),
    "unreachable": (klavier.Response.none("the connection was refused"), "Klaviyo is unreachable: the connection was"),
    "circuit": (klavier.Response(503), "create_event: 10 requests in a row failed (status 503)"),
    "stranger": (klavier.Response(302), "Klaviyo is unreachable: the reply is not Klaviyo's: status 302"),
    "refusals": (klavier.Response(410), "Klaviyo refuses everything (status 410)"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_is_logged_at_once_and_its_end_too(name: str, caplog: pytest.LogCaptureFixture) -> None:
    reply, message = PROBLEMS[name]

    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (track(n) for n in range(100)))
        simulation = Simulation(outbox)
        klaviyo = simulation.klaviyo
        klaviyo.fault = lambda _: reply if klaviyo.clock() < 3600.0 else None
        running = simulation.start()
        await asyncio.sleep(5.0)
        assert any(message in text for text in texts(caplog, logging.WARNING))
        await asyncio.sleep(2 * 3600.0)
        simulation.accept((track(n) for n in range(1)), first=1000)
        await asyncio.sleep(60.0)
        simulation.stop()
        await running
        assert any("again" in text for text in texts(caplog, logging.INFO))
        assert len(texts(caplog, logging.WARNING)) < 25

    caplog.set_level(logging.INFO)
    run_virtually(main())
    assert USER not in caplog.text


def test_dead_letters_are_logged_once_a_cause(caplog: pytest.LogCaptureFixture) -> None:
    error = {"detail": f"{USER} is bad", "source": {"pointer": "/data/attributes/profile"}}
    config = {"vendor": "rudderstack", "klaviyo": {"private_api_key": "pk_x"}, "delivery": {"outbox": "memory"}}
    transport = httpx.MockTransport(lambda _: httpx.Response(400, json={"errors": [error]}))
    with klavier.open(config, transport=transport) as relay:
        for number in range(50):
            relay.send(track(number))
        assert relay.flush(LONG).failed == 50
    (text,) = texts(caplog, logging.WARNING)
    assert text == "an event became a dead letter (failed, status 400): `klavier dead list` shows why"


def texts(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def track(number: int) -> dict[str, Any]:
    return {"type": "track", "userId": f"{number}.{USER}", "event": "Event"}
