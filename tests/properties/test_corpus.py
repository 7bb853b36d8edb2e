"""Every installed vendor takes the pitfalls of the corpus, in every mode, on both wires, in both fidelities."""

from typing import Any

import hypothesis
import pytest

from klavier import parse_event
from klavier.testing import corpus, invariants
from tests.support.setups import Setup, setups, simplest

EVERY = 1 if hypothesis.settings().max_examples > 100 else 7
"""Of how many payloads one is tried with each setup; the next setup tries the next one."""
STREAMS = corpus.streams() if EVERY == 1 else corpus.streams()[:3]
REPLIES = corpus.replies()

SINGLY = (
    invariants.check_deterministic,
    invariants.check_pure,
    invariants.check_nothing_invented,
    invariants.check_nothing_lost,
    invariants.check_sendable,
    invariants.check_identified,
    invariants.check_safe,
)
TOGETHER = (
    invariants.check_idempotent,
    invariants.check_batch_is_singles,
    invariants.check_ordered,
    invariants.check_survives,
)

each_setup = pytest.mark.parametrize(("number", "setup"), list(enumerate(setups())), ids=str)


@each_setup
def test_single_events(number: int, setup: Setup) -> None:
    vendor = simplest(setup)
    for payload in corpus.payloads()[number % EVERY :: EVERY]:
        for check in SINGLY:
            check(vendor, [parse_event(payload)])


@each_setup
def test_streams(number: int, setup: Setup) -> None:
    vendor = simplest(setup)
    for stream in STREAMS:
        for check in TOGETHER:
            check(vendor, [parse_event(payload) for payload in stream])
    invariants.check_survives(vendor, [parse_event(payload) for payload in STREAMS[-1]], seed=number)


@each_setup
def test_odd_replies(number: int, setup: Setup) -> None:
    vendor = simplest(setup)
    for place, answers in enumerate(REPLIES):
        payloads = corpus.payloads()[:6] if EVERY == 1 else [corpus.payloads()[(number + place) % 6]]
        for payload in payloads:
            invariants.check_total(vendor, [payload], answers)


EMAIL_CHANGES: list[dict[str, Any]] = [
    {"type": "track", "event": "Signed Up", "properties": {"email": "props@shop.test"}},
    {"type": "track", "event": "Signed Up", "context": {"traits": {"phone": "+14150000000"}}},
    {"type": "identify", "traits": {"email": "p0000000@shop.test", "phone": "+14150000000", "firstName": "Ada"}},
]
LEAVES_AND_JOINS: list[dict[str, Any]] = [
    {"type": "group", "groupId": "XUepkK", "traits": {"subscribe": False, "email": "p0000000@shop.test"}},
    {"type": "identify", "traits": {"email": "p0000000@shop.test"}},
    {"type": "group", "groupId": "XUepkK", "traits": {"email": "p0000000@shop.test"}},
]
UNSUBSCRIBES: list[dict[str, Any]] = [
    {"type": "group", "groupId": "XUepkK", "traits": {"email": "p0000000@shop.test", "phone": "+14150000000"}},
    {
        "type": "identify",
        "traits": {
            "email": "p0000000@shop.test",
            "consent": "email",
            "properties": {"subscribe": False, "consent": "email", "listId": "XUepkK"},
        },
    },
]
ORDERS_TWICE: list[dict[str, Any]] = [
    {"type": "track", "event": "Checkout Started", "properties": {"order_id": "o/1"}},
    {"type": "track", "event": "Checkout Started", "properties": {"order_id": "o/1"}},
]


@each_setup
@pytest.mark.parametrize(
    "stream",
    [EMAIL_CHANGES, LEAVES_AND_JOINS, UNSUBSCRIBES, ORDERS_TWICE],
    ids=["email changes", "leaves and joins", "unsubscribes", "orders twice"],
)
def test_streams_that_change_their_mind(number: int, setup: Setup, stream: list[dict[str, Any]]) -> None:
    """Told twice from the start they would end otherwise; each delivery told twice, they must not."""
    common = {"userId": "u-0", "timestamp": f"2024-06-30T12:00:{number % 60:02d}.000Z"}
    events = [parse_event({**common, "messageId": f"m-{place}", **each}) for place, each in enumerate(stream)]
    for check in TOGETHER:
        check(simplest(setup), events)


@each_setup
def test_an_order_of_nameless_products(number: int, setup: Setup) -> None:
    """In its deeds a vendor writes `undefined` into an id where a product has none, as JavaScript does."""
    properties = {"order_id": f"o-{number}", "products": [{}]}
    event = {"type": "track", "event": "Order Completed", "userId": "u1", "properties": properties}
    invariants.check_nothing_invented(simplest(setup), [parse_event({"messageId": "m-1", **event})])
