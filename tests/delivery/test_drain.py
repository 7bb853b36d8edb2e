"""A large backlog of a few busy and many quiet people, in virtual time: as fast as Klaviyo's limits allow.

`KLAVIER_DRAIN` is how many events, 20,000 without it.
"""

import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from klavier.delivery.outbox import Outbox
from klavier.klaviyo.endpoints import RateLimit, find_endpoint
from klavier.relay.opening import FEWEST_CALLS
from tests.support.simulation import Simulation, fill
from tests.support.virtual_time import run_virtually

EVENTS = int(os.environ.get("KLAVIER_DRAIN", "20000"))
LATENCY = 0.05


def backlog(count: int) -> Iterator[dict[str, Any]]:
    """Make the events of people by Zipf's law: each is identified when first seen, and does something afterwards."""
    rng = random.Random(1)  # noqa: S311 -- a repeatable simulation, not a secret
    people = count // 4
    weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(people)))
    known: set[int] = set()
    for person in rng.choices(range(people), cum_weights=weights, k=count):
        kind = "track" if person in known else "identify"
        known.add(person)
        yield {"type": kind, "userId": f"u{person}", "event": "Event", "traits": {}}


def fewest_calls(kinds: Counter[str]) -> dict[str, int]:
    return {"bulk_import_profiles": -(-kinds["identify"] // 10_000), "bulk_create_events": -(-kinds["track"] // 1000)}


def least_seconds(calls: int, rate: RateLimit) -> float:
    """Give how long Klaviyo's fixed windows take for so many calls at best."""
    minutes, rest = divmod(calls - 1, rate.steady)
    return minutes * 60.0 + rest // rate.burst


def test_a_backlog_of_busy_and_quiet_people_drains_as_fast_as_the_limits_allow() -> None:
    async def main() -> None:
        outbox = Outbox()
        events = list(backlog(EVENTS))
        kinds = Counter(event["type"] for event in events)
        fill(outbox, events)
        simulation = Simulation(outbox, pace=FEWEST_CALLS, latency=LATENCY)
        took = await simulation.drain()
        klaviyo = simulation.klaviyo
        assert simulation.outcomes == {"delivered": EVENTS}
        assert all(numbers == sorted(numbers) for numbers in klaviyo.received.values())
        assert [at for at in klaviyo.throttled if at > 60] == []
        rate = find_endpoint("POST", "/api/event-bulk-create-jobs")
        assert rate is not None
        fewest = fewest_calls(kinds)
        # Beside the quota: the import job and the last body's wait, once each, and a body that is not full at the end.
        assert took <= 1.05 * least_seconds(fewest["bulk_create_events"], rate.rate) + 4 * FEWEST_CALLS.linger
        assert klaviyo.calls["bulk_create_events"] <= 1.05 * fewest["bulk_create_events"] + 3
        assert klaviyo.calls["bulk_import_profiles"] <= fewest["bulk_import_profiles"] + EVENTS // 10_000

    run_virtually(main())
