"""A comparison leaves nothing behind: the next shard of the same process would add to it."""

import gc
import weakref
from collections.abc import Iterator

import pytest

import klavier
from klavier.comparison.compare import Comparing


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_accounts_are_freed_without_the_garbage_collector() -> None:
    left = klavier.load_vendor("rudderstack", {"private_api_key": "pk_1"})
    right = klavier.load_vendor("segment-actions", {"api_key": "pk_1"})
    comparing = Comparing(left, right)
    payload = {"type": "identify", "userId": "u1", "messageId": "m1", "traits": {"email": "a@shop.test", "plan": "pro"}}
    comparing.add(1, klavier.parse_event(payload))
    accounts = [weakref.ref(side.sandbox.account) for side in (comparing.left, comparing.right)]
    found = comparing.finish(5, shard=(0, 2))
    del comparing
    assert [account() for account in accounts] == [None, None]
    assert found.events == 1
