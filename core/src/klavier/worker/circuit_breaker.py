"""The circuit breaker: stops sending to what accepts no requests, and probes until it answers again."""

from collections.abc import Callable

FAILURES = 10
"""After how many failures in a row a circuit opens. With fewer, one event that always fails looks like an outage by its
retries; with more, an outage costs more events an attempt."""

FIRST_PROBE, LONGEST_PROBE = 1.0, 25.0
"""When probes are sent, in seconds: the first after a second, each further one after twice as long, at last every 25 s,
so that the end of an outage and a rotated key are noticed within 30 s. An outage of a day then costs 3,500 probes."""

THROTTLED_SECONDS = 5.0
"""After how many seconds with nothing but 429, and at least `FAILURES` of them, a circuit opens. Where other programs
use the same account, some requests succeed in that time, or Klaviyo names a longer wait; with a shorter time their use
would look like an outage."""


class CircuitBreaker:
    """Closed at first; opens after so many failures in a row, then permits one request at a time as a probe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._probes = 0
        self._next_probe = 0.0
        self._has_permit = False
        self._throttled = 0
        self._throttled_since = 0.0

    @property
    def is_open(self) -> bool:
        """Whether so many requests in a row failed that requests are held back."""
        return self._failures >= FAILURES

    @property
    def wait(self) -> float:
        """The seconds until a request may be sent; 0.0 for now."""
        return 0.0 if not self.is_open or self._has_permit else self.probe_wait

    @property
    def probe_wait(self) -> float:
        """While the circuit is open: the seconds until the next probe is permitted."""
        return max(0.0, self._next_probe - self._clock()) if self.is_open else 0.0

    def permit_probe(self) -> bool:
        """Permit one request if it is time for a probe; returns whether it is."""
        if not self.is_open or self.probe_wait > 0:
            return False
        self._has_permit = True
        self._schedule_probe()
        return True

    def try_acquire(self) -> bool:
        """Return whether a request may be sent now; while the circuit is open this uses the permit of the probe."""
        if not self.is_open:
            return True
        if not self._has_permit and not self.permit_probe():
            return False
        self._has_permit = False
        return True

    def on_success(self) -> bool:
        """Close the circuit; returns whether it was open."""
        was_open = self.is_open
        self._failures = self._probes = self._throttled = 0
        self._has_permit = False
        return was_open

    def on_failure(self, *, is_final: bool = False) -> bool:
        """Count a failure, or one after which the circuit opens at once; returns whether the circuit opened with it.

        While the circuit is open failures change nothing: those of a burst that was sent before it opened are one
        failure, and the time of the next probe is set when a probe is sent.
        """
        if self.is_open:
            return False
        self._failures = FAILURES if is_final else self._failures + 1
        if self.is_open:
            self._schedule_probe()
        return self.is_open

    def on_throttled(self) -> bool:
        """Count a 429; returns whether the circuit opened with it.

        It opens after `THROTTLED_SECONDS` with nothing but 429, and at least `FAILURES` of them.
        """
        if not self._throttled:
            self._throttled_since = self._clock()
        self._throttled += 1
        is_long = self._clock() - self._throttled_since >= THROTTLED_SECONDS
        return is_long and self._throttled >= FAILURES and self.on_failure(is_final=True)

    def _schedule_probe(self) -> None:
        self._next_probe = self._clock() + min(LONGEST_PROBE, FIRST_PROBE * 2.0 ** min(self._probes, 16))
        self._probes += 1
