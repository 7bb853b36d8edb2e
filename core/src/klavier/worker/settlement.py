"""What follows from a try: out of the outbox, tried again later, or a dead letter."""

from collections.abc import Callable

from klavier.outbox.entry import Settlement
from klavier.retry import RetryPolicy
from klavier.worker.attempt import Result
from klavier.worker.dead_letters import dead_letter

_FREE_AGAIN = 5.0
"""How soon an event is tried again that is not at fault, in seconds; the courier waits for Klaviyo by itself."""

PLAIN_ENDS = frozenset({"delivered", "skipped"})
"""The kinds of outcomes after which an entry leaves the outbox and nothing else is to be written down."""


def verdict(result: Result, policy: RetryPolicy, now: float, random: Callable[[], float], hold: float) -> Settlement:
    """Judge one result.

    While Klaviyo is down (`hold` seconds until it is asked again), or does not accept the key, a try does not count.
    """
    entry, outcome = result.entry, result.outcome
    if outcome.kind in PLAIN_ENDS:
        return Settlement(entry)
    free = policy.is_free(outcome) or (hold > 0 and outcome.retryable)
    tries = entry.tries + (0 if free else 1)
    first_try = entry.first_try if free else entry.first_try or now
    if free:
        return Settlement(entry, now + hold + _FREE_AGAIN * random(), tries, first_try)
    pause = policy.next_try(outcome, tries, now - first_try, random)
    if pause is not None:
        return Settlement(entry, now + pause, tries, first_try)
    return Settlement(entry, dead_letter=dead_letter(entry, outcome, result.sent, tries, now))
