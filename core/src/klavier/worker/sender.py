"""The sender: sends requests within Klaviyo's limits, and none to an endpoint that refuses all or replies to none."""

import asyncio
import logging
from collections.abc import Callable

from klavier.flows.drivers import AsyncSend, no_reply
from klavier.klaviyo.operations import OPERATIONS
from klavier.klaviyo.replies import check_reply
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.alerts import Alerts
from klavier.worker.circuits import Circuits, endpoint_name
from klavier.worker.rate_limiter import RateLimiter
from klavier.worker.slow_endpoints import SLOW_SECONDS, SlowEndpoints

_THROTTLED = 429
_MOST_SENDS = 5
"""How often a request is sent while it gets 429, before its event goes back to the outbox. One that another program on
the account crowds out five times in a row waits better on disk."""

_LONGEST_WAIT = 5.0
"""The longest hold after a 429 that a request waits out in place, in seconds. For longer ones its event leaves memory:
a window full of such requests would keep those of other endpoints from being sent."""

_SLOT_SECONDS = 0.05
"""How often a request that has no connection looks for one; only follow-ups of bulk requests wait in this way."""

_LONG_HOLD = 60.0
"""The longest hold after a 429 that is usual, in seconds: Klaviyo's longest window. Longer ones are reported."""

_BULK = frozenset(operation.bulk for operation in OPERATIONS if operation.bulk)
"""The bulk endpoints that a single record does not use: one released ordering key would probe the single endpoint."""

_NOT_SENT = Response.none("not sent: the endpoint is paused")

_log = logging.getLogger("klavier.worker")


