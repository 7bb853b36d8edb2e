"""The promises that every vendor keeps, each as a function that raises `AssertionError` where it does not hold."""

from klavier.testing.invariants.bounded import check_bounded
from klavier.testing.invariants.contract import check_deterministic, check_pure, check_total
from klavier.testing.invariants.faults import check_survives
from klavier.testing.invariants.identity import check_identified
from klavier.testing.invariants.invention import check_nothing_invented
from klavier.testing.invariants.loss import PLANTS, check_nothing_lost
from klavier.testing.invariants.order import check_ordered
from klavier.testing.invariants.repetition import check_batch_is_singles, check_idempotent
from klavier.testing.invariants.safety import check_safe
from klavier.testing.invariants.sendable import check_sendable

__all__ = [
    "PLANTS",
    "check_batch_is_singles",
    "check_bounded",
    "check_deterministic",
    "check_idempotent",
    "check_identified",
    "check_nothing_invented",
    "check_nothing_lost",
    "check_ordered",
    "check_pure",
    "check_safe",
    "check_sendable",
    "check_survives",
    "check_total",
]
