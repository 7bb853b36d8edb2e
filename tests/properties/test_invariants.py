"""Every installed vendor keeps every promise, in every mode, on both wires, in both fidelities."""

from typing import Any

import pytest
from hypothesis import strategies as st

from klavier import Response, Vendor, parse_event
from klavier.testing import invariants
from klavier.testing.strategies import Payload, json_values, payloads, replies
from tests.support.holding import SINGLES, STREAMS, hold, search
from tests.support.setups import Setup, setups

ANYTHING = st.lists(st.one_of(payloads(), json_values()), max_size=3)
BOTH = st.one_of(SINGLES, STREAMS)
REPLIES = st.lists(replies(), max_size=4)

each_setup = pytest.mark.parametrize("setup", setups(), ids=str)


def test_there_are_setups() -> None:
    """Without an installed vendor all else here would hold."""
    assert {setup.vendor for setup in setups()} >= {"freshpaint", "rudderstack", "segment-actions", "segment-classic"}


@each_setup
def test_total(setup: Setup) -> None:
    def holds(vendor: Vendor, found: list[Any], answers: list[Response]) -> None:
        invariants.check_total(vendor, found, answers)

    search(setup, "total", holds, ANYTHING, REPLIES)


@each_setup
def test_survives(setup: Setup) -> None:
    def holds(vendor: Vendor, found: list[Payload], seed: int) -> None:
        invariants.check_survives(vendor, [parse_event(payload) for payload in found], seed)

    search(setup, "survives", holds, STREAMS, st.integers(0, 2**16))


@each_setup
def test_deterministic(setup: Setup) -> None:
    hold(setup, "deterministic", invariants.check_deterministic, of=BOTH)


@each_setup
def test_pure(setup: Setup) -> None:
    hold(setup, "pure", invariants.check_pure, of=BOTH)


@each_setup
def test_nothing_invented(setup: Setup) -> None:
    hold(setup, "nothing invented", invariants.check_nothing_invented, of=SINGLES)


@each_setup
def test_nothing_lost(setup: Setup) -> None:
    hold(setup, "nothing lost", invariants.check_nothing_lost, of=SINGLES)


@each_setup
def test_sendable(setup: Setup) -> None:
    hold(setup, "sendable", invariants.check_sendable, of=BOTH)


@each_setup
def test_identified(setup: Setup) -> None:
    hold(setup, "identified", invariants.check_identified, of=SINGLES)


@each_setup
def test_safe(setup: Setup) -> None:
    def holds(vendor: Vendor, found: list[Payload], answers: list[Response]) -> None:
        invariants.check_safe(vendor, [parse_event(payload) for payload in found], answers)

    search(setup, "safe", holds, SINGLES, REPLIES)


@each_setup
def test_idempotent(setup: Setup) -> None:
    hold(setup, "idempotent", invariants.check_idempotent, of=STREAMS)


@each_setup
def test_batch_is_singles(setup: Setup) -> None:
    hold(setup, "batch is singles", invariants.check_batch_is_singles, of=STREAMS)


@each_setup
def test_ordered(setup: Setup) -> None:
    hold(setup, "ordered", invariants.check_ordered, of=STREAMS)
