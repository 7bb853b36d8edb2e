"""One outcome for an event that several mappings acted on."""

from collections.abc import Sequence

from klavier.outcome import Outcome, delivered, failed, rejected, skipped

UNMATCHED = skipped("no mapping's trigger matches the event")


def combined(found: Sequence[tuple[str, Outcome]]) -> Outcome:
    """Combine what each mapping's action came to, by its name; nothing means that no trigger matched.

    Delivered is only what every action delivered (or had nothing to do for).  Where some did and others did not, the
    event failed, and the reason says which; it can be retried where one of its failures can.
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
    problems = [outcome for outcome in outcomes if outcome.kind == "failed"]
    retryable = any(outcome.retryable for outcome in problems)
    worst = next((outcome for outcome in problems if outcome.retryable is retryable), None)
    return failed(reason, worst.status if worst else None, retryable=retryable, notes=notes)
