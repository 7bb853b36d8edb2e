"""The rate limiter: keeps requests within Klaviyo's limits, so that none is refused for coming too soon.

Klaviyo counts requests in fixed windows of one and of sixty seconds, per endpoint and account, and does not say when a
window begins. So every sliding window is kept below the quota, a little longer than Klaviyo's own to allow for requests
that travel at different speeds: whenever the fixed windows begin, none can overflow.

Source: Klaviyo's rate-limit guide (fixed windows, RateLimit-* headers, Retry-After).
"""

import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from attrs import define, field

from klavier.klaviyo.operations import BY_NAME, UNLIMITED, RateLimit
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.circuits import endpoint_name

BURST_SECONDS = 1.25
STEADY_SECONDS = 60.5
"""Klaviyo's windows of 1 and 60 seconds with a margin for jitter on the way: requests sent 1.25 s apart may arrive 1 s
apart. Larger margins cost as much throughput as they are larger; smaller ones were refused at round trips of 200 ms."""

_FIRST_HOLD, _LONGEST_HOLD = 1.0, 60.0
"""How long an endpoint is held after a 429 without a Retry-After, in seconds, doubling: Klaviyo's windows are one and
sixty seconds long."""

_SAME_WINDOW = 2.0
"""Two replies are about one window when its ends, as they name them, are this close, in seconds: Klaviyo rounds to
whole seconds, and replies take up to a second."""

_SHORTEST_RETRY, _LONGEST_RETRY = 1.0, 86_400.0
"""The bounds of a Retry-After, in seconds: Klaviyo names whole seconds, and no reply may silence an account for more
than a day."""

_THROTTLED = 429
_NUMBER = re.compile(r"\s*(\d{1,9})")

Clock = Callable[[], float]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def read_retry_after(header: str, now: Callable[[], datetime] = _utc_now) -> float | None:
    """Return the seconds to wait: from an integer, a decimal or an HTTP date; None for an absent or unreadable header.

    Source: RFC 9110, section 10.2.3.
    """
    text = header.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now()).total_seconds()
    if seconds != seconds:  # noqa: PLR0124 -- NaN is the one number that differs from itself
        return None
    return min(_LONGEST_RETRY, max(_SHORTEST_RETRY, seconds))


