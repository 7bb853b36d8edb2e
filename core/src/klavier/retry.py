"""When a failed event is tried again: one small policy, as data, for each vendor."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import field, frozen

from klavier.klaviyo.response import RETRYABLE, Response
from klavier.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_FREE_STATUSES = frozenset({401, 403, 429})
"""The event is not at fault: the key is not accepted, or the account sends too much. Such attempts do not count."""

FREE_RETRY_SECONDS = 5.0
"""Within how many seconds an event is tried again whose attempt did not count. The worker waits for Klaviyo by itself;
the random time only keeps events from coming back all at once."""

_SERVER_ERRORS = frozenset(range(500, 600))
_FEW = 10
_UNITS = (("h", 3600), ("min", 60), ("s", 1))


def is_transient(outcome: Outcome) -> bool:
    """Return whether an outcome is a failure that a later attempt may repair, so that later events wait for it."""
    return outcome.kind == "failed" and (outcome.retryable or outcome.status in _FREE_STATUSES)


@frozen
class RetryPolicy:
    """How often and for how long an event is tried.

    A transient failure is retried after a random time from zero to `first * 2 ** (tries - 1)` seconds ("full jitter"),
    at most `longest`. The event becomes a dead letter after `tries` attempts (None: however many they are), or at
    `give_up` seconds after the first one, but then not before `least` attempts.

    `statuses` are those that the vendor itself retries, 0 for no reply; the statuses that klavier knows to be transient
    are retried whether they are in it or not. `source` is where the vendor documents this; empty where it does not, and
    the numbers are klavier's own.
    """

    tries: int | None = 10
    first: float = 1.0
    longest: float = 300.0
    give_up: float = 4 * 3600.0
    least: int = 3
    statuses: "AbstractSet[int]" = field(default=RETRYABLE, repr=False)
    source: str = ""

    def may_retry(self, reply: Response) -> bool:
        """Return whether a later attempt of what got this reply may succeed: a flow's failure is `retryable` by it."""
        return reply.retryable or (reply.status in self.statuses and not reply.local)

    def is_free(self, outcome: Outcome, *, is_failing: bool = False) -> bool:
        """Return whether the event is not at fault for a failure, so that the attempt does not count.

        `is_failing`: the endpoint accepts no requests.
        """
        return outcome.kind == "failed" and (outcome.status in _FREE_STATUSES or is_failing)

    def next_try(
        self, outcome: Outcome, tries: int, age: float, random: Callable[[], float], *, is_failing: bool = False
    ) -> float | None:
        """Return the seconds until the next attempt after `tries` counted ones; None when there is none.

        `age` is in seconds since the first counted attempt, `random` returns numbers from 0.0 up to 1.0, `is_failing`
        is as in `is_free`.
        """
        if self.is_free(outcome, is_failing=is_failing):
            return random() * FREE_RETRY_SECONDS
        if outcome.kind != "failed" or not outcome.retryable or self._is_over(tries, age):
            return None
        return random() * min(self.longest, self.first * 2.0 ** min(max(tries, 1) - 1, 30))

    def _is_over(self, tries: int, age: float) -> bool:
        if self.tries is not None and tries >= self.tries:
            return True
        return age > self.give_up and tries >= self.least


def describe_policy(policy: RetryPolicy) -> list[tuple[str, str]]:
    """Describe a policy as pairs of a label and a text; the vendor pages and `klavier vendors` show them."""
    end = f"after {_span(policy.give_up)}, but not before {policy.least} tries"
    if policy.tries is not None:
        end = f"after {policy.tries} tries, or {end}"
    # A vendor that retries some server errors is described in full, and klavier's share as a whole.
    also = RETRYABLE - policy.statuses
    return [
        ("retried", _statuses(policy.statuses) + (f"; by klavier also {_statuses(_whole(also))}" if also else "")),
        ("waits", f"a random time, at first up to {_span(policy.first)}, doubling up to {_span(policy.longest)}"),
        ("given up", end),
        ("source", policy.source or "klavier's own policy, since the vendor documents none"),
    ]


def _whole(statuses: "AbstractSet[int]") -> "AbstractSet[int]":
    """Return nearly all transient server errors as all of them, which takes fewer words."""
    return statuses | (RETRYABLE & _SERVER_ERRORS) if len(statuses & _SERVER_ERRORS) > _FEW else statuses


def _statuses(statuses: "AbstractSet[int]") -> str:
    """Write a set of statuses: `no reply, 408, 429, 5xx but 501`."""
    errors = _SERVER_ERRORS & statuses
    names = ["no reply"] if 0 in statuses else []
    if len(errors) <= _FEW:
        return ", ".join(names + [str(status) for status in sorted(statuses - {0})])
    names += [str(status) for status in sorted(statuses - errors - {0})]
    missing = sorted(_SERVER_ERRORS - errors)
    return ", ".join([*names, "5xx" + (f" but {', '.join(map(str, missing))}" if missing else "")])


def _span(seconds: float) -> str:
    """Write a time span in the largest unit that makes it a whole number."""
    unit, length = next(
        ((unit, length) for unit, length in _UNITS if seconds >= length and seconds % length == 0), _UNITS[-1]
    )
    return f"{seconds / length:g} {unit}"
