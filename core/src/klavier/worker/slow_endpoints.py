"""Slow endpoints: those that have requests in flight without a reply for long, so that nothing more is sent to them."""

from collections.abc import Callable, Iterator

from klavier.worker.alerts import Alerts

SLOW_SECONDS = 5.0
"""After how many seconds without a reply a request is overdue, and its endpoint slow. Klaviyo usually answers within
one; with 32 connections an endpoint that takes five is still sent six requests a second. Shorter, and a slow line or a
large bulk request would count; longer, and other endpoints wait as long for those that do not answer."""


class SlowEndpoints:
    """Counts the requests in flight by endpoint, and which are overdue."""

    def __init__(self, clock: Callable[[], float], alerts: Alerts) -> None:
        self._clock = clock
        self._alerts = alerts
        self._sent: dict[str, dict[object, float]] = {}  # when each was sent, the oldest first
        self._slow: frozenset[str] = frozenset()

    def start(self, endpoint: str) -> object:
        """Note that a request is sent; returns a mark for `end`."""
        mark = object()
        self._sent.setdefault(endpoint, {})[mark] = self._clock()
        return mark

    def end(self, endpoint: str, mark: object) -> None:
        """Note that a request has its reply, or will have none."""
        in_flight = self._sent[endpoint]
        seconds = self._clock() - in_flight.pop(mark)
        if not in_flight:
            del self._sent[endpoint]
        if endpoint in self._slow:
            self.update()
        if seconds < SLOW_SECONDS:
            self._alerts.resolve(f"slow {endpoint}", f"{endpoint}: answers in time again")

    def update(self) -> None:
        """Find the endpoints that are slow now, and report them."""
        since = self._clock() - SLOW_SECONDS
        slow = frozenset([name for name, in_flight in self._sent.items() if next(iter(in_flight.values())) <= since])
        for name in slow - self._slow:
            waiting = "its events wait until it replies, and those of other endpoints are sent"
            self._alerts.report(f"slow {name}", f"{name}: no reply for {SLOW_SECONDS:.0f} s; {waiting}")
        self._slow = slow

    def __contains__(self, endpoint: str) -> bool:
        """Return whether an endpoint was slow at the last `update`."""
        return endpoint in self._slow

    def __iter__(self) -> Iterator[str]:
        """Yield the endpoints that were slow at the last `update`."""
        return iter(self._slow)

    @property
    def overdue(self) -> int:
        """How many requests are overdue: they occupy connections for long, and those of other endpoints need some."""
        since = self._clock() - SLOW_SECONDS
        return sum(at <= since for name in self._slow for at in self._sent[name].values())

    @property
    def wait(self) -> float | None:
        """The seconds until the next request becomes overdue; None where none is in flight."""
        since = self._clock() - SLOW_SECONDS
        times = [next((at for at in in_flight.values() if at > since), None) for in_flight in self._sent.values()]
        return min((at - since for at in times if at is not None), default=None)
