"""How maintenance works in batches, and what it leaves in the file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest

from klavier.outbox import SqliteOutbox
from klavier.outbox.maintenance import (
    BATCH,
    LEAST_FREE,
    LONGEST_STEP,
    PAGES,
    advance_clock,
    in_batches,
    shrink,
    until_empty,
)

if TYPE_CHECKING:
    from klavier.outbox.database import Database


class Clock:
    """Time that passes only in steps and pauses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.pauses.append)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_pause_is_as_long_as_the_step_before_it(clock: Clock) -> None:
    results = iter([3, 2, 0])

    def step() -> int:
        clock.now += 0.25 + clock.now
        return next(results)

    assert list(until_empty(step)) == [3, 2, 0]
    assert clock.pauses == [0.25, 0.5]


def test_batches_have_pauses_between_them(clock: Clock) -> None:
    batches: list[int] = []

    def step(batch: list[int]) -> int:
        clock.now += 0.25 + clock.now
        batches.append(len(batch))
        return len(batch) - 1

    assert in_batches(range(2 * BATCH + 3), step) == 2 * BATCH
    assert batches == [BATCH, BATCH, 3]
    assert clock.pauses == [0.25, 0.5]
    assert in_batches([], step) == 0


class Pages:
    """A file with unused pages, as far as `shrink` asks for them; it returns at most `returned` of a step's."""

    def __init__(self, free: int, returned: int = PAGES) -> None:
        self.free, self.returned = free, returned
        self.log: list[str] = []

    @contextmanager
    def use(self) -> Iterator["Pages"]:
        yield self

    def execute(self, query: str) -> "Pages":
        if query != "PRAGMA freelist_count":
            self.log.append(query)
        return self

    def executescript(self, script: str) -> None:
        self.log.append(script)
        self.free -= min(self.returned, int(script.removeprefix("PRAGMA incremental_vacuum(").rstrip(")")))

    def fetchone(self) -> tuple[int]:
        return (self.free,)

    def fetchall(self) -> list[Any]:
        return []


CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"


@pytest.mark.parametrize(
    ("more", "returned", "steps"),
    [(0, PAGES, []), (1, PAGES, [1]), (PAGES + 2, PAGES, [PAGES, 2]), (3, 0, [3])],
)
def test_unused_pages_are_returned_in_steps_but_for_a_few(
    clock: Clock, more: int, returned: int, steps: list[int]
) -> None:
    pages = Pages(LEAST_FREE + more, returned)
    shrink(cast("Database", pages))
    expected = [f"PRAGMA incremental_vacuum({count})" for count in steps]
    assert pages.log == expected + [CHECKPOINT] * bool(steps and returned)
    assert len(clock.pauses) == (len(steps) if returned else 0)


def test_the_outboxs_own_time_moves_a_day_at_most_and_never_back() -> None:
    outbox = SqliteOutbox(wall=lambda: 1000.0)
    move = partial(advance_clock, outbox._database)
    start = move(1000.0)
    assert move(1000.5) == start + 0.5
    assert move(500.0) == start + 0.5
    assert move(501.0) == start + 1.5
    assert move(501.0 + 3 * LONGEST_STEP) == start + 1.5 + LONGEST_STEP
    outbox.close()
