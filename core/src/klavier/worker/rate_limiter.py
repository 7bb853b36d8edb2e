"""Stay within Klaviyo's rate limits, so that no request is refused for coming too soon.

Klaviyo counts requests in fixed windows of one and of sixty seconds, per endpoint and account, and does not say when a
window begins.  So the pacer keeps every sliding window below the quota, a little longer than Klaviyo's own to allow for
requests that travel at different speeds: whatever the windows' beginnings, none can overflow.

Source: Klaviyo's rate-limit guide (fixed windows, RateLimit-* headers, Retry-After).
"""

import re
from collections import deque
from collections.abc import Callable, Mapping

from attrs import define, field

from klavier.klaviyo.operations import UNLIMITED, RateLimit, find_operation
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.retry_after import retry_after

BURST_SECONDS = 1.25
STEADY_SECONDS = 60.5
"""Klaviyo's windows with a margin for jitter on the way."""

_AT_ONCE = 0.8
"""The part of a minute's quota that modest requests may take at once; the rest of it they take evenly."""

_REFUSALS = frozenset({401, 403})
_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 900.0
_FIRST_HOLD, _LONGEST_HOLD = 1.0, 60.0
_SAME_WINDOW = 2.0
"""Two replies speak of one window when its ends, as they tell them, lie this close (whole seconds, plus the way)."""

_NUMBER = re.compile(r"\s*(\d{1,9})")

Clock = Callable[[], float]


@define
class _Window:
    """What one endpoint has been sent lately, and what Klaviyo said of it."""

    rate: RateLimit | None
    sent: deque[float] = field(factory=deque)
    in_flight: int = 0
    held_until: float = 0.0
    holds: int = 0
    left: int | None = None
    left_until: float = 0.0

    def wait(self, now: float, *, modest: bool) -> float:
        """Give the seconds until the next request fits every window."""
        wait = self.held_until - now
        if modest and self.rate is not None:
            wait = max(wait, self._modest_wait(now, self.rate.steady))
        if self.rate is not None:
            if len(self.sent) >= self.rate.burst:
                wait = max(wait, self.sent[-self.rate.burst] + BURST_SECONDS - now)
            if len(self.sent) >= self.rate.steady:
                wait = max(wait, self.sent[-self.rate.steady] + STEADY_SECONDS - now)
        if self.left is not None and self.left <= 0:
            wait = max(wait, self.left_until - now)
        return max(0.0, wait)

    def _modest_wait(self, now: float, steady: int) -> float:
        """Give the seconds until a request leaves others enough of the minute's quota."""
        at_once = int(steady * _AT_ONCE)
        if len(self.sent) < at_once:
            return 0.0
        evenly = STEADY_SECONDS / (steady - at_once)
        return min(self.sent[-at_once] + STEADY_SECONDS, self.sent[-1] + evenly) - now

    def note(self, now: float) -> None:
        """Note a request that is sent at `now`; endpoints without a quota keep no log."""
        self.in_flight += 1
        if self.rate is not None:
            self.sent.append(now)
            while len(self.sent) > self.rate.steady:
                self.sent.popleft()
        if self.left is not None:
            self.left = None if now >= self.left_until else self.left - 1

    def share(self, now: float) -> float:
        """Give the share of the steady quota in use."""
        if self.rate is None:
            return 0.0
        return sum(1 for at in self.sent if at > now - STEADY_SECONDS) / self.rate.steady


