import asyncio
import random
from collections import Counter
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import klavier
from klavier.outbox import SqliteOutbox
from klavier.retry import RetryPolicy
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import Simulation, fill
from tests.support.virtual_time import run_virtually

SINGLE = WorkerOptions()
BULK = WorkerOptions(combine=True, window=10_000, run=100)
TOGETHER = WorkerOptions(combine=True, window=10_000, run=100, batch=70)
VENDORS_OWN = WorkerOptions(window=6400, batch=100)
OPTIONS = [pytest.param(SINGLE, id="single"), pytest.param(BULK, id="bulk")]
BATCHES = [pytest.param(TOGETHER, id="together"), pytest.param(VENDORS_OWN, id="vendor's own batches")]
HOUR = 3600.0


def track(user: object) -> dict[str, Any]:
    return {"type": "track", "userId": str(user), "event": "Event"}


def identify(user: object) -> dict[str, Any]:
    return {"type": "identify", "userId": str(user), "traits": {}}


def in_order(received: dict[str, list[int]]) -> bool:
    return all(numbers == sorted(numbers) for numbers in received.values())


@pytest.mark.parametrize("options", OPTIONS + BATCHES)
def test_every_event_is_delivered_once_and_in_order(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        rng = random.Random(1)  # noqa: S311 -- a repeatable simulation, not a secret
        count = fill(outbox, (rng.choice([track, track, identify])(rng.randrange(40)) for _ in range(2000)))
        simulation = Simulation(outbox, options=options)
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert sum(map(len, simulation.klaviyo.received.values())) == count
        assert in_order(simulation.klaviyo.received)
        assert outbox.status().waiting == 0
        assert simulation.klaviyo.throttled == []

    run_virtually(main())


@pytest.mark.parametrize("options", OPTIONS)
def test_an_outage_of_half_a_day_drains_in_order(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n % 30) for n in range(60)))
        simulation = Simulation(outbox, options=options)
        klaviyo = simulation.klaviyo
        klaviyo.fault = lambda _: klavier.Response(503) if klaviyo.clock() < 12 * HOUR else None
        took = await simulation.drain()
        assert 12 * HOUR < took < 13 * HOUR
        assert simulation.outcomes == {"delivered": count}
        assert in_order(klaviyo.received)

    run_virtually(main())


@pytest.mark.parametrize("options", OPTIONS)
def test_a_key_that_is_not_accepted_loses_nothing(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n % 5) for n in range(50)))
        simulation = Simulation(outbox, options=options)
        klaviyo = simulation.klaviyo
        klaviyo.fault = lambda _: klavier.Response(401) if klaviyo.clock() < HOUR else None
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert in_order(klaviyo.received)

    run_virtually(main())


@pytest.mark.parametrize("options", OPTIONS + BATCHES)
def test_a_poisoned_event_becomes_a_dead_letter_and_the_rest_arrives(options: WorkerOptions) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n % 7) for n in range(300)))
        simulation = Simulation(outbox, options=options)

        def fault(request: klavier.Request) -> klavier.Response | None:
            if b'"n":13}' not in request.body:
                return None
            error = {"detail": "bad", "source": {}}
            rows = request.json["data"]["attributes"].get("events-bulk-create", {}).get("data", [])
            for index, row in enumerate(rows):
                if row["attributes"]["events"]["data"][0]["attributes"]["properties"]["n"] == 13:
                    error["source"] = {"pointer": f"/data/attributes/events-bulk-create/data/{index}/attributes"}
            return klavier.Response(400, {"errors": [error]})

        simulation.klaviyo.fault = fault
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count - 1, "failed": 1}
        assert in_order(simulation.klaviyo.received)
        (letter,) = outbox.dead_letters()
        assert (letter.message_id, letter.status, letter.kind) == ("m13", 400, "failed")
        assert "m13" not in letter.requests

    run_virtually(main())


def test_a_refused_body_without_a_pointer_is_halved_until_the_bad_row_is_found() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (track(n) for n in range(1000)))
        simulation = Simulation(outbox, options=BULK)
        simulation.klaviyo.fault = lambda r: klavier.Response(400) if b'"n":500}' in r.body else None
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count - 1, "failed": 1}
        assert simulation.klaviyo.calls["bulk_create_events"] <= 12

    run_virtually(main())


def test_outcomes_are_reported_while_other_calls_hang() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, [*(track(f"slow{n}") for n in range(3)), *(track(n) for n in range(60))])
        simulation = Simulation(outbox, options=WorkerOptions(connections=4))
        simulation.klaviyo.delay = lambda request: 600.0 if b"slow" in request.body else 0.0
        draining = asyncio.create_task(simulation.drain())
        await asyncio.sleep(0.7)  # the fourth connection has sent about fourteen, fewer than are written down at once
        assert simulation.outcomes["delivered"] >= 10
        await draining
        assert simulation.outcomes == {"delivered": count}

    run_virtually(main())


