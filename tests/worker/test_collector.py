import gc
from collections.abc import Iterator
from typing import Any

import pytest

from klavier.worker import collector
from klavier.worker.collector import resting


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    gc.collect()
    yield
    gc.enable()
    gc.collect()


BURST = 2 * gc.get_threshold()[0]
"""As many new objects as the collector would look at, and twice that: some may be gone again."""


def burst() -> list[Any]:
    return [[] for _ in range(BURST)]


def young(kept: list[Any]) -> bool:
    """Tell whether the last of these objects is in the youngest generation."""
    return any(item is kept[-1] for item in gc.get_objects(generation=0))


def test_what_a_burst_made_counts_as_old_afterwards() -> None:
    with resting():
        assert not gc.isenabled()
        kept = burst()
        assert young(kept)
    assert gc.isenabled()
    assert not young(kept)


def test_a_few_objects_are_looked_at_as_ever() -> None:
    with resting():
        kept: list[Any] = [[] for _ in range(10)]
    assert young(kept)


def test_garbage_of_the_program_is_found_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_ENOUGH", BURST + BURST // 2)
    looked: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: looked.append(1))
    for _ in range(4):
        with resting():
            kept = burst()
        del kept
    assert len(looked) == 2


@pytest.mark.parametrize("threshold", [0, 10 * BURST])
def test_a_program_that_has_the_collector_look_less_often_is_followed(
    monkeypatch: pytest.MonkeyPatch, threshold: int
) -> None:
    usual = gc.get_threshold()
    monkeypatch.setattr(collector._aging, "aged", 0)
    gc.set_threshold(threshold)
    try:
        with resting():
            kept = burst()
        assert kept
        assert collector._aging.aged == 0
    finally:
        gc.set_threshold(*usual)


def test_a_program_without_a_collector_stays_without() -> None:
    gc.disable()
    with resting():
        pass
    assert not gc.isenabled()


def test_what_a_program_has_frozen_stays_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    try:
        with resting():
            kept = burst()
        assert gc.get_freeze_count() == frozen
        assert kept
    finally:
        gc.unfreeze()
