"""Read an account within its rate limits: each request waits for them, and is tried again where that may help."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

from klavier.errors import ConfigError, DeliveryError, TransportError
from klavier.flows.drivers import AsyncSend
from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.replies import check_reply
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.verification.journal import Journal
from klavier.verification.queries import next_page
from klavier.worker.rate_limiter import Clock, RateLimiter

_log = logging.getLogger("klavier.verification")

T = TypeVar("T")

_MOST_TRIES = 6
"""Half a minute of waiting in all, doubling from a second: more than a restart of a proxy takes."""
_SHORTEST_WAIT = 0.01
_NOT_ACCEPTED, _NOT_ALLOWED, _NOT_FOUND, _THROTTLED = 401, 403, 404, 429

_SCOPES = {
    "/api/profiles": "profiles:read, subscriptions:read and lists:read",
    "/api/events": "events:read, profiles:read and metrics:read",
    "/api/lists": "lists:read and profiles:read",
}
"""The scopes of a key that each group of paths needs."""


class AccountReader:
    """Answers GET requests from the journal, else from Klaviyo.

    `send` sends one request once; `clock` returns seconds that never run backwards, and `sleep` waits.
    """

    def __init__(  # noqa: PLR0913 -- what it sends through, and how it waits
        self,
        send: AsyncSend,
        limiter: RateLimiter,
        clock: Clock,
        *,
        journal: Journal | None = None,
        connections: int = 32,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.calls: Counter[tuple[str, str, str]] = Counter()
        """The requests that were sent, by operation, method and path."""
        self.connections = connections
        self._send = send
        self._limiter = limiter
        self._clock = clock
        self._journal = journal
        self._sleep = sleep
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, request: Request) -> dict[str, Any]:
        """Return the document that answers a request; empty where what it names does not exist (404).

        Raises `ConfigError` where the key is refused or lacks a scope, and `DeliveryError` where no usable reply came.
        """
        known = None if self._journal is None else self._journal.find(request)
        if known is not None:
            return dict(known)
        reply = await self._exchange(request)
        if reply.status == _NOT_FOUND:
            document: dict[str, Any] = {}
        elif not reply.ok:
            raise _error(request, reply)
        else:
            document = reply.json
        if self._journal is not None:
            self._journal.add(request, document)
        return document

    async def pages(self, request: Request) -> AsyncIterator[dict[str, Any]]:
        """Yield the documents of a collection, page by page."""
        following: Request | None = request
        while following is not None:
            document = await self.get(following)
            yield document
            following = next_page(following, document)

    async def for_each(self, items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
        """Do some work for each item, as many at a time as there are connections."""
        rest = iter(items)

        async def run() -> None:
            for item in rest:
                await work(item)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.connections):
                    group.create_task(run())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _exchange(self, request: Request) -> Response:
        """Send a request, at most `_MOST_TRIES` times, until a further try cannot change the reply."""
        reply = await self._try(request)
        for number in range(_MOST_TRIES - 1):
            if not reply.retryable:
                break
            if reply.status != _THROTTLED:  # the limiter waits as long as Retry-After says
                _log.warning("%s: trying again", reply.reason)
                await self._sleep(2.0**number)
            reply = await self._try(request)
        return reply

    async def _try(self, request: Request) -> Response:
        operation = find_operation(request.method, request.path)
        name = request.path if operation is None else operation.name
        async with self._locks[name]:  # in turn, so that waiting requests do not all wake up for one place
            while not self._limiter.try_acquire(request):
                await self._sleep(max(_SHORTEST_WAIT, self._limiter.wait(request)))
        self.calls[name, request.method, request.path if operation is None else operation.path] += 1
        sent_at = self._clock()
        try:
            reply = check_reply(request, await self._send(request))
        except TransportError as error:
            reply = Response.none(str(error))
        self._limiter.update(request, reply, sent_at)
        return reply


def _error(request: Request, reply: Response) -> ConfigError | DeliveryError:
    if reply.status == _NOT_ACCEPTED:
        return ConfigError("Klaviyo does not accept the private key (401): copy it again from its settings")
    if reply.status == _NOT_ALLOWED:
        scopes = next((found for path, found in _SCOPES.items() if request.path.startswith(path)), "all read scopes")
        return ConfigError(f"the private key may not GET {request.path} (403): use one with {scopes}")
    return DeliveryError(f"GET {request.path}: {reply.reason}")
