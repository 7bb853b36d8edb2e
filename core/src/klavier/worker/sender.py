"""The sender: sends requests within Klaviyo's limits, and stops while an endpoint or the whole account is refused.

Each endpoint has a circuit breaker, and so has the account: it opens when Klaviyo does not accept the key.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache

from klavier.flows.drivers import AsyncSend, no_reply
from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.circuit_breaker import CircuitBreaker
from klavier.worker.rate_limiter import RateLimiter

_THROTTLED = 429
_MOST_SENDS = 5
"""How often a request is sent while it gets 429, before its event goes back to the outbox. One that another program on
the account crowds out five times in a row waits better on disk."""

_LONGEST_WAIT = 5.0
"""The longest hold after a 429 that a request waits out in place, in seconds. For longer ones its event leaves memory:
a window full of such requests would keep those of other endpoints from being sent."""

_KEY_REFUSED, _ENDPOINT_REFUSED = 401, 403
"""Klaviyo does not accept the key; the key has no scope for the endpoint."""

_SLOT_SECONDS = 0.05
"""How often a request that has no connection looks for one; only follow-ups of bulk requests wait in this way."""


class Sender:
    """Sends requests to one Klaviyo account, at most `connections` at a time.

    Unless it `holds_back`, requests are sent at full rate also while a circuit is open: for a run that is to end soon.
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
        self._holds_back = holds_back
        self._in_flight = 0
        self._account = CircuitBreaker(clock, failures=1)
        self._endpoints: dict[str, CircuitBreaker] = {}

    @property
    def has_connection(self) -> bool:
        """Whether another request may be in flight."""
        return self._in_flight < self._connections

    @property
    def is_paused(self) -> bool:
        """Whether the whole account is paused since Klaviyo does not accept the key."""
        return self._account.is_open and self._holds_back

    @property
    def paused(self) -> float:
        """The seconds until the key is tried again; 0.0 where the account is not paused."""
        return self._account.wait if self._holds_back else 0.0

    def tightest(self) -> tuple[str, float] | None:
        """Return the operation nearest to its rate limit and the share of it in use; None before any request."""
        return self._rate_limiter.tightest()

    def wait(self, request: Request) -> float:
        """Return the seconds until `request` may be sent, were a connection free; 0.0 for now."""
        wait = self._rate_limiter.wait(request)
        return max(wait, self._account.wait, self._circuit(request).wait) if self._holds_back else wait

    def can_send(self, request: Request) -> bool:
        """Tell whether `request` may be sent now."""
        return self.has_connection and self.wait(request) <= 0

    def try_acquire(self, request: Request) -> bool:
        """Count `request` as sent now, for `send` with `acquired`; False, and nothing counted, where it may not be."""
        circuit = self._circuit(request)
        if not self.has_connection or (self._holds_back and (self._account.wait > 0 or circuit.wait > 0)):
            return False
        if not self._rate_limiter.try_acquire(request):
            return False
        self._account.try_acquire()
        circuit.try_acquire()
        self._in_flight += 1
        return True

    async def send(self, request: Request, *, acquired: bool = False) -> Response:
        """Send a request as soon as it may be sent; returns the reply, with status 0 where none came."""
        reply = Response.none("not sent")
        for _ in range(_MOST_SENDS):
            while not acquired and not self.try_acquire(request):  # noqa: ASYNC110 -- time is what it waits for
                await asyncio.sleep(max(self.wait(request), _SLOT_SECONDS if not self.has_connection else 0.0))
            acquired = False
            sent_at = self._clock()
            try:
                reply = await self._send(request)
            except Exception as error:  # noqa: BLE001 -- whatever `send` raises, the event needs its outcome
                reply = no_reply(error)
            finally:
                self._in_flight -= 1
            self._update(request, reply, sent_at)
            if reply.status != _THROTTLED or self.blocked_endpoint(request):
                break
        return reply

    def blocked_endpoint(self, request: Request) -> str:
        """Return the name of the request's endpoint where nothing is sent to it for a while; else an empty string."""
        name = endpoint_name(request.method, request.path)
        return name if self.block_seconds(name) > 0 else ""

    def block_seconds(self, endpoint: str) -> float:
        """Return the seconds for which an endpoint is blocked, by its circuit or by a long Retry-After."""
        circuit = self._endpoints.get(endpoint)
        hold = self._rate_limiter.hold(endpoint)
        wait = circuit.wait if circuit is not None and self._holds_back else 0.0
        return max(wait, hold if hold > _LONGEST_WAIT else 0.0)

    def release_wait(self, endpoint: str) -> float:
        """Return the seconds until `permits` may permit a request to a blocked endpoint."""
        circuit = self._endpoints.get(endpoint)
        is_open = circuit is not None and circuit.is_open
        return circuit.probe_wait if circuit is not None and is_open else self.block_seconds(endpoint)

    def permits(self, endpoint: str) -> int | None:
        """Return how many requests to an endpoint may be tried: 0 while it is blocked, 1 as a probe, None for all."""
        circuit = self._endpoints.get(endpoint)
        if circuit is not None and circuit.is_open and self._holds_back:
            return int(circuit.permit_probe())
        return 0 if self.block_seconds(endpoint) > 0 else None

    def is_failing(self, request: Request) -> bool:
        """Tell whether the request's endpoint, or the account, answers nobody well: then no event is at fault."""
        return self._account.is_open or self._circuit(request).is_open

    def _circuit(self, request: Request) -> CircuitBreaker:
        name = endpoint_name(request.method, request.path)
        circuit = self._endpoints.get(name)
        if circuit is None:
            circuit = self._endpoints[name] = CircuitBreaker(self._clock)
        return circuit

    def _update(self, request: Request, reply: Response, sent_at: float) -> None:
        self._rate_limiter.update(request, reply, sent_at)
        circuit = self._circuit(request)
        if reply.status == _KEY_REFUSED:
            self._account.on_failure()
        elif reply.status == _ENDPOINT_REFUSED:
            circuit.on_failure(is_final=True)
        elif reply.status == _THROTTLED:
            circuit.on_success()
        elif reply.retryable:
            circuit.on_failure()
        else:
            self._account.on_success()
            circuit.on_success()


@lru_cache(maxsize=1024)
def endpoint_name(method: str, path: str) -> str:
    """Return the name of the operation that a request calls; of an unknown one the beginning of its path."""
    operation = find_operation(method, path)
    return operation.name if operation is not None else f"{method} {'/'.join(path.split('/')[:3])}"
