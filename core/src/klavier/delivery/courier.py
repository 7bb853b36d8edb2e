"""Carry requests to Klaviyo at the pace it allows: wait for quota, obey 429, hold everything while Klaviyo is down."""

import asyncio
from collections.abc import Awaitable, Callable

from klavier.delivery.pacing import Pacer
from klavier.errors import TransportError
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response

AsyncSend = Callable[[Request], Awaitable[Response]]

_THROTTLED = 429
_TOO_OFTEN = 5
"""How often a request is sent again after a 429 before its event goes back to the outbox."""

_DOWN_AFTER = 10
_FIRST_PROBE, _LONGEST_PROBE = 1.0, 60.0


class Courier:
    """Sends requests, one pacer's worth.  `is_down` tells that Klaviyo has not answered anything well for a while."""

    def __init__(self, send: AsyncSend, pacer: Pacer, clock: Callable[[], float]) -> None:
        self._send = send
        self._pacer = pacer
        self._clock = clock
        self._failures = 0
        self._probes = 0
        self._held_until = 0.0

    @property
    def is_down(self) -> bool:
        """Whether so many requests in a row went unanswered that events are not to be blamed."""
        return self._failures >= _DOWN_AFTER

    def wait(self, request: Request, *, modest: bool = False) -> float:
        """Give the seconds to wait before `request` may be sent; 0.0 for now.  A `modest` one lets others go first."""
        return max(self.hold, self._pacer.wait(request, modest=modest))

    @property
    def hold(self) -> float:
        """The seconds until Klaviyo is asked again, after it has not answered well for a while."""
        return max(0.0, self._held_until - self._clock())

    def reserve(self, request: Request) -> None:
        """Count `request` as sent now; then `send` it with `reserved`.  While Klaviyo is down one goes at a time."""
        self._pacer.sent(request)
        if self.is_down:
            self._hold()

    async def send(self, request: Request, *, reserved: bool = False) -> Response:
        """Send a request when its time has come; gives Klaviyo's reply, status 0 where none came."""
        reply = Response.none("not sent")
        for _ in range(_TOO_OFTEN):
            if not reserved:
                while (seconds := self.wait(request)) > 0:  # noqa: ASYNC110 -- time is what it waits for
                    await asyncio.sleep(seconds)
                self.reserve(request)
            reserved = False
            reply = await self._once(request)
            self._pacer.learn(request, reply)
            self._learn(reply)
            if reply.status != _THROTTLED:
                break
        return reply

    async def _once(self, request: Request) -> Response:
        try:
            return await self._send(request)
        except TransportError as error:
            return Response.none(str(error))

    def _learn(self, reply: Response) -> None:
        if reply.status == _THROTTLED or not reply.retryable:
            self._failures = self._probes = 0
            self._held_until = 0.0
            return
        self._failures += 1
        if self._failures == _DOWN_AFTER:
            self._hold()

    def _hold(self) -> None:
        self._held_until = self._clock() + min(_LONGEST_PROBE, _FIRST_PROBE * 2.0 ** min(self._probes, 8))
        self._probes += 1
