"""Carry requests to Klaviyo at the pace it allows: wait for quota, obey 429, hold everything while Klaviyo is down."""

import asyncio
from collections.abc import Callable

from klavier.errors import TransportError
from klavier.flows.drivers import AsyncSend
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.rate_limiter import RateLimiter

_THROTTLED = 429
_TOO_OFTEN = 5
"""How often a request is sent again after a 429 before its event goes back to the outbox."""

_DOWN_AFTER = 10
_FIRST_PROBE, _LONGEST_PROBE = 1.0, 60.0

_UNSENT = Response.none("not sent")


class Sender:
    """Sends requests, one pacer's worth.  `is_down` tells that Klaviyo has not answered anything well for a while."""

    def __init__(self, send: AsyncSend, pacer: RateLimiter, clock: Callable[[], float]) -> None:
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

    def admit(self, request: Request, *, modest: bool = False) -> bool:
        """Count `request` as sent now, if its time has come; then `send` it as `admitted`.

        While Klaviyo is down one goes at a time.
        """
        if (self._held_until and self.hold > 0) or not self._pacer.admit(request, modest=modest):
            return False
        if self.is_down:
            self._hold()
        return True

    async def send(self, request: Request, *, admitted: bool = False) -> Response:
        """Send a request when its time has come; gives Klaviyo's reply, status 0 where none came."""
        reply = _UNSENT
        for _ in range(_TOO_OFTEN):
            while not admitted and not self.admit(request):  # noqa: ASYNC110 -- time is what it waits for
                await asyncio.sleep(self.wait(request))
            admitted = False
            try:
                reply = await self._send(request)
            except TransportError as error:
                reply = Response.none(str(error))
            self._pacer.learn(request, reply)
            if self._failures or not reply.ok:
                self._learn(reply)
            if reply.status != _THROTTLED:
                break
        return reply

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