def test_an_event_that_keeps_failing_is_given_up_and_delays_only_its_profile() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, [track("bad"), track("bad"), *(track(n) for n in range(100))])
        simulation = Simulation(outbox, policy=RetryPolicy(tries=4))
        simulation.klaviyo.fault = lambda r: klavier.Response(500) if b'"n":0}' in r.body else None
        await simulation.drain()
        assert simulation.outcomes == {"delivered": 101, "failed": 1}
        assert [(letter.message_id, letter.tries) for letter in outbox.dead_letters()] == [("m0", 4)]
        assert simulation.klaviyo.received["bad"] == [1]

    run_virtually(main())


@pytest.mark.parametrize("batch", [1, 50])
def test_what_is_behind_an_event_that_is_given_up_goes_on(batch: int) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, [identify("bad"), *(track("bad") for _ in range(20)), *(track(n) for n in range(100))])
        options = WorkerOptions(combine=True, window=10_000, run=100, batch=batch)
        simulation = Simulation(outbox, options=options, policy=RetryPolicy(tries=1))
        simulation.klaviyo.fault = lambda r: klavier.Response(500) if b'"n":0}' in r.body else None
        await simulation.drain()
        assert simulation.outcomes == {"delivered": 120, "failed": 1}
        assert simulation.klaviyo.received["bad"] == list(range(1, 21))

    run_virtually(main())


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6), rate=st.floats(0, 0.6), options=st.sampled_from([SINGLE, BULK, TOGETHER, VENDORS_OWN])
)
def test_random_faults_never_lose_double_or_misorder(seed: int, rate: float, options: WorkerOptions) -> None:
    async def main() -> None:
        rng = random.Random(seed)  # noqa: S311 -- a repeatable simulation, not a secret
        outbox = SqliteOutbox()
        kinds = [track, track, track, identify]
        count = fill(outbox, (rng.choice(kinds)(rng.randrange(12)) for _ in range(200)))
        simulation = Simulation(outbox, options=options, policy=RetryPolicy(tries=10**6, give_up=1e9))
        statuses = [429, 500, 502, 503, 504, 524, 0, 408]

        def fault(_: klavier.Request) -> klavier.Response | None:
            return klavier.Response(rng.choice(statuses)) if rng.random() < rate else None

        simulation.klaviyo.fault = fault
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert sum(map(len, simulation.klaviyo.received.values())) == count
        assert in_order(simulation.klaviyo.received)

    run_virtually(main())


def test_profiles_that_many_events_wait_for_are_sent_singly() -> None:
    """Each profile of one key is between two events and the next two; waiting for others would take a second each."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (make("busy") for make in [identify, track, track] * 400))
        simulation = Simulation(outbox, options=evolve(BULK, linger=1.0))
        took = await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert simulation.klaviyo.received["busy"] == list(range(count))
        assert took < 250  # four hundred bulk calls need three minutes of quota; the lingering alone would take longer

    run_virtually(main())


def test_what_comes_after_a_failure_is_neither_sent_nor_counted_as_tried() -> None:
    """Every event fails twice and may fail twice, in runs of seven that go one by one."""

    async def main() -> None:
        outbox = SqliteOutbox()
        count = fill(outbox, (make("busy") for make in [identify, *[track] * 7] * 20))
        simulation = Simulation(outbox, options=BULK, policy=RetryPolicy(tries=3))
        klaviyo = simulation.klaviyo
        tried: Counter[int] = Counter()

        def fault(request: klavier.Request) -> klavier.Response | None:
            if request.path != "/api/events":
                return klavier.Response(429, headers={"retry-after": "60"}) if "event-bulk" in request.path else None
            number = request.json["data"]["attributes"]["properties"]["n"]
            tried[number] += 1
            return klavier.Response(503) if tried[number] <= 2 else None

        klaviyo.fault = fault
        await simulation.drain()
        assert simulation.outcomes == {"delivered": count}
        assert klaviyo.received["busy"] == list(range(count))
        assert max(tried.values()) == 3

    run_virtually(main())


def test_bulk_spends_the_fewest_calls() -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, (track(n % 5000) for n in range(12_345)))
        simulation = Simulation(outbox, options=BULK)
        await simulation.drain()
        assert simulation.klaviyo.calls == {"bulk_create_events": 13}

    run_virtually(main())
