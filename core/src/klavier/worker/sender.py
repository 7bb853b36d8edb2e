"""The sender: sends requests within Klaviyo's limits, and none to an endpoint or account that refuses all of them."""

import asyncio
from collections.abc import Callable

from klavier.flows.drivers import AsyncSend, no_reply
from klavier.klaviyo.replies import check_reply
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.circuits import Circuits, endpoint_name
from klavier.worker.rate_limiter import RateLimiter

_THROTTLED = 429
_MOST_SENDS = 5
"""How often a request is sent while it gets 429, before its event goes back to the outbox. One that another program on
the account crowds out five times in a row waits better on disk."""

_LONGEST_WAIT = 5.0
"""The longest hold after a 429 that a request waits out in place, in seconds. For longer ones its event leaves memory:
a window full of such requests would keep those of other endpoints from being sent."""

_SLOT_SECONDS = 0.05
"""How often a request that has no connection looks for one; only follow-ups of bulk requests wait in this way."""


class Sender:
    """Sends requests to one Klaviyo account, at most `connections` at a time.

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
        self._circuits = Circuits(clock, holds_back=holds_back)

    @property
    def has_connection(self) -> bool:
        """Whether another request may be in flight."""
        return self._in_flight < self._connections

    @property
    def is_paused(self) -> bool:
        """Whether the whole account is paused, since Klaviyo does not accept the key or refuses everything."""
        return self._circuits.is_paused

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
        """Return the endpoints whose circuits are open, with the seconds until each is probed."""
        return self._circuits.open_endpoints()

    def tightest(self) -> tuple[str, float] | None:
        """Return the operation nearest to its rate limit and the share of it in use; None before any request."""
        return self._rate_limiter.tightest()

    def wait(self, request: Request) -> float:
        """Return the seconds until `request` may be sent, were a connection free; 0.0 for now."""
        return max(self._circuits.wait(request), self._rate_limiter.wait(request))

    def can_send(self, request: Request) -> bool:
        """Return whether `request` may be sent now."""
        return self.has_connection and self.wait(request) <= 0

    def try_acquire(self, request: Request) -> bool:
        """Count `request` as sent now, for `send` with `acquired`; False, and nothing counted, where it may not be."""
        if not self.has_connection or self._circuits.wait(request) > 0:
            return False
        if not self._rate_limiter.try_acquire(request):
            return False
        self._circuits.acquire(request)
        self._in_flight += 1
        return True

    async def send(self, request: Request, *, acquired: bool = False) -> Response:
        """Send a request as soon as the limits allow; returns the reply, with status 0 where none came.

        A request that is not `acquired`, since it follows another one, is not sent while its endpoint is blocked.
        """
        reply = Response.none("not sent: the endpoint is paused")
        for _ in range(_MOST_SENDS):
            while not acquired and not self.try_acquire(request):
                if self._circuits.wait(request) > 0 or self.blocked_endpoint(request):
                    return reply
                await asyncio.sleep(max(self.wait(request), 0.0 if self.has_connection else _SLOT_SECONDS))
            acquired = False
            sent_at = self._clock()
            try:
                reply = check_reply(request, await self._send(request))
            except Exception as error:  # noqa: BLE001 -- whatever `send` raises, the event needs its outcome
                reply = no_reply(error)
            finally:
                self._in_flight -= 1
            self._rate_limiter.update(request, reply, sent_at)
            self._circuits.update(request, reply)
            if reply.status != _THROTTLED:
                break
        return reply

    def blocked_endpoint(self, request: Request) -> str:
        """Return the name of the request's endpoint where nothing is sent to it for a while; else an empty string."""
        name = endpoint_name(request.method, request.path)
        return name if self._block_seconds(name) > 0 else ""

    def release_wait(self, endpoint: str) -> float:
        """Return the seconds until `permits` may permit a request to a blocked endpoint."""
        wait = self._circuits.probe_wait(endpoint)
        return self._block_seconds(endpoint) if wait is None else wait

    def permits(self, endpoint: str) -> int | None:
        """Return how many requests to an endpoint may be tried: 0 while it is blocked, 1 as a probe, None for all."""
        if self._circuits.probe_wait(endpoint) is not None:
            return int(self._circuits.permit_probe(endpoint))
        return 0 if self._block_seconds(endpoint) > 0 else None

    def is_failing(self, request: Request) -> bool:
        """Return whether the request's endpoint, or the account, refuses all requests: then no event is at fault."""
        return self._circuits.is_failing(request)

    def _block_seconds(self, endpoint: str) -> float:
        """Return the seconds for which an endpoint is blocked, by its circuit or by a long Retry-After."""
        hold = self._rate_limiter.hold(endpoint)
        return max(self._circuits.endpoint_wait(endpoint), hold if hold > _LONGEST_WAIT else 0.0)