class Sender:
    """Sends requests to one Klaviyo account, at most `connections` at a time, besides those that are overdue.

    Unless it `holds_back`, requests are sent at full rate also while all are refused: for a run that is to end soon.
    """

    def __init__(
        self,
        send: AsyncSend,
        rate_limiter: RateLimiter,
        clock: Callable[[], float],
        *,
        connections: int = 32,
        holds_back: bool = True,
    ) -> None:
        self._send = send
        self._rate_limiter = rate_limiter
        self._clock = clock
        self._connections = connections
        self._in_flight = 0
        self._alerts = Alerts(_log, clock)
        self._circuits = Circuits(clock, self._alerts, holds_back=holds_back)
        self._slow = SlowEndpoints(clock, self._alerts)

    @property
    def has_connection(self) -> bool:
        """Whether another request may be in flight; those that are overdue occupy no connection of others."""
        return self._in_flight - self._slow.overdue < self._connections

    @property
    def paused(self) -> float:
        """The seconds until a paused account is tried again; 0.0 where it is not paused."""
        return self._circuits.paused

    @property
    def pause_reason(self) -> str:
        """Why the account is paused; an empty string where it is not paused."""
        return self._circuits.pause_reason

    @property
    def in_flight(self) -> int:
        """How many requests wait for their replies."""
        return self._in_flight

    def open_endpoints(self) -> dict[str, float]:
        """Return the endpoints that nothing is sent to, with the seconds until each is tried again.

        A slow one is tried again when it replies: 0.0. Usual waits after a 429 are left out.
        """
        held = {name: wait for name, wait in self._rate_limiter.holds().items() if wait > _LONG_HOLD}
        return {**dict.fromkeys(self._slow, 0.0), **held, **self._circuits.open_endpoints()}

    def wait(self, request: Request) -> float:
        """Return the seconds until `request` may be sent, were a connection free; 0.0 for now."""
        name = endpoint_name(request.method, request.path)
        return max(self._circuits.wait(name), self._rate_limiter.wait(request))

    @property
    def slow_wait(self) -> float | None:
        """The seconds until another request in flight may be overdue; None where none is in flight."""
        wait = self._slow.wait
        return SLOW_SECONDS if wait is None and self._in_flight else wait  # its task may not have started yet

    def update_slow(self) -> None:
        """Find the endpoints that are slow now: their requests can be sent only when they reply."""
        self._slow.update()

    def can_send(self, request: Request) -> bool:
        """Return whether `request` may be sent now."""
        return self.has_connection and self.wait(request) <= 0 and not self._is_slow(request)

    def try_acquire(self, request: Request) -> bool:
        """Count `request` as sent now, for `send` with `acquired`; False, and nothing counted, where it may not be."""
        name = endpoint_name(request.method, request.path)
        if not self.has_connection or self._circuits.wait(name) > 0 or name in self._slow:
            return False
        if not self._rate_limiter.try_acquire(request):
            return False
        self._circuits.acquire(name)
        self._in_flight += 1
        return True

    async def send(self, request: Request, *, acquired: bool = False) -> Response:
        """Send a request as soon as the limits allow; returns the reply, with status 0 where none came.

        A request that is not `acquired`, since it follows another one, is not sent while its endpoint is blocked; it
        waits for one that is slow.
        """
        reply, name = _NOT_SENT, endpoint_name(request.method, request.path)
        for _ in range(_MOST_SENDS):
            while not acquired and not self.try_acquire(request):
                if self._block_seconds(name) > 0:
                    return reply
                has_slot = self.has_connection and not self._is_slow(request)
                await asyncio.sleep(max(self.wait(request), 0.0 if has_slot else _SLOT_SECONDS))
            acquired = False
            sent_at, mark = self._clock(), self._slow.start(name)
            try:
                reply = check_reply(request, await self._send(request))
            except Exception as error:  # noqa: BLE001 -- whatever `send` raises, the event needs its outcome
                reply = no_reply(error)
            finally:
                self._in_flight -= 1
                self._slow.end(name, mark)
            self._update(name, request, reply, sent_at)
            if reply.status != _THROTTLED:
                break
        return reply

    def blocked_endpoint(self, request: Request) -> str:
        """Return the name of the request's endpoint where nothing is sent to it for a while; else an empty string."""
        name = endpoint_name(request.method, request.path)
        return name if name in self._slow or self._block_seconds(name) > 0 else ""

    def release_wait(self, endpoint: str) -> float | None:
        """Return the seconds until `permits` may permit a request to a blocked endpoint; None: when it replies."""
        if endpoint in self._slow:
            return None
        return max(self._long_hold(endpoint), self._circuits.probe_wait(endpoint) or 0.0)

    def permits(self, endpoint: str) -> int | None:
        """Return how many ordering keys may be tried at an endpoint: 0 while it is blocked, None for all.

        For a probe as many as its one request needs.
        """
        if endpoint in self._slow or self._long_hold(endpoint) > 0:
            return 0
        if self._circuits.probe_wait(endpoint) is not None:
            probing = 2 if endpoint in _BULK else 1
            return probing if self._circuits.permit_probe(endpoint) else 0
        return None

    def is_failing(self, request: Request) -> bool:
        """Return whether the request's endpoint refuses all requests, or is blocked: then no event is at fault."""
        name = endpoint_name(request.method, request.path)
        return self._circuits.is_failing(name) or self._long_hold(name) > 0

    def _update(self, name: str, request: Request, reply: Response, sent_at: float) -> None:
        """Update the limits and the circuits from a reply; report a long hold after a 429, and its end."""
        self._rate_limiter.update(request, reply, sent_at)
        self._circuits.update(name, reply)
        cause = f"held {name}"
        if reply.status != _THROTTLED:
            self._alerts.resolve(cause, f"{name}: Klaviyo lets its requests through again")
        elif (hold := self._rate_limiter.hold(name)) > _LONG_HOLD:
            waiting = "its events wait, and those of other endpoints are sent"
            self._alerts.report(cause, f"{name}: Klaviyo asks to wait for {hold:.0f} s (429); {waiting}")

    def _is_slow(self, request: Request) -> bool:
        return endpoint_name(request.method, request.path) in self._slow

    def _block_seconds(self, endpoint: str) -> float:
        """Return the seconds for which an endpoint is blocked, by its circuit or by a long Retry-After."""
        return max(self._circuits.wait(endpoint), self._long_hold(endpoint))

    def _long_hold(self, endpoint: str) -> float:
        """Return the seconds for which a 429 holds an endpoint, where they are too many to wait in place; else 0.0."""
        hold = self._rate_limiter.hold(endpoint)
        return hold if hold > _LONGEST_WAIT else 0.0
