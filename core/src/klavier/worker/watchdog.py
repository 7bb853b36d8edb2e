"""The watchdog: ends a process that hangs in one translation, so that its supervisor starts it again."""

import faulthandler
import time
from collections.abc import Callable, Sequence

TRANSLATION_SECONDS = 30.0
"""How long one translation may take. Usual ones take 30 us, a plugin's transformation with a call over the network
perhaps a second; a process that hangs longer delivers nothing until it is restarted."""

_REARM_SECONDS = 1.0
"""How often the timer is set anew while translations follow each other: setting it starts a thread (50 us), so once a
translation costs more than all the rest of it."""

_STDERR = 2


class Watchdog:
    """Ends the process with a traceback on standard error when one translation takes too long.

    The timer is faulthandler's: a thread of its own that needs no GIL, so it also ends a process that hangs in C, such
    as in a backtracking pattern.
    """

    def __init__(self, mark: Callable[[Sequence[int]], None], seconds: float | None = None) -> None:
        """`mark` is called with the positions of the entries before they are translated.

        `seconds` is how long one translation may take, None for `TRANSLATION_SECONDS`; the process ends up to a second
        later, since the timer is not set anew for each translation.
        """
        self._mark = mark
        self._seconds = TRANSLATION_SECONDS if seconds is None else seconds
        self._armed_at: float | None = None

    def mark_translating(self, seqs: Sequence[int]) -> None:
        """Mark the entries whose translation begins, and watch it; an empty sequence ends both."""
        self._mark(seqs)
        if not seqs:
            faulthandler.cancel_dump_traceback_later()
            self._armed_at = None
            return
        now = time.monotonic()
        if self._armed_at is None or now - self._armed_at > _REARM_SECONDS:
            faulthandler.dump_traceback_later(self._seconds + _REARM_SECONDS, exit=True, file=_STDERR)
            self._armed_at = now
