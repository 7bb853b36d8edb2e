"""Every trouble that a call can meet, at three calls in ten, with the vendor's calls and with few, in virtual time.

Whatever happens, every event ends in one outcome that is true: what is said to be delivered is in the account once,
what is said to have failed is not, and the events of a person arrived in their order.

`KLAVIER_FAULTS=2000x20` gives each of so many people so many events, in place of 25 and 6, and meets every fault in
flows of several calls too, of which the usual run tries some.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from attrs import evolve

import klavier
from klavier.events.model import Event
from klavier.klaviyo.operations import BY_NAME
from klavier.outbox import Entry, SqliteOutbox
from klavier.outcome import Outcome
from klavier.retry import RetryPolicy
from klavier.sandbox.faults import Fault
from klavier.worker.factory import FEWEST_CALLS
from klavier.worker.rate_limiter import BURST_SECONDS, STEADY_SECONDS, RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.translator import Translator
from klavier.worker.worker import Worker, WorkerOptions
from tests.support.virtual_time import run_virtually

AT_LENGTH = "KLAVIER_FAULTS" in os.environ
PEOPLE, EACH = map(int, os.environ.get("KLAVIER_FAULTS", "25x6").split("x"))
NUMBERS = range(1, EACH * PEOPLE + 1)
"""From 1: Klaviyo ignores properties that are 0."""
OPTIONS = {"single": WorkerOptions(), "bulk": FEWEST_CALLS}
PATIENT = RetryPolicy(tries=10**6, give_up=1e9)
OFTEN: Any = {"times": None, "rate": 0.3}

DETECTION_SECONDS = 20.0
"""In how many seconds it must be known that an endpoint fails: half are waits after 429, which double from a second up
to five before the endpoint is held back, and five of nothing but 429; the others are for an attempt of each event."""

PASSING = {
    "429 in a second": Fault.throttled(1, **OFTEN),
    "429 at once": Fault.throttled(0, **OFTEN),
    "429 in an hour": Fault.throttled(3600, **OFTEN),
    "429 at a date gone by": Fault(429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, **OFTEN),
    "429 without a time": Fault(429, **OFTEN),
    "429 with nonsense": Fault(429, {"Retry-After": "soon"}, **OFTEN),
    "429 with less than nothing": Fault(429, {"Retry-After": "-5"}, **OFTEN),
    "401": Fault(401, **OFTEN),
    "403": Fault(403, **OFTEN),
    **{str(status): Fault(status, **OFTEN) for status in (408, 500, 502, 503, 504, 524)},
    "reset": Fault.reset(**OFTEN),
    "lost reply": Fault.lost_reply(**OFTEN),
    "reply cut off": Fault.cut(**OFTEN),
    "500 after the work": Fault(500, processed=True, **OFTEN),
    "503 that is not JSON": Fault.garbled(status=503, **OFTEN),
    "202 that is not JSON": Fault.garbled(status=202, processed=True, **OFTEN),
    "400 that is not JSON": Fault.garbled(status=400, **OFTEN),
    "redirect": Fault.redirect("https://elsewhere.test/", **OFTEN),
}
"""Trouble that passes: every event arrives in the end."""

LASTING = {
    **{str(status): Fault(status, **OFTEN) for status in (400, 404, 409, 410, 413, 422)},
}
"""Refusals: the events that they meet are given up, each with a dead letter, and the others arrive."""


class Account:
    """A sandbox with faults in force, delivered to until nothing waits."""

    vendor = klavier.load_vendor("rudderstack", {"private_api_key": "pk_sandbox"})

    @staticmethod
    def payload(number: int) -> dict[str, Any]:
        return track(number)

    def __init__(self, faults: Sequence[Fault], options: WorkerOptions) -> None:
        self.sandbox = klavier.Sandbox(seed=7)
        self.sandbox.faults.add(*faults)
        self.outbox = SqliteOutbox()
        self.outcomes: dict[int, list[str]] = defaultdict(list)
        events = [klavier.parse_event(self.payload(number)) for number in NUMBERS]
        self.outbox.append([(e.stable_id, self.vendor.key(e), orjson.dumps(e.payload)) for e in events], now=0.0)
        run_virtually(self._deliver(self.vendor, options))

    async def _deliver(self, vendor: klavier.Vendor, options: WorkerOptions) -> None:
        clock = asyncio.get_running_loop().time
        dispatcher = Worker(
            self.outbox,
            Translator(vendor, klavier.Plugins()),
            Sender(self.sandbox.send_async, RateLimiter(clock), clock),
            policy=PATIENT,
            options=options,
            now=clock,
            observe=self._observe,
        )
        await dispatcher.run(until_empty=True)

    def _observe(self, event: Event | None, _: Entry, outcome: Outcome) -> None:
        assert event is not None
        self.outcomes[event.payload["properties"]["n"]].append(outcome.kind)

    def ended(self, kind: str) -> set[int]:
        return {number for number, kinds in self.outcomes.items() if kinds == [kind]}

    def arrived(self) -> dict[str, list[int]]:
        """Return the numbers that the account holds, by person, in the order of arrival."""
        found: dict[str, list[int]] = defaultdict(list)
        for event in sorted(self.sandbox.state()["events"], key=lambda event: event["id"]):
            found[event["profile"]].append(event["properties"]["n"])
        return found


def track(number: int) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Counted",
        "userId": f"u{number % PEOPLE}",
        "messageId": f"m{number}",
        "properties": {"n": number},
    }


def check(account: Account) -> None:
    arrived = account.arrived()
    numbers = [number for its in arrived.values() for number in its]
    assert all(its == sorted(its) for its in arrived.values())
    assert len(numbers) == len(set(numbers))
    assert set(numbers) == account.ended("delivered")
    assert account.ended("delivered") | account.ended("failed") == set(NUMBERS)
    assert account.outbox.status().waiting == 0
    assert {int(letter.message_id[1:]) for letter in account.outbox.dead_letters(limit=len(NUMBERS))} == account.ended(
        "failed"
    )


@pytest.mark.parametrize("mode", OPTIONS)
@pytest.mark.parametrize("name", PASSING)
def test_temporary_faults_lose_no_event(name: str, mode: str) -> None:
    account = Account([PASSING[name]], OPTIONS[mode])
    check(account)
    assert account.ended("failed") == set()
    if mode == "single" and not name.startswith("202"):
        assert len(account.sandbox.calls) > len(NUMBERS)  # it was met, and something was tried again


@pytest.mark.parametrize("mode", OPTIONS)
@pytest.mark.parametrize("name", LASTING)
def test_a_refusal_costs_the_events_that_it_meets(name: str, mode: str) -> None:
    account = Account([LASTING[name]], OPTIONS[mode])
    check(account)
    letters = account.outbox.dead_letters(limit=len(NUMBERS))
    assert {letter.status for letter in letters} <= {LASTING[name].status}
    assert letters or mode == "bulk"  # singly, some of so many calls are met; few calls may all be spared


@pytest.mark.parametrize("mode", OPTIONS)
def test_all_temporary_faults_together_lose_no_event(mode: str) -> None:
    faults = [evolve(fault, rate=0.3 / len(PASSING)) for fault in PASSING.values()]
    account = Account(faults, OPTIONS[mode])
    check(account)
    assert account.ended("failed") == set()


def least_seconds(mode: str) -> float:
    """Return the time in which Klaviyo's limits allow all events, with the margins that the rate limiter keeps.

    Bursts until the quota of a minute is used up, then the same in each further minute.
    """
    operation = BY_NAME["create_event" if mode == "single" else "bulk_create_events"]
    calls = -(-len(NUMBERS) // operation.items)
    minutes, rest = divmod(calls - 1, operation.rate.steady)
    return minutes * STEADY_SECONDS + rest // operation.rate.burst * BURST_SECONDS


class OneEndpoint:
    """Profiles whose endpoints always fail, and as many tracks of others behind them.

    How many of these have arrived is counted after `seconds`; then the endpoints recover.
    """

    vendor = klavier.load_vendor("rudderstack", {"private_api_key": "pk_sandbox", "api_version": "v2"})

    def __init__(self, fault: Fault, options: WorkerOptions, seconds: float) -> None:
        self.sandbox = klavier.Sandbox(seed=7)
        self.sandbox.faults.add(evolve(fault, rate=1.0, match="/api/profile*"))
        self.outbox = SqliteOutbox()
        self.arrived_meanwhile = 0
        identifies = [{"type": "identify", "userId": f"p{n}", "messageId": f"p{n}", "traits": {}} for n in NUMBERS]
        events = [klavier.parse_event(payload) for payload in [*identifies, *map(track, NUMBERS)]]
        self.outbox.append([(e.stable_id, self.vendor.key(e), orjson.dumps(e.payload)) for e in events], now=0.0)
        run_virtually(self._deliver(options, seconds))

    async def _deliver(self, options: WorkerOptions, seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        worker = Worker(
            self.outbox,
            Translator(self.vendor, klavier.Plugins()),
            Sender(self.sandbox.send_async, RateLimiter(clock), clock),
            policy=PATIENT,
            options=options,
            now=clock,
            observe=lambda _event, _entry, _outcome: None,
        )
        running = asyncio.create_task(worker.run(until_empty=True))
        await asyncio.sleep(seconds)
        self.arrived_meanwhile = len(self.sandbox.state()["events"])
        self.sandbox.faults.clear()
        await running


@pytest.mark.parametrize("mode", OPTIONS)
@pytest.mark.parametrize("name", sorted(PASSING.keys() - {"401"}))  # which pauses the whole account
def test_an_endpoint_that_always_fails_delays_no_other(name: str, mode: str) -> None:
    account = OneEndpoint(PASSING[name], OPTIONS[mode], DETECTION_SECONDS + 1.1 * least_seconds(mode))
    assert account.arrived_meanwhile == len(NUMBERS)
    profiles = {profile["identifiers"]["external_id"] for profile in account.sandbox.state()["profiles"]}
    assert profiles == {f"p{number}" for number in NUMBERS} | {f"u{number % PEOPLE}" for number in NUMBERS}
    assert account.outbox.status().waiting == account.outbox.status().dead == 0


class Orders(Account):
    """Orders of Segment Classic: each flow says the order, then its two products, one call after the other."""

    vendor = klavier.load_vendor("segment-classic", {"api_key": "PUBLIC", "private_key": "pk_sandbox"})

    @staticmethod
    def payload(number: int) -> dict[str, Any]:
        products = [{"productId": place, "name": "Pear", "price": 2} for place in (1, 2)]
        properties = {"orderId": f"o{number}", "n": number, "products": products}
        return {**track(number), "event": "Order Completed", "properties": properties}

    def ids(self) -> list[str]:
        return [event["unique_id"] for event in self.sandbox.state()["events"]]

    def arrived(self) -> dict[str, list[int]]:
        """Return the numbers of the orders that arrived whole, by person, in the order of their first calls."""
        ids = set(self.ids())
        found: dict[str, list[int]] = defaultdict(list)
        for event in sorted(self.sandbox.state()["events"], key=lambda event: event["id"]):
            order = event["unique_id"]
            if "_" not in order and {f"{order}_1", f"{order}_2"} <= ids:
                found[event["profile"]].append(event["properties"]["n"])
        return found


SOME = ["429 in a second", "500", "524", "reset", "lost reply", "503 that is not JSON"]


@pytest.mark.parametrize("mode", OPTIONS)
@pytest.mark.parametrize("name", PASSING if AT_LENGTH else SOME)
def test_an_order_of_several_calls_arrives_whole_and_once(name: str, mode: str) -> None:
    account = Orders([PASSING[name]], OPTIONS[mode])
    check(account)
    assert account.ended("failed") == set()
    assert len(account.ids()) == len(set(account.ids())) == 3 * len(NUMBERS)


@pytest.mark.parametrize("mode", OPTIONS)
@pytest.mark.parametrize("name", LASTING if AT_LENGTH else ["400"])
def test_an_order_with_a_refused_call_is_not_delivered(name: str, mode: str) -> None:
    account = Orders([LASTING[name]], OPTIONS[mode])
    check(account)
    assert account.ended("failed") or mode == "bulk"  # few calls may all be spared
    assert len(account.ids()) == len(set(account.ids()))
