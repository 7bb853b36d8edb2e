"""Under faults every event gets a true outcome, and what failed temporarily is delivered by a later attempt."""

from collections.abc import Sequence

from klavier.events.model import Event
from klavier.outcome import Outcome
from klavier.sandbox import FakeClock, Sandbox
from klavier.testing.hostile import hostile_sandbox, make_hostile
from klavier.testing.invariants.contract import TOTAL
from klavier.testing.invariants.repetition import deliver_all, difference, new_sandbox
from klavier.testing.invariants.report import broken
from klavier.vendor import Vendor

_TRIES_WITH_FAULTS = 40
_TRIES_WITHOUT = 3
"""Faults end: an event of many calls, each of which may fail, could otherwise need any number of attempts."""

_PAUSE = 60.0


def check_survives(vendor: Vendor, events: Sequence[Event], seed: int = 0) -> None:
    """Deliver the events to a sandbox with faults, each until its outcome is final, and to one without; compare both.

    The outcomes and the accounts are the same: nothing that was lost counts as delivered, nothing that may succeed
    later was given up, and repeated attempts change nothing. `seed` selects the faults.
    """
    clock = FakeClock()
    calm, hostile = new_sandbox(clock), hostile_sandbox(seed, clock=clock)
    for event in events:
        (wanted,), found = deliver_all(calm, vendor, [event]), _deliver_until_final(hostile, clock, vendor, event)
        if found.kind != wanted.kind:
            expected = f"{wanted.kind} ({wanted.reason})"
            problem = f"under faults the outcome is {found.kind} ({found.reason}), without them {expected}"
            raise broken(TOTAL, problem, vendor, [event])
    differing = difference(calm, hostile)
    if differing:
        raise broken(TOTAL, f"after faults the account differs: {differing}", vendor, events)


def _deliver_until_final(sandbox: Sandbox, clock: FakeClock, vendor: Vendor, event: Event) -> Outcome:
    """Deliver one event as often as its outcome asks for it."""
    for number in range(_TRIES_WITH_FAULTS + _TRIES_WITHOUT):
        if number == _TRIES_WITH_FAULTS:
            sandbox.faults.clear()
        (outcome,) = deliver_all(sandbox, vendor, [event])
        if not outcome.retryable:
            if number >= _TRIES_WITH_FAULTS:
                make_hostile(sandbox)
            return outcome
        clock.advance(_PAUSE)
    raise broken(TOTAL, f"is still retryable after the faults have ended: {outcome.reason}", vendor, [event])
