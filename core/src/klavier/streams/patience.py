"""Send with patience: each request when its time has come, and again where a later try may succeed.

For programs that wait for the reply of every request, such as `klavier send`.  Trying again is harmless, since each
event carries a unique id.
"""

import random
import threading
from collections.abc import Callable
from typing import Protocol

from klavier.errors import TransportError
from klavier.flows.drivers import Send
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.retry import RetryPolicy

_FIRST, _LONGEST = 1.0, 30.0
"""Seconds: the most that is waited before the second try, and before any."""

_LONGEST_NAMED = 120.0
"""Seconds: how long a server may ask to wait."""

_THROTTLED = 429
_LONGEST_THROTTLED = 300.0
"""Seconds: how long 429 is waited out in all, before it counts as a failure like others."""

_HOPELESS_AFTER = 3
_REFUSED_KEY = frozenset({401, 403})


def as_learnt(reply: Response) -> Response:
    """Give what a pacer is told of a reply: a key that is not accepted is no reason to pause a run that soon ends."""
    return Response(400) if reply.status in _REFUSED_KEY else reply


class Paces(Protocol):
    """Says when a request may be sent; see `klavier.worker.rate_limiter`."""

    def wait(self, request: Request, /) -> float:
        """Give the seconds to wait."""

    def admit(self, request: Request, /) -> bool:
        """Note that it is being sent; False where its time has not come."""

    def learn(self, request: Request, reply: Response, /) -> None:
        """Note the reply."""


class Patient:
    """Sends requests one at a time or from many threads; gives the last reply, status 0 where none came.

    A reply that passes, by `policy`, is waited out: as long as it asks for, else a random time that doubles at most.
    After three requests in a row that stay without success, each further one is tried once, until one succeeds.
    """

    def __init__(  # noqa: PLR0913 -- all but the first have a default
        self,
        send: Send,
        pacer: Paces | None = None,
        *,
        policy: RetryPolicy | None = None,
        tries: int = 6,
        sleep: Callable[[float], object] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._send = send
        self._pacer = pacer
        self._may_retry = (policy or RetryPolicy()).may_retry
        self._tries = tries
        self._ended = threading.Event()
        self._sleep = self._ended.wait if sleep is None else sleep
        self._jitter = jitter
        self._lock = threading.Lock()
        self._in_vain = 0

    def send(self, request: Request) -> Response:
        """Send a request until its reply is final."""
        tries = self._tries if self._in_vain < _HOPELESS_AFTER else 1
        reply = self._once(request)
        made, counted, throttled = 1, 1, 0.0
        while self._may_retry(reply) and not self._ended.is_set():
            pause = self._pause(reply, made)
            if reply.status == _THROTTLED and tries > 1 and throttled < _LONGEST_THROTTLED:
                throttled += max(pause, _FIRST)  # the event is not at fault: this try does not count
            elif counted < tries:
                counted += 1
            else:
                break
            self._sleep(pause)
            reply = self._once(request)
            made += 1
        self._in_vain = self._in_vain + 1 if self._may_retry(reply) else 0
        return reply

    def end(self) -> None:
        """Stop waiting, in every thread: what is under way ends with the reply that it has."""
        self._ended.set()

    def _once(self, request: Request) -> Response:
        self._await_turn(request)
        try:
            reply = self._send(request)
        except TransportError as error:
            reply = Response.none(str(error))
        if self._pacer is not None:
            with self._lock:
                self._pacer.learn(request, as_learnt(reply))
        return reply

    def _await_turn(self, request: Request) -> None:
        while self._pacer is not None and not self._ended.is_set():
            with self._lock:
                if self._pacer.admit(request):
                    return
                seconds = self._pacer.wait(request)
            self._sleep(seconds)

    def _pause(self, reply: Response, made: int) -> float:
        asked = reply.headers.get("retry-after", "")
        if asked.isascii() and asked.isdigit():
            return min(_LONGEST_NAMED, float(asked[:9]))
        return self._jitter() * min(_LONGEST, _FIRST * 2.0 ** min(made - 1, 30))
