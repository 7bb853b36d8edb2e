"""Under faults every event gets a true outcome, and what failed for the time being is delivered when tried again."""

from collections.abc import Sequence

from klavier.events.model import Event
from klavier.outcome import Outcome
from klavier.sandbox import FakeClock, Sandbox
from klavier.testing.hostile import hostile_sandbox, make_hostile
from klavier.testing.invariants.contract import TOTAL
from klavier.testing.invariants.repetition import difference, new_sandbox, tell
from klavier.testing.invariants.report import broken
from klavier.vendor import Vendor

_TROUBLED_TRIES = 40
_CALM_TRIES = 3
"""Trouble ends: an event of many calls, each of which may fail, would else need any number of tries."""

_PAUSE = 60.0


def check_survives(vendor: Vendor, events: Sequence[Event], seed: int = 0) -> None:
    """Tell the events to a Klaviyo in trouble, each until its outcome is final, and to one that is well.

    Both end with the same outcomes and hold the same: nothing that was lost was called delivered, nothing that may
    succeed later was given up, and trying again does no harm. `seed` makes the plan of troubles.
    """
    clock = FakeClock()
    calm, hostile = new_sandbox(clock), hostile_sandbox(seed, clock=clock)
    for event in events:
        (wanted,), found = tell(calm, vendor, [event]), _insist(hostile, clock, vendor, event)
        if found.kind != wanted.kind:
            problem = f"in trouble the outcome is {found.kind} ({found.reason}), else {wanted.kind} ({wanted.reason})"
            raise broken(TOTAL, problem, vendor, [event])
    held = difference(calm, hostile)
    if held:
        raise broken(TOTAL, f"after trouble Klaviyo holds otherwise: {held}", vendor, events)


def _insist(sandbox: Sandbox, clock: FakeClock, vendor: Vendor, event: Event) -> Outcome:
    """Deliver one event as often as its outcome asks for it."""
    for number in range(_TROUBLED_TRIES + _CALM_TRIES):
        if number == _TROUBLED_TRIES:
            sandbox.faults.clear()
        (outcome,) = tell(sandbox, vendor, [event])
        if not outcome.retryable:
            if number >= _TROUBLED_TRIES:
                make_hostile(sandbox)
            return outcome
        clock.advance(_PAUSE)
    raise broken(TOTAL, f"still asks to be tried again when trouble is over: {outcome.reason}", vendor, [event])