class RateLimiter:
    """When each request may be sent.  One pacer stands for one Klaviyo account; it keeps no request and no secret."""

    def __init__(self, clock: Clock, *, rates: Mapping[str, RateLimit] | None = None) -> None:
        """Pace by `clock`, which gives seconds that never run backwards; `rates` override the table by operation."""
        self._clock = clock
        self._rates = dict(rates or {})
        self._windows: dict[str, _Window] = {}
        self._by_call: dict[tuple[str, str], _Window] = {}  # those whose path has no id, found without the table
        self._paused_until = 0.0
        self._pauses = 0

    def wait(self, request: Request, *, modest: bool = False) -> float:
        """Give the seconds to wait before `request` may be sent; 0.0 for now.  Ask again after waiting.

        A `modest` one leaves a part of the quota to others until the minute is over.
        """
        now = self._clock()
        window = self._window(request)
        return max(0.0, self._paused_until - now, window.wait(now, modest=modest) if window else 0.0)

    def admit(self, request: Request, *, modest: bool = False) -> bool:
        """Note that `request` is being sent now; False, and nothing noted, where its time has not come."""
        now = self._clock()
        if self._paused_until > now:
            return False
        window = self._by_call.get((request.method, request.path)) or self._window(request)
        if window is not None:
            if window.wait(now, modest=modest) > 0:
                return False
            window.note(now)
        return True

    def learn(self, request: Request, reply: Response) -> None:
        """Take in what a reply says: a refusal to pace by, the quota that is left, a key that is not accepted."""
        window = self._by_call.get((request.method, request.path)) or self._window(request)
        if window is not None:
            if window.in_flight > 0:
                window.in_flight -= 1
            self._learn_window(window, reply)
        if reply.status in _REFUSALS:
            self._pauses += 1
            self._paused_until = self._clock() + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._pauses - 1, 8))
        elif reply.ok:
            self._pauses = 0
            self._paused_until = 0.0

    @property
    def paused(self) -> float:
        """The seconds for which the whole account is paused, after Klaviyo did not accept the key."""
        return max(0.0, self._paused_until - self._clock())

    def tightest(self) -> tuple[str, float] | None:
        """Name the operation nearest to its steady quota and the share of it in use (0.0 to 1.0); None before any."""
        now = self._clock()
        shares = {name: window.share(now) for name, window in self._windows.items()}
        return max(shares.items(), key=lambda item: item[1]) if shares else None

    def _window(self, request: Request) -> _Window | None:
        method, path = request.method, request.path
        operation = find_operation(method, path)
        if operation is None:
            return None
        window = self._windows.get(operation.name)
        if window is None:
            rate = self._rates.get(operation.name, operation.rate)
            window = self._windows[operation.name] = _Window(None if rate == UNLIMITED else rate)
        if path == operation.path:  # with an id in it there may be any number of paths
            self._by_call[method, path] = window
        return window

    def _learn_window(self, window: _Window, reply: Response) -> None:
        now = self._clock()
        if reply.status == 429:  # noqa: PLR2004 -- Too Many Requests
            told = retry_after(reply.headers.get("retry-after", ""))
            guessed = min(_LONGEST_HOLD, _FIRST_HOLD * 2 ** min(window.holds, 8))
            window.holds += 1
            window.held_until = max(window.held_until, now + (guessed if told is None else told))
            return
        window.holds = 0
        if not reply.headers:
            return
        limit = _first_number(reply.headers.get("ratelimit-limit", ""))
        if limit and window.rate is not None and window.rate.steady != limit:
            window.rate = RateLimit(min(window.rate.burst, limit), limit)
        left = _first_number(reply.headers.get("ratelimit-remaining", ""))
        reset = _first_number(reply.headers.get("ratelimit-reset", ""))
        if left is not None and reset is not None:
            self._learn_left(window, left - window.in_flight, now + min(reset, STEADY_SECONDS))

    @staticmethod
    def _learn_left(window: _Window, left: int, until: float) -> None:
        """Believe the lower of two numbers about one window: replies overtake each other."""
        same = window.left is not None and abs(until - window.left_until) < _SAME_WINDOW
        window.left = min(window.left, left) if same and window.left is not None else left
        window.left_until = until


def _first_number(text: str) -> int | None:
    match = _NUMBER.match(text) if text else None
    return int(match[1]) if match else None
