"""What fails stops nothing else: one endpoint, one key, one burst, one stranger's reply."""

import asyncio
import itertools
import logging
import random
from collections import Counter
from typing import Any

import pytest

import klavier
from klavier.outbox import Settlement, SqliteOutbox
from klavier.worker.circuit_breaker import FAILURES
from klavier.worker.factory import FEWEST_CALLS
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import Simulation, fill, numbers_in
from tests.support.virtual_time import run_virtually

OPTIONS = [
    pytest.param(WorkerOptions(), id="single"),
    pytest.param(FEWEST_CALLS, id="bulk"),
    pytest.param(WorkerOptions(window=6400, batch=100), id="vendor's own batches"),
]
HOUR = 3600.0
OUTAGE = HOUR / 3


def track(user: object) -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": "Event"}


def identify(user: object) -> dict[str, Any]:
    return {"type": "identify", "userId": str(user), "traits": {}}


def is_profile(request: klavier.Request) -> bool:
    return "profile" in request.path.split("/")[2]


SECOND, FOUR_SECONDS, HOUR_LONG = ({"retry-after": seconds} for seconds in ("1", "4", "3600"))
GONE = klavier.Response(410, {"errors": [{"code": "gone", "detail": "This revision is retired"}]})
FAILURES_OF_PROFILES = {
    "500": [klavier.Response(500)],
    "401": [klavier.Response(401)],
    "403": [klavier.Response(403)],
    "429 for a second": [klavier.Response(429, headers=SECOND)],
    "429 for four seconds": [klavier.Response(429, headers=FOUR_SECONDS)],
    "429 for an hour": [klavier.Response(429, headers=HOUR_LONG)],
    "429 without a time": [klavier.Response(429)],
    "429 and 500 in turns": [klavier.Response(429, headers=SECOND), klavier.Response(500)],
    "no reply": [klavier.Response.none("the connection was reset")],
    "no reply and 429 in turns": [klavier.Response.none("timed out"), klavier.Response(429, headers=SECOND)],
    "redirect": [klavier.Response(302, None, {"location": "https://elsewhere.test/"})],
    "a page in HTML": [klavier.Response(200, "<html>")],
    "a closed account": [klavier.Response(402)],
    "a retired revision": [GONE],
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("failure", FAILURES_OF_PROFILES)
def test_a_failing_endpoint_stops_no_other(
    failure: str, options: WorkerOptions, caplog: pytest.LogCaptureFixture
) -> None:
    """Five hundred profiles come first, and their endpoint fails for a while; then come as many tracks."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, [*(identify(n) for n in range(500)), *(track(f"t{n}") for n in range(500))])
        simulation = Simulation(outbox, options=options)
        klaviyo, replies = simulation.klaviyo, itertools.cycle(FAILURES_OF_PROFILES[failure])
        klaviyo.fault = lambda request: next(replies) if is_profile(request) and klaviyo.clock() < OUTAGE else None
        running = simulation.start()
        await asyncio.sleep(45)
        assert simulation.outcomes["delivered"] == 500
        await asyncio.sleep(OUTAGE / 2)
        assert any("profile" in name for name in simulation.sender.open_endpoints())
        await asyncio.sleep(HOUR + 600)
        dead = simulation.outcomes["failed"]
        assert simulation.outcomes["delivered"] == count - dead
        assert dead == 0 or (failure in ("a closed account", "a retired revision") and dead < 20)
        simulation.stop()
        await running

    run_virtually(main())
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    whole_account = ("Klaviyo does not accept the private key", "Klaviyo refuses everything")  # no other was in use
    assert any("profile" in text or text.startswith(whole_account) for text in warnings)


@pytest.mark.parametrize("seed", [0, 3])
def test_a_bulk_endpoint_is_probed_by_a_bulk_request(seed: int) -> None:
    """Chance decides whether all profiles wait for the bulk endpoint alone, as with these seeds."""
    random.seed(seed)

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, [*(identify(n) for n in range(500)), *(track(f"t{n}") for n in range(100))])
        simulation = Simulation(outbox, options=FEWEST_CALLS)
        klaviyo = simulation.klaviyo
        throttled = klavier.Response(429)
        klaviyo.fault = lambda request: throttled if is_profile(request) and klaviyo.clock() < HOUR / 2 else None
        running = simulation.start()
        await asyncio.sleep(HOUR / 2 + 600)
        assert simulation.outcomes == {"delivered": count}
        simulation.stop()
        await running

    run_virtually(main())


SLOW: dict[str, tuple[float, klavier.Response | None]] = {
    "answers after 6 s": (6.0, None),
    "answers after 20 s": (20.0, None),
    "times out after 30 s": (30.0, klavier.Response.none("timed out")),
    "times out after 120 s": (120.0, klavier.Response.none("timed out")),
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", SLOW)
def test_a_slow_endpoint_delays_no_other(name: str, options: WorkerOptions, caplog: pytest.LogCaptureFixture) -> None:
    """Its requests occupy all connections, and its events the whole window, until they are overdue."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, [*(identify(n) for n in range(600)), *(track(f"t{n}") for n in range(400))])
        simulation = Simulation(outbox, options=options)
        klaviyo, (seconds, reply) = simulation.klaviyo, SLOW[name]
        klaviyo.delay = lambda request: seconds if is_profile(request) and klaviyo.clock() < 100 else 0.0
        klaviyo.fault = lambda request: reply if is_profile(request) and klaviyo.clock() < 100 else None
        running = simulation.start()
        await asyncio.sleep(20)
        assert sum(number >= 600 for its in klaviyo.received.values() for number in its) == 400
        await asyncio.sleep(400)
        assert simulation.outcomes == {"delivered": count}
        simulation.stop()
        await running

    run_virtually(main())
    assert any("profile" in text and "no reply for 5 s" in text for text in caplog.messages)


@pytest.mark.parametrize("options", OPTIONS)
def test_another_program_on_the_account_opens_no_circuit(
    options: WorkerOptions, caplog: pytest.LogCaptureFixture
) -> None:
    """It leaves one call in three of each endpoint to this one, which goes on at that speed and in order."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (make(n % 300) for n in range(500) for make in (track, identify)))
        simulation = Simulation(outbox, options=options)
        calls: Counter[str] = Counter()

        def fault(request: klavier.Request) -> klavier.Response | None:
            calls[request.path] += 1
            return klavier.Response(429, headers=SECOND) if calls[request.path] % 3 else None

        simulation.klaviyo.fault = fault
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert all(numbers == sorted(numbers) for numbers in simulation.klaviyo.received.values())

    run_virtually(main())
    assert not caplog.records


def test_probes_rotate() -> None:
    """The profiles that the first probes ask about fail for themselves."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (identify(n) for n in range(500)))
        simulation = Simulation(outbox)
        klaviyo = simulation.klaviyo
        tried: Counter[int] = Counter()

        def fault(request: klavier.Request) -> klavier.Response | None:
            ((_, number),) = numbers_in(request.json)
            tried[number] += 1
            return klavier.Response(500) if klaviyo.clock() < 600 or number < 40 else None

        klaviyo.fault = fault
        running = simulation.start()
        await asyncio.sleep(HOUR)
        assert simulation.outcomes["delivered"] == count - 40
        assert max(tried.values()) <= FAILURES
        simulation.stop()
        await running

    run_virtually(main())


@pytest.mark.parametrize("options", OPTIONS)
def test_a_rotated_key_is_noticed_within_thirty_seconds(options: WorkerOptions) -> None:
    """The key is refused for a while, in which many requests are in flight."""

    async def main(seconds: float) -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n) for n in range(300)))
        simulation = Simulation(outbox, options=options)
        klaviyo = simulation.klaviyo
        klaviyo.fault = lambda _: klavier.Response(401) if klaviyo.clock() < seconds else None
        took = await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert took < seconds + 40  # 30 s until it is noticed, and some for the events that were tried

    for seconds in (4.0, 100.0, HOUR):
        run_virtually(main(seconds))


