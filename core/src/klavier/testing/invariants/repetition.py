"""Idempotent, and batch = singles: the resulting account depends on the events, not on how they were sent."""

from collections.abc import Iterable, Sequence
from typing import Any

from klavier.events.model import Event
from klavier.flows.drivers import deliver, in_order, plan
from klavier.klaviyo.operations import find_operation
from klavier.outcome import Outcome
from klavier.sandbox import FakeClock, Sandbox
from klavier.testing.decoding import decode, leaves
from klavier.testing.invariants.report import broken
from klavier.testing.provenance import Origins
from klavier.testing.trace import record
from klavier.vendor import Vendor

IDEMPOTENT = "9 idempotent"
BATCHED = "10 batch = singles"

_UNSUBSCRIBING = "/profile-subscription-bulk-delete-jobs"
_CONSENTS = ("subscriptions", "suppressions")

_WHILE = 60.0
"""Seconds between two deliveries: Klaviyo takes events without an id for one when they arrive in the same second."""


def check_idempotent(vendor: Vendor, events: Sequence[Event]) -> None:
    """Check that sending each delivery twice results in the same account and outcomes as sending it once.

    So a delivery whose reply was lost can be sent again, before the next one of the same profile. No two events share
    a unique id either: Klaviyo would keep the first only.
    """
    _check_operations(vendor, events)
    _check_unique_ids(vendor, events)
    clock = FakeClock()
    once, twice = new_sandbox(clock), new_sandbox(clock)
    wanted = deliver_all(once, vendor, events)
    first, again = [], []
    for delivery in plan(vendor, events):
        first.append((delivery, deliver(delivery, twice.send)))
        clock.advance(_WHILE)
        again.append((delivery, deliver(delivery, twice.send)))
    for outcomes in (first, again):
        _compare_outcomes(IDEMPOTENT, vendor, events, wanted, in_order(events, outcomes))
    differing = difference(once, twice)
    if differing:
        raise broken(IDEMPOTENT, f"delivered twice, the account differs: {differing}", vendor, events)


def check_batch_is_singles(vendor: Vendor, events: Sequence[Event]) -> None:
    """Check that events delivered together result in the same account and outcomes as delivered one by one."""
    clock = FakeClock()
    together, singly = new_sandbox(clock), new_sandbox(clock)
    batch = deliver_all(together, vendor, events)
    _compare_outcomes(BATCHED, vendor, events, [deliver_all(singly, vendor, [event])[0] for event in events], batch)
    differing = difference(singly, together)
    if differing:
        raise broken(BATCHED, f"delivered together, the account differs: {differing}", vendor, events)


def new_sandbox(clock: FakeClock) -> Sandbox:
    """Make a sandbox that accepts any key and any list, with the time of `clock`."""
    return Sandbox(None, None, clock, unknown_lists="create")


def deliver_all(sandbox: Sandbox, vendor: Vendor, events: Sequence[Event]) -> list[Outcome]:
    """Deliver events to a sandbox; returns one outcome for each, in order."""
    return in_order(events, [(delivery, deliver(delivery, sandbox.send)) for delivery in plan(vendor, events)])


def _check_operations(vendor: Vendor, events: Sequence[Event]) -> None:
    """Check that no request is one that Klaviyo would carry out twice, since any request may be sent again."""
    for request in record(vendor, events).requests:
        operation = find_operation(request.method, request.path)
        if operation is not None and not operation.idempotent:
            problem = f"{request.method} {request.path} sent twice has two effects"
            raise broken(IDEMPOTENT, problem, vendor, events, [request])


def _check_unique_ids(vendor: Vendor, events: Sequence[Event]) -> None:
    """Check that no two events have the same unique id, unless it is in their payloads, such as that of an order."""
    owners: dict[str, Event] = {}
    for event in events:
        for request in record(vendor, [event]).requests:
            for place, leaf in leaves(decode(request)):
                if place.rpartition(".")[2] == "unique_id":
                    other = owners.setdefault(leaf, event)
                    if other.message_id != event.message_id and not Origins(event.payload.get("properties")).explain(
                        leaf
                    ):
                        raise broken(IDEMPOTENT, f"two events have the unique id {leaf!r}", vendor, [other, event])


def _compare_outcomes(
    invariant: str, vendor: Vendor, events: Sequence[Event], wanted: Sequence[Outcome], found: Sequence[Outcome]
) -> None:
    for event, one, other in zip(events, wanted, found, strict=True):
        if one.kind != other.kind:
            problem = f"one outcome is {one.kind} ({one.reason}), the other {other.kind} ({other.reason})"
            raise broken(invariant, problem, vendor, [event, *(each for each in events if each is not event)])


def difference(wanted: Sandbox, found: Sandbox) -> str:
    """Return the first leaves that only one of two accounts has, as a text; empty where the accounts are equal.

    Klaviyo removes a profile that unsubscribes from a list from that list, and from all marketing when it is not on the
    list (any more). So a second attempt may change more than the first, and consents are not compared where a request
    unsubscribes.
    """
    unsubscribes = any(call.path.rstrip("/").endswith(_UNSUBSCRIBING) for call in (*wanted.calls, *found.calls))
    one, other = (_comparable(each, with_consents=not unsubscribes) for each in (wanted, found))
    if one == other:
        return ""
    before, after = list(leaves(one)), list(leaves(other))
    return f"expected {_first(before, after)}, found {_first(after, before)}"


def _comparable(sandbox: Sandbox, *, with_consents: bool) -> dict[str, Any]:
    account = sandbox.comparable()
    if with_consents:
        return account
    profiles = [{name: each for name, each in one.items() if name not in _CONSENTS} for one in account["profiles"]]
    return account | {"profiles": profiles}


def _first(having: Sequence[tuple[str, Any]], lacking: Iterable[tuple[str, Any]]) -> str:
    known = {repr(leaf) for leaf in lacking}
    found = [f"{place} = {value!r}" for place, value in having if repr((place, value)) not in known]
    return "; ".join(found[:4]) or "nothing"
