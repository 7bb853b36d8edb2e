"""A backlog of mixed events drains as fast as Klaviyo's limits and each person's order allow, in virtual time.

`KLAVIER_DRAIN` is how many events, a million for the full size (then only the ratio counts); without it a few
minutes' worth.
"""

import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import field, frozen

from klavier.klaviyo.operations import RateLimit, find_operation
from klavier.outbox import SqliteOutbox
from klavier.worker.factory import FEWEST_CALLS
from klavier.worker.worker import WorkerOptions
from tests.support.simulation import Simulation, fill
from tests.support.virtual_time import run_virtually

LATENCY = 0.05
FULL = os.environ.get("KLAVIER_DRAIN")
KINDS = {"track": "POST /api/events", "identify": "POST /api/profile-import"}
SUBSCRIBE = "POST /api/profile-subscription-bulk-create-jobs"
SINGLE = {**KINDS, "group": SUBSCRIBE}
BULK = {
    "track": "POST /api/event-bulk-create-jobs",
    "identify": "POST /api/profile-bulk-import-jobs",
    "group": SUBSCRIBE,
}
SINGLE_CALLS = WorkerOptions()
OFTEN, RARELY = {"identify": 0.10, "group": 0.02}, {"identify": 0.005, "group": 0.002}


@frozen
class Backlog:
    """How many events of whom, and what is theirs: `others` is the part of each kind that is no track.

    `zipf` gives a few people most of the events.  In bulk they are seldom identified: a profile between two events
    parts the bodies that these could share, and then their order takes longer than the limits do.
    """

    options: WorkerOptions = field(repr=False)
    count: int
    zipf: bool
    others: dict[str, float]
    last_minute: float
    """Seconds that may be lost once: the last body's wait, the quota of the last minute that is spread over it."""

    @property
    def sizes(self) -> dict[str, int]:
        """Return how many events of a kind one call takes."""
        return {"track": 1000, "identify": 10_000, "group": 1000} if self.options.combine else dict.fromkeys(SINGLE, 1)

    def events(self) -> Iterator[dict[str, Any]]:
        """Make the events, the same ones each time."""
        rng = random.Random(1)  # noqa: S311 -- a repeatable simulation, not a secret
        people = self.count // 4
        weights = list(itertools.accumulate(1 / (rank + 1) if self.zipf else 1 for rank in range(people)))
        kinds = [*self.others, "track"]
        shares = list(itertools.accumulate([*self.others.values(), 1 - sum(self.others.values())]))
        for person in rng.choices(range(people), cum_weights=weights, k=self.count):
            (kind,) = rng.choices(kinds, cum_weights=shares)
            yield {"type": kind, "userId": f"u{person}", "event": "Event", "traits": {}, "groupId": "G"}


CASES = [
    pytest.param(
        Backlog(SINGLE_CALLS, int(FULL or 8_000), zipf=False, others=OFTEN, last_minute=10), id="single, even"
    ),
    pytest.param(
        Backlog(SINGLE_CALLS, int(FULL or 15_000), zipf=True, others=OFTEN, last_minute=30), id="single, zipf"
    ),
    pytest.param(Backlog(FEWEST_CALLS, int(FULL or 20_000), zipf=False, others=OFTEN, last_minute=4), id="bulk, even"),
    pytest.param(Backlog(FEWEST_CALLS, int(FULL or 20_000), zipf=True, others=RARELY, last_minute=3), id="bulk, zipf"),
]


def least_seconds(backlog: Backlog) -> float:
    """Return the least time in which it can be delivered, whatever the order of sending.

    The greater of what Klaviyo's fixed windows take for the fewest calls, one endpoint beside the other, and what the
    busiest person's calls take one after the other: a reply for each of them, where what can share a call does.

    The windows are taken to begin with the first call.  Klaviyo does not say when they do, so nobody who is never to be
    refused can have more than one window's quota within a minute, wherever in it the calls lie.
    The fewest calls are those of the endpoint that the mode is for: a bulk body is full, a single event is never put
    beside the bodies to go by a quota of its own.
    """
    calls = Counter(event["type"] for event in backlog.events())
    fewest = {kind: -(-count // backlog.sizes[kind]) for kind, count in calls.items()}
    endpoints = BULK if backlog.options.combine else SINGLE
    windows = [window_seconds(count, rate_of(endpoints[kind])) for kind, count in fewest.items()]
    return max(*windows, LATENCY * max(steps(backlog).values()))


def steps(backlog: Backlog) -> Counter[str]:
    """Count the calls that each person's events need one after the other."""
    found: Counter[str] = Counter()
    last: dict[str, tuple[str, int]] = {}
    for event in backlog.events():
        kind, run = last.get(event["userId"], ("", 0))
        shares = backlog.options.combine and kind == event["type"] == "track" and run < backlog.sizes["track"]
        found[event["userId"]] += not shares
        last[event["userId"]] = event["type"], run + 1 if shares else 1
    return found


def rate_of(call: str) -> RateLimit:
    operation = find_operation(*call.split())
    assert operation is not None
    return operation.rate


def window_seconds(calls: int, rate: RateLimit) -> float:
    """Return how long Klaviyo's fixed windows take for so many calls at best."""
    minutes, rest = divmod(calls - 1, rate.steady)
    return minutes * 60.0 + rest // rate.burst


@pytest.mark.parametrize("backlog", CASES)
def test_a_backlog_drains_as_fast_as_the_limits_allow(backlog: Backlog) -> None:
    async def main() -> None:
        outbox = SqliteOutbox()
        fill(outbox, backlog.events())
        simulation = Simulation(outbox, options=backlog.options, latency=LATENCY)
        took = await simulation.drain()
        klaviyo = simulation.klaviyo
        least = least_seconds(backlog)
        print(f"{backlog}: {took:.1f} s, at least {least:.1f} s, {len(klaviyo.throttled)} refused")  # noqa: T201 -- shown by `pytest -s`
        assert simulation.outcomes == {"delivered": backlog.count}
        assert all(numbers == sorted(numbers) for numbers in klaviyo.received.values())
        assert [at for at in klaviyo.throttled if at > 60] == []
        ratio = 1.25 if backlog.zipf else 1.05
        assert took <= ratio * least + (0 if FULL else backlog.last_minute)

    run_virtually(main())


def test_bulk_calls_are_full() -> None:
    """Each person is identified when first seen, and does something afterwards."""

    async def main() -> None:
        outbox = SqliteOutbox()
        known: set[str] = set()
        for event in (events := list(Backlog(FEWEST_CALLS, 20_000, zipf=True, others={}, last_minute=0).events())):
            if event["userId"] not in known:
                known.add(event["userId"])
                event["type"] = "identify"
        fill(outbox, events)
        simulation = Simulation(outbox, options=FEWEST_CALLS, latency=LATENCY)
        await simulation.drain()
        calls = simulation.klaviyo.calls
        assert calls["bulk_create_events"] <= 1.05 * -(-(len(events) - len(known)) // 1000) + 3
        assert calls["bulk_import_profiles"] <= 3

    run_virtually(main())
