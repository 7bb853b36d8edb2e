"""Every installed vendor takes the pitfalls of the corpus, in every mode, on both wires, in both fidelities."""

import hypothesis
import pytest

from klavier import Vendor, parse_event
from klavier.testing import corpus, invariants
from tests.support.setups import Setup, setups

EVERY = 1 if hypothesis.settings().max_examples > 100 else 7
"""Of how many payloads one is tried with each setup; the next setup tries the next one."""
STREAMS = corpus.streams() if EVERY == 1 else corpus.streams()[:3]
REPLIES = corpus.replies()

SINGLY = (
    invariants.check_deterministic,
    invariants.check_pure,
    invariants.check_nothing_invented,
    invariants.check_nothing_lost,
    invariants.check_sendable,
    invariants.check_identified,
    invariants.check_safe,
)
TOGETHER = (
    invariants.check_idempotent,
    invariants.check_batch_is_singles,
    invariants.check_ordered,
    invariants.check_survives,
)

each_setup = pytest.mark.parametrize(("number", "setup"), list(enumerate(setups())), ids=str)


def plain(setup: Setup) -> Vendor:
    """Give the vendor of a setup with the simplest of its other settings."""
    return hypothesis.find(setup.vendors(), lambda _: True, settings=hypothesis.settings(database=None))


@each_setup
def test_single_events(number: int, setup: Setup) -> None:
    vendor = plain(setup)
    for payload in corpus.payloads()[number % EVERY :: EVERY]:
        for check in SINGLY:
            check(vendor, [parse_event(payload)])


@each_setup
def test_streams(number: int, setup: Setup) -> None:
    vendor = plain(setup)
    for stream in STREAMS:
        for check in TOGETHER:
            check(vendor, [parse_event(payload) for payload in stream])
    invariants.check_survives(vendor, [parse_event(payload) for payload in STREAMS[-1]], seed=number)


@each_setup
def test_odd_replies(number: int, setup: Setup) -> None:
    vendor = plain(setup)
    for place, answers in enumerate(REPLIES):
        payloads = corpus.payloads()[:6] if EVERY == 1 else [corpus.payloads()[(number + place) % 6]]
        for payload in payloads:
            invariants.check_total(vendor, [payload], answers)
