"""A profile's events are stored in the order of their times, in few writes; its senders learn of a failed write."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.errors import OutboxError
from klavier.gateway import intake as module
from klavier.gateway.bodies import Refusal
from klavier.gateway.intake import Intake, Message

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)


def message(profile: str, second: int | None, number: int) -> tuple[Message, dict[str, Any]]:
    payload: dict[str, Any] = {"anonymousId": profile, "n": number}
    if second is not None:
        payload["timestamp"] = (BEGAN + timedelta(seconds=second)).isoformat()
    return Message("web", f"m{number}", f"user:{profile}", json.dumps(payload).encode()), payload


class Store:
    """Remembers what is stored, by write."""

    def __init__(self) -> None:
        self.writes: list[list[Message]] = []
        self.error: Exception | None = None

    def __call__(self, messages: Sequence[Message]) -> None:
        if self.error is not None:
            raise self.error
        self.writes.append(list(messages))

    @property
    def ids(self) -> list[str]:
        return [each.message_id for write in self.writes for each in write]


async def run(store: Store, *requests: Sequence[tuple[Message, dict[str, Any]]], window: float = 0.05) -> list[Any]:
    """Send requests at once, one after the other; return what each ended with."""
    intake = Intake(store, window)
    task = asyncio.create_task(intake.run())
    found = await asyncio.gather(*[intake.add(request) for request in requests], return_exceptions=True)
    intake.close()
    await task
    return found


def test_events_that_overtook_each_other_are_sorted() -> None:
    store = Store()
    requests = [[message("a", 3, 3)], [message("b", 9, 9)], [message("a", 1, 1)], [message("a", 2, 2)]]
    assert asyncio.run(run(store, *requests)) == [None] * 4
    assert store.ids == ["m1", "m9", "m2", "m3"]
    assert len(store.writes) == 1


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 5)), min_size=1, max_size=4), max_size=6
    )
)
def test_all_are_stored_once_and_each_profile_in_order(drawn: list[list[tuple[str, int | None]]]) -> None:
    count = 0
    requests = []
    for each in drawn:
        requests.append([message(profile, second, count + place) for place, (profile, second) in enumerate(each)])
        count += len(each)
    store = Store()
    assert asyncio.run(run(store, *requests, window=0.001)) == [None] * len(requests)
    assert sorted(store.ids) == sorted(f"m{n}" for n in range(count))
    for write in store.writes:
        for profile in "abc":
            payloads = [json.loads(each.payload) for each in write]
            times = [each["timestamp"] for each in payloads if each["anonymousId"] == profile and "timestamp" in each]
            assert times == sorted(times)


def test_a_failed_write_is_reported_to_each_sender_and_the_next_succeeds() -> None:
    store = Store()

    async def both() -> list[Any]:
        intake = Intake(store, 0.0)
        task = asyncio.create_task(intake.run())
        store.error = OutboxError("the disk is full")
        failed = await asyncio.gather(*[intake.add([message("a", 1, n)]) for n in range(3)], return_exceptions=True)
        store.error = None
        await intake.add([message("a", 1, 9)])
        intake.close()
        await task
        return failed

    failed = asyncio.run(both())
    assert [type(error) for error in failed] == [OutboxError] * 3
    assert store.ids == ["m9"]


def test_more_than_can_wait_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    found = asyncio.run(run(Store(), [message("a", 1, 1)], [message("a", 2, n) for n in range(5)]))
    assert found[0] is None
    assert isinstance(found[1], Refusal)
    assert (found[1].status, found[1].retry_after) == (429, 1)


def test_what_waits_when_the_gateway_closes_is_stored() -> None:
    store = Store()

    async def close_early() -> None:
        intake = Intake(store, 60.0)
        task = asyncio.create_task(intake.run())
        adding = asyncio.create_task(intake.add([message("a", 1, 1)]))
        await asyncio.sleep(0)
        intake.close()
        await adding
        await task

    asyncio.run(close_early())
    assert store.ids == ["m1"]
