"""When a failed event is tried again: one small policy, as data, for each vendor."""

from collections.abc import Callable

from attrs import frozen

from klavier.outcome import Outcome

_NOT_COUNTED = frozenset({401, 403, 429})
"""The event is not at fault: the key is not accepted, or the account sends too much.  Such tries are free."""


@frozen
class RetryPolicy:
    """How often and for how long an event is tried.

    A retryable failure is tried again after a random time from zero to `first * 2 ** (tries - 1)` seconds ("full
    jitter"), at most `longest`; it becomes a dead letter after `tries` tries, or `give_up` seconds after its first one.
    """

    tries: int = 10
    first: float = 1.0
    longest: float = 300.0
    give_up: float = 4 * 3600.0

    def is_free(self, outcome: Outcome) -> bool:
        """Tell whether a failure says nothing against the event, so that its try does not count."""
        return outcome.kind == "failed" and outcome.status in _NOT_COUNTED

    def next_try(self, outcome: Outcome, tries: int, age: float, random: Callable[[], float]) -> float | None:
        """Give the seconds until the next try after `tries` counted ones; None when there is none.

        `age` is in seconds since the first counted try, `random` gives numbers from 0.0 up to 1.0.
        """
        free = self.is_free(outcome)
        if outcome.kind != "failed" or not (outcome.retryable or free):
            return None
        if age > self.give_up or (tries >= self.tries and not free):
            return None
        return random() * min(self.longest, self.first * 2.0 ** min(max(tries, 1) - 1, 30))