@pytest.mark.parametrize("options", OPTIONS)
def test_a_burst_of_429_without_advice_holds_as_long_as_one(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n) for n in range(200)))
        simulation = Simulation(outbox, options=options)
        klaviyo = simulation.klaviyo
        klaviyo.fault = lambda _: klavier.Response(429) if klaviyo.clock() < 2.0 else None
        took = await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert took < 20

    run_virtually(main())


REFUSES_EVERYTHING = {
    "redirect": klavier.Response(302, None, {"location": "https://elsewhere.test/"}),
    "not found, in HTML": klavier.Response(404, "<html>Not Found</html>"),
    "success of another server": klavier.Response(200, "<html>Welcome</html>"),
    "a retired revision": klavier.Response(410, {"errors": [{"code": "gone", "detail": "This revision is retired"}]}),
    "a closed account": klavier.Response(402),
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", REFUSES_EVERYTHING)
def test_a_backlog_survives_a_refusal_of_everything(name: str, options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (make(n) for n in range(300) for make in (track, identify)))
        simulation = Simulation(outbox, options=options)
        klaviyo = simulation.klaviyo
        klaviyo.fault = lambda _: REFUSES_EVERYTHING[name] if klaviyo.clock() < HOUR else None
        await simulation.drain()
        assert simulation.outcomes["delivered"] >= count - 60  # twenty refusals, and what was in flight by then
        assert simulation.outcomes["delivered"] == count or name in ("a retired revision", "a closed account")

    run_virtually(main())


def test_entries_behind_a_delayed_backlog_are_delivered() -> None:
    """Fifteen thousand entries wait an hour for their retry, two hundred come after them."""

    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (track(n) for n in range(15_000)))
        outbox.settle(Settlement(entry, due=HOUR, tries=1, first_try=1.0) for entry in outbox.read(0, 15_000))
        count = fill(outbox, (track(f"new{n}") for n in range(200)), first=20_000)
        simulation = Simulation(outbox, policy=klavier.RetryPolicy(longest=HOUR))
        running = simulation.start()
        await asyncio.sleep(5)
        assert simulation.outcomes == {"delivered": count}
        simulation.stop()
        await running

    run_virtually(main())
