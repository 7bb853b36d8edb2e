"""Running the steps of events that match several mappings, and combining their outcomes."""

from collections.abc import Generator, Sequence

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected, skipped
from klavier.vendor import Flow
from klavier_segment_actions.actions.base import Item
from klavier_segment_actions.mappings import CompiledMapping

Step = tuple[CompiledMapping, Item | Outcome]
"""What one mapping makes of an event: the item to send, or the outcome of an event that it rejects."""

Steps = tuple[Step, ...]
"""What the mappings make of an event; at least one of them sends something."""

UNMATCHED = skipped("no mapping's trigger matches the event")


def combine(found: Sequence[tuple[str, Outcome]]) -> Outcome:
    """Combine the outcomes of an event's mappings, each with its action's name; none means that no trigger matched.

    An event is delivered only where every action delivered it or had nothing to do.  Where some did and others did
    not, it failed, and the reason names them; it can be retried where one of its failures can.
    """
    if not found:
        return UNMATCHED
    if len(found) == 1:
        return found[0][1]
    outcomes = [outcome for _, outcome in found]
    kinds = {outcome.kind for outcome in outcomes}
    notes = tuple(dict.fromkeys(note for outcome in outcomes for note in outcome.notes))
    if kinds <= {"delivered", "skipped"}:
        idle = tuple(f"{name}: {outcome.reason}" for name, outcome in found if outcome.kind == "skipped")
        if kinds == {"skipped"}:
            return skipped("; ".join(idle))
        return delivered((*notes, *idle))
    reason = "; ".join(f"{name}: {outcome.reason or outcome.kind}" for name, outcome in found)
    if kinds == {"rejected"}:
        return rejected(reason)
    failures = [outcome for outcome in outcomes if outcome.kind == "failed"]
    retryable = any(outcome.retryable for outcome in failures)
    worst = next((outcome for outcome in failures if outcome.retryable is retryable), None)
    return failed(reason, worst.status if worst else None, retryable=retryable, notes=notes)


def settled(outcome: Outcome) -> Flow:
    """Return the flow of an event whose outcome is known already: it sends nothing."""
    return outcome
    yield  # makes this function a generator


def run_together(contents: Sequence[Steps | Outcome], *, in_order: bool) -> Flow:
    """Run the steps of events that match the same mappings, mapping by mapping.

    With `in_order` an event's later steps wait for its next attempt where an earlier one can be retried: a
    subscription that overtakes its profile would create a second profile.
    """
    live = [content for content in contents if type(content) is tuple]
    outcomes = iter((yield from _run_mappings(live, in_order=in_order)))
    return [content if isinstance(content, Outcome) else next(outcomes) for content in contents]


def _run_mappings(rows: Sequence[Steps], *, in_order: bool) -> Generator[Request, Response, list[Outcome]]:
    if len(rows[0]) == 1:
        return list((yield from _run_mapping(rows[0][0][0], [row[0][1] for row in rows])))
    found: list[list[tuple[str, Outcome]]] = [[] for _ in rows]
    pending = list(zip(rows, found, strict=True))
    for position, (mapping, _) in enumerate(rows[0]):
        outcomes = yield from _run_mapping(mapping, [row[position][1] for row, _ in pending])
        for (_, each), outcome in zip(pending, outcomes, strict=True):
            each.append((mapping.name, outcome))
        if in_order:
            pending = [pair for pair, outcome in zip(pending, outcomes, strict=True) if not outcome.retryable]
    return [combine(each) for each in found]


def _run_mapping(
    mapping: CompiledMapping, items: Sequence[Item | Outcome]
) -> Generator[Request, Response, Sequence[Outcome]]:
    """Run one mapping's action for several events; either all of them have an item, or none has."""
    live = [item for item in items if isinstance(item, Item)]
    if not live:
        return [item for item in items if isinstance(item, Outcome)]
    if mapping.batch_size:
        return (yield from mapping.action.batch(live))
    return (yield from mapping.action.one_by_one(live))