@define
class _Window:
    """The last requests to one endpoint, and what is left of its quota according to Klaviyo."""

    rate: RateLimit | None
    sent: deque[float] = field(factory=deque)
    in_flight: int = 0
    held_since: float = 0.0
    held_until: float = 0.0
    holds: int = 0
    left: int | None = None
    left_until: float = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until the next request fits every window."""
        wait = self.held_until - now
        if self.rate is not None:
            if len(self.sent) >= self.rate.burst:
                wait = max(wait, self.sent[-self.rate.burst] + BURST_SECONDS - now)
            if len(self.sent) >= self.rate.steady:
                wait = max(wait, self.sent[-self.rate.steady] + STEADY_SECONDS - now)
        if self.left is not None and self.left <= 0:
            wait = max(wait, self.left_until - now)
        return max(0.0, wait)

    def record(self, now: float) -> None:
        """Record a request that is sent at `now`; endpoints without a quota keep no log."""
        self.in_flight += 1
        if self.rate is not None:
            self.sent.append(now)
            while len(self.sent) > self.rate.steady:
                self.sent.popleft()
        if self.left is not None:
            self.left = None if now >= self.left_until else self.left - 1

    def hold(self, retry_after: float | None, sent_at: float, now: float) -> None:
        """Hold the endpoint after a 429.

        Requests of one burst are refused together: without a Retry-After only one that was sent after the present hold
        began makes it longer.
        """
        if retry_after is None:
            if sent_at < self.held_since:
                return
            retry_after = min(_LONGEST_HOLD, _FIRST_HOLD * 2 ** min(self.holds, 8))
            self.holds += 1
        self.held_since = now
        self.held_until = max(self.held_until, now + retry_after)

    def update_left(self, left: int, until: float) -> None:
        """Update the rest of the quota: of two numbers about one window the lower, as replies overtake each other."""
        same = self.left is not None and abs(until - self.left_until) < _SAME_WINDOW
        self.left = min(self.left, left) if same and self.left is not None else left
        self.left_until = until

    def share(self, now: float) -> float:
        """Return the share of the steady quota in use."""
        if self.rate is None:
            return 0.0
        return sum(1 for at in self.sent if at > now - STEADY_SECONDS) / self.rate.steady


class RateLimiter:
    """Decides when each request may be sent; one instance for each Klaviyo account."""

    def __init__(self, clock: Clock, *, rates: Mapping[str, RateLimit] | None = None, share: float = 1.0) -> None:
        """`clock` returns seconds that never run backwards; `rates` override the table by operation.

        `share` is the part of each quota to use, above 0 and at most 1; other programs may use the rest.
        """
        self._clock = clock
        self._share = share
        self._rates = dict(rates or {})
        self._windows: dict[str, _Window] = {}

    def resume(self, usage: Mapping[str, float], age: float) -> None:
        """Start from what another process had used of the steady quotas, `age` seconds ago: `usage` by operation.

        All of it counts as sent at that moment, so no window is exceeded.
        """
        at = self._clock() - age
        for name, used in usage.items():
            window = self._operation_window(name)
            if window is not None and window.rate is not None and not window.sent and age < STEADY_SECONDS:
                window.sent.extend([at] * round(min(1.0, used) * window.rate.steady))

    def wait(self, request: Request) -> float:
        """Return the seconds until `request` may be sent; 0.0 for now. Ask again after waiting."""
        window = self._window(request)
        return window.wait(self._clock()) if window else 0.0

    def hold(self, operation: str) -> float:
        """Return the seconds for which an operation is held after a 429."""
        window = self._windows.get(operation)
        return max(0.0, window.held_until - self._clock()) if window else 0.0

    def holds(self) -> dict[str, float]:
        """Return the operations that are held after a 429, with the seconds that are left."""
        now = self._clock()
        return {name: window.held_until - now for name, window in self._windows.items() if window.held_until > now}

    def try_acquire(self, request: Request) -> bool:
        """Count `request` as sent now; False, and nothing counted, where it may not be sent yet."""
        now = self._clock()
        window = self._window(request)
        if window is not None:
            if window.wait(now) > 0:
                return False
            window.record(now)
        return True

    def update(self, request: Request, reply: Response, sent_at: float) -> None:
        """Update the endpoint's window from a reply: a 429, the quota and what is left of it.

        `sent_at` is when the request was sent, by `clock`.
        """
        window = self._window(request)
        if window is None:
            return
        now = self._clock()
        window.in_flight = max(0, window.in_flight - 1)
        if reply.status == _THROTTLED:
            window.hold(read_retry_after(reply.headers.get("retry-after", "")), sent_at, now)
            return
        window.holds = 0
        if not reply.headers:
            return
        limit = _first_number(reply.headers.get("ratelimit-limit", ""))
        limit = limit and self._part(limit)
        if limit and window.rate is not None and window.rate.steady != limit:
            window.rate = RateLimit(min(window.rate.burst, limit), limit)
        left = _first_number(reply.headers.get("ratelimit-remaining", ""))
        reset = _first_number(reply.headers.get("ratelimit-reset", ""))
        if left is not None and reset is not None:
            window.update_left(left - window.in_flight, now + min(reset, STEADY_SECONDS))

    def tightest(self) -> tuple[str, float] | None:
        """Return the operation nearest to its steady quota and the share of it in use (0.0 to 1.0); None before any."""
        now = self._clock()
        shares = {name: window.share(now) for name, window in self._windows.items()}
        return max(shares.items(), key=lambda item: item[1]) if shares else None

    def usage(self) -> dict[str, float]:
        """Return the share of the steady quota in use (0.0 to 1.0), by operation; those that are in use only."""
        now = self._clock()
        shares = ((name, window.share(now)) for name, window in self._windows.items())
        return {name: share for name, share in shares if share > 0}

    def _window(self, request: Request) -> _Window | None:
        return self._operation_window(endpoint_name(request.method, request.path))

    def _operation_window(self, name: str) -> _Window | None:
        window = self._windows.get(name)
        if window is None and name in BY_NAME:
            rate = self._rates.get(name, BY_NAME[name].rate)
            own = None if rate == UNLIMITED else RateLimit(self._part(rate.burst), self._part(rate.steady))
            window = self._windows[name] = _Window(own)
        return window

    def _part(self, quota: int) -> int:
        return max(1, int(quota * self._share))


def _first_number(text: str) -> int | None:
    match = _NUMBER.match(text) if text else None
    return int(match[1]) if match else None
