"""Whoever watches sees each attempt; observers see final outcomes only."""

import asyncio

import pytest

from klavier.outbox import SqliteOutbox
from klavier.outcome import Outcome, delivered, failed
from klavier.retry import RetryPolicy
from klavier.worker.in_flight import Finished, Result
from klavier.worker.settlement import Settler

NOW = 1000.0


@pytest.mark.parametrize(
    ("outcome", "is_final"),
    [(delivered(), True), (failed("refused", 400), True), (failed("no answer", 503, retryable=True), False)],
)
def test_an_attempt_that_is_repeated_is_watched_and_not_observed(outcome: Outcome, *, is_final: bool) -> None:
    outbox = SqliteOutbox()
    outbox.append([("m1", "k", b"{}")])
    (entry,) = outbox.read(0, 1)
    watched: list[float | None] = []
    observed: list[Outcome] = []

    async def settle() -> Finished:
        settler = Settler(
            outbox,
            RetryPolicy(),
            lambda _event, _entry, seen: observed.append(seen),
            now=lambda: NOW,
            own_loop=True,
            connections=1,
            watch=lambda _, due: watched.append(due),
        )
        settler.add(Finished([entry], [Result(entry, outcome)]), is_urgent=True)
        (finished,) = await settler.settle()
        return finished

    finished = asyncio.run(settle())
    assert observed == [outcome] * is_final
    assert (watched == [None]) == is_final
    assert is_final or (watched == [finished.due] and finished.due >= NOW)
