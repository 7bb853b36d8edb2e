"""Klaviyo's side of the rate limits, for tests: fixed windows that begin at any moment."""

from collections import Counter

from klavier.klaviyo.operations import RateLimit


class FixedWindows:
    """Counts requests in windows of one and sixty seconds, both shifted by `phase`; tells whether one fits."""

    def __init__(self, rate: RateLimit, phase: float = 0.0) -> None:
        self.rate = rate
        self.phase = phase
        self.counts: Counter[tuple[int, int]] = Counter()

    def admits(self, now: float) -> bool:
        # Rounded down, not towards zero: that would make one window of the two around `phase`.
        windows = [(length, int((now - self.phase) // length)) for length in (1, 60)]
        if self.counts[windows[0]] >= self.rate.burst or self.counts[windows[1]] >= self.rate.steady:
            return False
        self.counts.update(windows)
        return True
