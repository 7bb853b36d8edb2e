"""Every invariant, over every installed vendor, in every mode, on both wires, in both fidelities."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from klavier.testing import invariants
from klavier.testing.strategies import json_values, payloads, replies
from tests.support.searching import SINGLES, STREAMS, on_events, search
from tests.support.setups import Setup, setups

ANYTHING = st.lists(st.one_of(payloads(), json_values()), max_size=3)
BOTH = st.one_of(SINGLES, STREAMS)
REPLIES = st.lists(replies(), max_size=4)

INVARIANTS: dict[str, tuple[Callable[..., None], tuple[SearchStrategy[Any], ...]]] = {
    "total": (invariants.check_total, (ANYTHING, REPLIES)),
    "survives": (on_events(invariants.check_survives), (STREAMS, st.integers(0, 2**16))),
    "deterministic": (on_events(invariants.check_deterministic), (BOTH,)),
    "pure": (on_events(invariants.check_pure), (BOTH,)),
    "nothing invented": (on_events(invariants.check_nothing_invented), (SINGLES,)),
    "nothing lost": (on_events(invariants.check_nothing_lost), (SINGLES,)),
    "sendable": (on_events(invariants.check_sendable), (BOTH,)),
    "identified": (on_events(invariants.check_identified), (SINGLES,)),
    "safe": (on_events(invariants.check_safe), (SINGLES, REPLIES)),
    "idempotent": (on_events(invariants.check_idempotent), (STREAMS,)),
    "batch is singles": (on_events(invariants.check_batch_is_singles), (STREAMS,)),
    "ordered": (on_events(invariants.check_ordered), (STREAMS,)),
}
"""The check of each invariant, and what it draws besides the settings."""
OTHERS = {"check_bounded"}
"""Checks that draw nothing: test_bounded runs them."""


def test_every_vendor_has_setups() -> None:
    """Otherwise the test below would pass without a vendor."""
    assert {setup.vendor for setup in setups()} >= {"freshpaint", "rudderstack", "segment-actions", "segment-classic"}


def test_every_check_is_run() -> None:
    names = {f"check_{name.replace(' ', '_')}" for name in INVARIANTS} | OTHERS
    assert names == {name for name in invariants.__all__ if name.startswith("check_")}


@pytest.mark.parametrize("name", INVARIANTS)
@pytest.mark.parametrize("setup", setups(), ids=str)
def test_invariant(setup: Setup, name: str) -> None:
    check, strategies = INVARIANTS[name]
    search(setup, name, check, *strategies)
