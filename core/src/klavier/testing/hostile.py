"""A sandbox with faults: calls that fail, are lost or get malformed replies, selected by a seed."""

from typing import Any

from klavier.sandbox import Clock, Fault, Sandbox

FAULT_RATE = 0.1
"""The share of calls that each kind of fault affects."""

_DUPLICATE = {
    "code": "duplicate_profile",
    "detail": "A profile already exists.",
    "meta": {"duplicate_profile_id": "01X"},
}
_ODD_BODIES: tuple[Any, ...] = ([], 0, {"data": None}, {"data": {"id": "../x?y#z"}})


def hostile_sandbox(
    seed: int = 0, *, rate: float = FAULT_RATE, lasting: bool = False, clock: Clock | None = None
) -> Sandbox:
    """Make a sandbox where about every other call fails; the same seed makes the same faults.

    Calls are throttled (429), fail (503, a gateway's 502 that is not JSON), or are lost before they take effect,
    after it, or in the middle of the reply: a later attempt may succeed. With `lasting` there are also refusals (400,
    404, 409) and malformed replies. `rate` is the share of calls that each kind of fault affects, 0 to 1. Any key is
    accepted, and unknown lists are created.
    """
    sandbox = Sandbox(None, None, clock, unknown_lists="create", seed=seed)
    make_hostile(sandbox, rate, lasting=lasting)
    return sandbox


def make_hostile(sandbox: Sandbox, rate: float = FAULT_RATE, *, lasting: bool = False) -> None:
    """Add the faults to an existing sandbox; see `hostile_sandbox`."""
    affects: dict[str, Any] = {"times": None, "rate": rate}
    sandbox.faults.add(
        Fault.throttled(**affects),
        Fault(503, **affects),
        Fault.garbled(status=502, **affects),
        Fault.reset(**affects),
        Fault.lost_reply(**affects),
        Fault.cut(**affects),
    )
    if lasting:
        refusals = (Fault(status, json=_errors(status), **affects) for status in (400, 404, 409))
        sandbox.faults.add(*refusals, *(Fault(200, json=body, **affects) for body in _ODD_BODIES))


def _errors(status: int) -> Any:
    return {"errors": [_DUPLICATE if status == 409 else {"code": "invalid", "detail": "Invalid input."}]}  # noqa: PLR2004 -- Conflict
