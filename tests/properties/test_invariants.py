"""Every installed vendor keeps every promise, in every mode, on both wires, in both fidelities."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import Response, Vendor, parse_event
from klavier.testing import invariants
from klavier.testing.strategies import Payload, json_values, payloads, replies
from tests.support.holding import EXAMPLES, SINGLES, STREAMS, hold
from tests.support.setups import Setup, setups

each_setup = pytest.mark.parametrize("setup", setups(), ids=str)


@each_setup
def test_total(setup: Setup) -> None:
    anything = st.lists(st.one_of(payloads(), json_values()), max_size=3)

    @settings(max_examples=EXAMPLES)
    @given(setup.vendors(), anything, st.lists(replies(), max_size=4))
    def holds(vendor: Vendor, found: list[Any], answers: list[Response]) -> None:
        invariants.check_total(vendor, found, answers)

    holds()


@each_setup
def test_deterministic(setup: Setup) -> None:
    hold(setup, st.one_of(SINGLES, STREAMS), invariants.check_deterministic)


@each_setup
def test_pure(setup: Setup) -> None:
    hold(setup, st.one_of(SINGLES, STREAMS), invariants.check_pure)


@each_setup
def test_nothing_invented(setup: Setup) -> None:
    hold(setup, SINGLES, invariants.check_nothing_invented)


@each_setup
def test_nothing_lost(setup: Setup) -> None:
    hold(setup, SINGLES, invariants.check_nothing_lost)


@each_setup
def test_sendable(setup: Setup) -> None:
    hold(setup, st.one_of(SINGLES, STREAMS), invariants.check_sendable)


@each_setup
def test_identified(setup: Setup) -> None:
    hold(setup, SINGLES, invariants.check_identified)


@each_setup
def test_safe(setup: Setup) -> None:
    @settings(max_examples=EXAMPLES)
    @given(setup.vendors(), SINGLES, st.lists(replies(), max_size=4))
    def holds(vendor: Vendor, found: list[Payload], answers: list[Response]) -> None:
        invariants.check_safe(vendor, [parse_event(payload) for payload in found], answers)

    holds()


@each_setup
def test_idempotent(setup: Setup) -> None:
    hold(setup, STREAMS, invariants.check_idempotent)


@each_setup
def test_batch_is_singles(setup: Setup) -> None:
    hold(setup, STREAMS, invariants.check_batch_is_singles)


@each_setup
def test_ordered(setup: Setup) -> None:
    hold(setup, STREAMS, invariants.check_ordered)
