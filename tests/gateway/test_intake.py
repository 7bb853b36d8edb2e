"""Many requests are stored with few writes; their senders learn of a failed one."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from klavier.errors import OutboxError
from klavier.gateway import intake as module
from klavier.gateway.bodies import Refusal
from klavier.gateway.intake import Intake, Message
from tests.support.waiting import LONG


def message(number: int) -> Message:
    return Message("web", f"m{number}", "user:a", b'{"n": %d}' % number)


class Store:
    """Remembers what is stored, by write; waits with each write while `may_write` is not set."""

    def __init__(self) -> None:
        self.writes: list[list[str]] = []
        self.error: Exception | None = None
        self.may_write = threading.Event()
        self.may_write.set()

    def __call__(self, messages: Sequence[Message]) -> None:
        assert self.may_write.wait(LONG)
        if self.error is not None:
            raise self.error
        self.writes.append([message.message_id for message in messages])


async def run(store: Store, *requests: Sequence[Message]) -> list[Any]:
    """Send requests at once, one after the other; return what each ended with."""
    intake = Intake(store)
    task = asyncio.create_task(intake.run())
    found = await asyncio.gather(*[intake.add(request) for request in requests], return_exceptions=True)
    intake.close()
    await task
    return found


def test_what_arrives_during_a_write_is_stored_with_the_next_one() -> None:
    store = Store()
    store.may_write.clear()

    async def send() -> None:
        intake = Intake(store)
        task = asyncio.create_task(intake.run())
        first = asyncio.create_task(intake.add([message(1)]))
        await asyncio.sleep(0.02)
        later = [asyncio.create_task(intake.add([message(n), message(n + 1)])) for n in (2, 4, 6)]
        await asyncio.sleep(0)
        assert not first.done()  # nobody gets an answer before the write
        store.may_write.set()
        await asyncio.gather(first, *later)
        intake.close()
        await task

    asyncio.run(send())
    assert store.writes == [["m1"], [f"m{n}" for n in range(2, 8)]]


def test_a_failed_write_is_reported_to_each_sender_and_the_next_succeeds() -> None:
    store = Store()

    async def both() -> list[Any]:
        intake = Intake(store)
        task = asyncio.create_task(intake.run())
        store.error = OutboxError("the disk is full")
        failed = await asyncio.gather(*[intake.add([message(n)]) for n in range(3)], return_exceptions=True)
        store.error = None
        await intake.add([message(9)])
        intake.close()
        await task
        return failed

    failed = asyncio.run(both())
    assert [type(error) for error in failed] == [OutboxError] * 3
    assert store.writes == [["m9"]]


def test_more_than_can_wait_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 40)
    found = asyncio.run(run(Store(), [message(1)], [message(n) for n in range(5)]))
    assert found[0] is None
    assert isinstance(found[1], Refusal)
    assert (found[1].status, found[1].retry_after) == (429, 1)


def test_a_client_that_goes_leaves_no_other_one_waiting() -> None:
    store = Store()
    store.may_write.clear()

    async def send() -> None:
        intake = Intake(store)
        task = asyncio.create_task(intake.run())
        gone, patient = (asyncio.create_task(intake.add([message(n)])) for n in (1, 2))
        await asyncio.sleep(0.02)
        gone.cancel()
        store.may_write.set()
        await patient
        intake.close()
        await task

    asyncio.run(send())
    assert store.writes == [["m1", "m2"]]


def test_what_waits_when_the_gateway_closes_is_stored() -> None:
    store = Store()

    async def close_early() -> None:
        intake = Intake(store)
        adding = asyncio.create_task(intake.add([message(1)]))
        await asyncio.sleep(0)
        intake.close()
        await intake.run()
        await adding

    asyncio.run(close_early())
    assert store.writes == [["m1"]]
