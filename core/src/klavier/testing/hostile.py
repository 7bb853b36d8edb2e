"""A sandbox in trouble: calls that fail, get lost or are answered oddly, by a plan that a seed makes."""

from typing import Any

from klavier.sandbox import Clock, Fault, Sandbox

TROUBLE_RATE = 0.1
"""The share of calls that each kind of trouble meets."""

_DUPLICATE = {
    "code": "duplicate_profile",
    "detail": "A profile already exists.",
    "meta": {"duplicate_profile_id": "01X"},
}
_ODD_BODIES: tuple[Any, ...] = ([], 0, {"data": None}, {"data": {"id": "../x?y#z"}})


def hostile_sandbox(
    seed: int = 0, *, rate: float = TROUBLE_RATE, lasting: bool = False, clock: Clock | None = None
) -> Sandbox:
    """Make a Klaviyo where about every other call goes wrong; one seed gives one plan of troubles.

    Calls are throttled (429), fail (503, a gateway's 502 that is no JSON), and are lost before the work, after it, or
    in the middle of the reply: a later try may go through. With `lasting` there are also refusals (400, 404, 409) and
    successes with bodies that Klaviyo never sends. `rate` is the share of calls that each trouble meets, 0 to 1.
    It takes any key, and makes the lists that it is told of.
    """
    sandbox = Sandbox(None, None, clock, unknown_lists="create", seed=seed)
    make_hostile(sandbox, rate, lasting=lasting)
    return sandbox


def make_hostile(sandbox: Sandbox, rate: float = TROUBLE_RATE, *, lasting: bool = False) -> None:
    """Bring the troubles over a sandbox that exists; see `hostile_sandbox`."""
    meets: dict[str, Any] = {"times": None, "rate": rate}
    sandbox.faults.add(
        Fault.throttled(**meets),
        Fault(503, **meets),
        Fault.garbled(status=502, **meets),
        Fault.reset(**meets),
        Fault.lost_reply(**meets),
        Fault.cut(**meets),
    )
    if lasting:
        refusals = (Fault(status, json=_errors(status), **meets) for status in (400, 404, 409))
        sandbox.faults.add(*refusals, *(Fault(200, json=body, **meets) for body in _ODD_BODIES))


def _errors(status: int) -> Any:
    return {"errors": [_DUPLICATE if status == 409 else {"code": "invalid", "detail": "Invalid input."}]}  # noqa: PLR2004 -- Conflict
