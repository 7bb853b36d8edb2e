"""Few calls or the vendor's calls: Klaviyo's account is the same afterwards."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import klavier
from klavier.outbox import SqliteOutbox
from klavier.retry import RetryPolicy
from klavier.testing.strategies import stream_payloads
from klavier.worker.factory import FEWEST_CALLS
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.sender import Sender
from klavier.worker.translator import Translator
from klavier.worker.worker import Worker, WorkerOptions
from tests.support.virtual_time import run_virtually

KEYS: dict[str, dict[str, Any]] = {
    "rudderstack": {"private_api_key": "pk_sandbox", "list_id": "XUepkK", "consent": ["email", "sms"]},
    "segment-classic": {"api_key": "SNDBX1", "private_key": "pk_sandbox"},
    "freshpaint": {"public_api_key": "SNDBX1", "private_api_key": "pk_sandbox"},
    "segment-actions": {"api_key": "pk_sandbox"},
}
LISTS: dict[str, tuple[str, dict[str, Any]]] = {
    "rudderstack": ("rudderstack", {"private_api_key": "pk_sandbox", "list_id": "XUepkK", "api_version": "v2"}),
    "segment-classic": ("segment-classic", {**KEYS["segment-classic"], "list_id": "XUepkK"}),
    "segment-classic, at once": (
        "segment-classic",
        {**KEYS["segment-classic"], "list_id": "XUepkK", "confirm_optin": False},
    ),
    "segment-actions": (
        "segment-actions",
        {"api_key": "pk_sandbox", "mappings": [{"action": "upsertProfile", "fields": {"list_id": "XUepkK"}}]},
    ),
    "freshpaint": ("freshpaint", KEYS["freshpaint"]),  # knows no lists
}
"""Vendors whose identify takes several steps: a profile, then its membership or consent."""

SINGLE = WorkerOptions()


def deliver(
    vendor: klavier.Vendor, payloads: Sequence[Any], options: WorkerOptions
) -> tuple[klavier.Sandbox, Counter[str]]:
    """Deliver payloads in virtual time; gives the account and how many events ended how."""
    sandbox = klavier.Sandbox(unknown_lists="create")
    outbox = SqliteOutbox()
    kinds: Counter[str] = Counter()

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        dispatcher = Worker(
            outbox,
            Translator(vendor, klavier.Plugins()),
            Sender(sandbox.send_async, RateLimiter(clock), clock),
            policy=RetryPolicy(),
            options=options,
            now=clock,
            observe=lambda _event, _entry, outcome: kinds.update([outcome.kind]),
        )
        await dispatcher.run(until_empty=True)

    events = [klavier.parse_event({**payload, "messageId": f"m{n}"}) for n, payload in enumerate(payloads)]
    outbox.append([(e.stable_id, vendor.key(e), orjson.dumps(e.payload)) for e in events], now=0.0)
    run_virtually(main())
    outbox.close()
    return sandbox, kinds


@pytest.mark.parametrize("name", sorted(KEYS))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=10)
@given(stream_payloads())
def test_the_account_is_the_same_with_few_calls(name: str, payloads: list[Any]) -> None:
    vendor = klavier.load_vendor(name, KEYS[name])
    payloads = [own_address_only(payload) for payload in payloads if "type" in payload]
    single, its_kinds = deliver(vendor, payloads, SINGLE)
    few, kinds = deliver(vendor, payloads, evolve(FEWEST_CALLS, batch=vendor.bulk_size))
    assert kinds == its_kinds
    assert few.comparable() == single.comparable()
    assert len(few.calls) <= len(single.calls) + sum(call.method == "GET" for call in few.calls)


@pytest.mark.parametrize("name", sorted(LISTS))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=10)
@given(stream_payloads())
def test_the_account_is_the_same_with_few_calls_and_a_list(name: str, payloads: list[Any]) -> None:
    vendor = klavier.load_vendor(LISTS[name][0], LISTS[name][1])
    payloads = [own_address_only(payload) for payload in payloads if "type" in payload]
    single, its_kinds = deliver(vendor, payloads, SINGLE)
    few, kinds = deliver(vendor, payloads, evolve(FEWEST_CALLS, batch=vendor.bulk_size))
    assert kinds == its_kinds
    assert few.comparable() == single.comparable()


@pytest.mark.parametrize("name", sorted(LISTS))
def test_identifies_with_a_list_are_few_calls(name: str) -> None:
    """Flows of several steps are sent in bulk step by step: all profiles in one import, then all memberships."""
    vendor = klavier.load_vendor(LISTS[name][0], LISTS[name][1])
    traits = [{"email": f"u{n}@shop.test", "firstName": "Ada"} for n in range(60)]
    payloads = [{"type": "identify", "userId": f"u{n}", "traits": its} for n, its in enumerate(traits)]
    single, its_kinds = deliver(vendor, payloads, SINGLE)
    few, kinds = deliver(vendor, payloads, evolve(FEWEST_CALLS, batch=vendor.bulk_size))
    assert kinds == its_kinds == {"delivered": 60}
    assert few.comparable() == single.comparable()
    assert 1 <= len(few.calls) <= 4


def test_a_profile_of_several_owners_fails_as_it_does_singly() -> None:
    """An import job reports only that the identifiers belong to several profiles: the vendor's own call says whose."""
    vendor = klavier.load_vendor(*LISTS["segment-actions"])
    payloads = [
        {"type": "identify", "userId": "ada", "traits": {"email": "ada@shop.test"}},
        {"type": "identify", "userId": "bob", "traits": {"email": "bob@shop.test"}},
        {"type": "identify", "userId": "ada", "traits": {"email": "bob@shop.test"}},
        *({"type": "identify", "userId": f"u{n}", "traits": {"email": f"u{n}@shop.test"}} for n in range(10)),
    ]
    single, its_kinds = deliver(vendor, payloads, SINGLE)
    few, kinds = deliver(vendor, payloads, evolve(FEWEST_CALLS, batch=vendor.bulk_size))
    assert kinds == its_kinds
    assert few.comparable() == single.comparable()


def own_address_only(payload: dict[str, Any]) -> dict[str, Any]:
    """Take the address out of the properties: where people share one, their profile depends on who came first."""
    properties = payload.get("properties")
    if not isinstance(properties, dict):
        return payload
    return {**payload, "properties": {name: value for name, value in properties.items() if name != "email"}}


@given(st.integers(1, 3))
@settings(deadline=None, max_examples=3)
def test_few_calls_are_few(factor: int) -> None:
    vendor = klavier.load_vendor("rudderstack", KEYS["rudderstack"])
    people = 400 * factor
    payloads = [
        {
            "type": "identify",
            "userId": f"u{n}",
            "traits": {"email": f"u{n}@shop.test", "properties": {"subscribe": True}},
        }
        for n in range(people)
    ] + [{"type": "track", "event": "Seen", "userId": f"u{n % people}"} for n in range(3 * people)]
    sandbox, kinds = deliver(vendor, payloads, FEWEST_CALLS)
    assert kinds == {"delivered": 4 * people}
    calls = Counter(call.path for call in sandbox.calls if call.method == "POST")
    assert calls == {
        "/api/profile-bulk-import-jobs": 1,
        "/api/profile-subscription-bulk-create-jobs": -(-people // 1000),
        "/api/event-bulk-create-jobs": -(-3 * people // 1000),
    }
