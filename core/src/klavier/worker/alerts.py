"""Alerts: log a problem once when it begins, then rarely with how often it occurred, and once when it is over."""

import logging
from collections.abc import Callable

from attrs import define

FIRST_REPEAT, LONGEST_REPEAT = 60.0, 3600.0
"""How long a problem goes on before it is logged again, in seconds, doubling: an outage of a day is 29 lines. A problem
is over at the first success `FIRST_REPEAT` or more after its last line: alternating failures and successes must not
fill the log."""


@define
class _Problem:
    logged_at: float
    pause: float = FIRST_REPEAT
    unlogged: int = 0


class Alerts:
    """Logs each cause once; `clock` returns seconds that never run backwards.

    A message names endpoints, statuses and settings: never an event, a profile or a key.
    """

    def __init__(self, logger: logging.Logger, clock: Callable[[], float]) -> None:
        self._logger = logger
        self._clock = clock
        self._problems: dict[str, _Problem] = {}

    @property
    def has_problems(self) -> bool:
        """Whether a problem was reported that is not over yet."""
        return bool(self._problems)

    def report(self, cause: str, message: str, level: int = logging.WARNING) -> None:
        """Log a problem at once where its cause is new, else count it and log the count now and then."""
        now = self._clock()
        problem = self._problems.get(cause)
        if problem is None:
            self._problems[cause] = _Problem(now)
            self._logger.log(level, "%s", message)
            return
        problem.unlogged += 1
        if now - problem.logged_at >= problem.pause:
            self._logger.log(level, "%s (%d times since the last line)", message, problem.unlogged)
            problem.logged_at, problem.unlogged = now, 0
            problem.pause = min(LONGEST_REPEAT, 2 * problem.pause)

    def resolve(self, cause: str, message: str) -> None:
        """Log that a reported problem is over, unless its last line is younger than `FIRST_REPEAT`.

        Call it with every success: it costs next to nothing.
        """
        if cause in self._problems and self._clock() - self._problems[cause].logged_at >= FIRST_REPEAT:
            del self._problems[cause]
            self._logger.info("%s", message)
