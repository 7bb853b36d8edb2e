"""Translating an event takes time and memory linear in its size: invariant 12, and every pattern of the code base."""

import subprocess
import sys
from typing import Any

import pytest

from klavier import parse_event
from klavier.testing import invariants
from tests.support.setups import Setup, setups, simplest

EVENTS: list[dict[str, Any]] = [
    {
        "type": "identify",
        "userId": "u-1",
        "anonymousId": "a-1",
        "messageId": "m-1",
        "timestamp": "2024-06-30T12:00:00.000Z",
        "traits": {
            "email": "ada@shop.test",
            "phone": "+14155550132",
            "name": "Ada Lovelace",
            "firstName": "Ada",
            "address": {"city": "London", "postalCode": "N1"},
            "plan": "Gold",
            "consent": "email",
        },
        "context": {"timezone": "Europe/London", "personas": {"computation_class": "audience", "computation_key": "k"}},
        "integrations": {"Klaviyo": {"listId": "XUepkK", "confirmOptin": True}},
    },
    {
        "type": "track",
        "userId": "u-1",
        "messageId": "m-1",
        "timestamp": "2024-06-30T12:00:00.000Z",
        "event": "Order Completed",
        "properties": {
            "order_id": "o-1",
            "revenue": "25.00",
            "currency": "USD",
            "coupon": "x",
            "products": [{"product_id": "p-1", "name": "Monopoly", "price": "19.99", "category": "Games"}],
        },
        "context": {"traits": {"email": "ada@shop.test", "phone": "+14155550132"}},
    },
    {"type": "track", "anonymousId": "a-1", "event": "Item Added", "properties": {"email": "ada@shop.test", "id": "i"}},
    {"type": "group", "userId": "u-1", "groupId": "g-1", "traits": {"name": "Engines", "email": "ada@shop.test"}},
    {"type": "page", "userId": "u-1", "name": "Home", "category": "Docs", "properties": {"url": "https://shop.test"}},
]
SHARES = 4
"""The hostile texts are divided among the setups: with each of them a vendor has more than this many."""


@pytest.mark.parametrize(("number", "setup"), list(enumerate(setups())), ids=str)
def test_translation_is_bounded(number: int, setup: Setup) -> None:
    texts = slice(number % SHARES, None, SHARES)
    invariants.check_bounded(simplest(setup), [parse_event(payload) for payload in EVENTS], texts)


def test_no_pattern_backtracks() -> None:
    """A pattern that backtracks takes hours on these texts; a process of its own can be ended."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.patterns"], capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        pytest.fail(f"a pattern does not end; the last one begun:\n{output.decode().splitlines()[-1:]}")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
