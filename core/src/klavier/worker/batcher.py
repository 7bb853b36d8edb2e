"""The batcher: requests that wait to be sent, and which of them are sent together.

Requests wait in one queue for each call they can share: a bulk endpoint, or the endpoint of a request that is sent
singly. Each queue is fair (`klavier.worker.fair_queue`). A bulk request is sent

- when it is full,
- when no more requests are expected soon and its oldest one has waited for `linger` seconds, or nothing is in flight.

A request that has `BUSY_BACKLOG` entries or more waiting for it does not wait for others: it is sent singly, unless it
is an event (then full bulk requests with all of the profile's events are faster).
"""

from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache
from typing import Any, Protocol

from attrs import define, field

from klavier.klaviyo.limits import BODY_BYTES
from klavier.klaviyo.request import Request
from klavier.vendor import Delivery
from klavier.worker.bulk.endpoints import BulkEndpoint
from klavier.worker.bulk.packing import BulkItem, BulkRequest, ItemGroup
from klavier.worker.fair_queue import FairQueue

BUSY_BACKLOG = 250
"""From how many waiting entries on a profile or consent is sent singly. Lower, and bulk saves fewer calls; much higher,
and the busiest profile waits for a bulk request with each of its calls: a Zipf-distributed backlog of 400,000 events
takes 1.54 times the least time without this rule, 1.07 times with it."""

_MOST_MISFITS = 100
"""How many groups that do not fit are set aside while one bulk request is filled. Nearly all fit; the limit keeps the
work for one request bounded where thousands share an identity."""


class Admission(Protocol):
    """Decides what may be sent now: connections, rate limits, circuits."""

    def can_send(self, request: Request) -> bool:
        """Return whether a request like this one may be sent now."""

    def try_acquire(self, request: Request) -> bool:
        """Count the request as sent now; False, and nothing counted, where it may not be."""


@define(eq=False)
class Batch:
    """What is sent in one task: items in one call of a bulk `endpoint`, or one item singly (`endpoint` is None)."""

    endpoint: BulkEndpoint | None
    items: list[BulkItem]


@define(eq=False)
class _Queue:
    """Groups that can share a call of `endpoint`, or that are sent singly to one endpoint (`endpoint` is None)."""

    endpoint: BulkEndpoint | None
    groups: FairQueue[ItemGroup] = field(factory=FairQueue)
    count: int = 0
    size: int = 0

    def add(self, group: ItemGroup) -> None:
        self.groups.add(group, group.backlog)
        self._count(group, 1)

    def put_back(self, groups: list[ItemGroup]) -> None:
        self.groups.put_back((group, group.backlog) for group in groups)
        for group in groups:
            self._count(group, 1)

    def pop(self) -> ItemGroup | None:
        return self._popped(self.groups.pop())

    def pop_largest(self) -> ItemGroup | None:
        return self._popped(self.groups.pop_largest())

    @property
    def since(self) -> float:
        """When the oldest group was added."""
        oldest = self.groups.oldest()
        return 0.0 if oldest is None else oldest.since

    @property
    def is_full(self) -> bool:
        """Whether there is enough for a full bulk request, or for a request that is sent singly."""
        return self.endpoint is None or self.count >= self.endpoint.limit or self.size >= BODY_BYTES

    @property
    def busy(self) -> ItemGroup | None:
        """The group that is sent singly since many entries wait for it."""
        if self.endpoint is None or self.endpoint.keeps_order:
            return None
        largest = self.groups.largest()
        return largest if largest is not None and largest.backlog >= BUSY_BACKLOG else None

    @property
    def next_request(self) -> Request:
        """A request like the one that is sent next: of the bulk endpoint where there are several."""
        group = self.groups.peek()
        if group is None:
            raise AssertionError("an empty queue is not kept")
        return group.items[0].request if self.endpoint is None else _bulk(self.endpoint, group, self.count)

    def _popped(self, group: ItemGroup | None) -> ItemGroup | None:
        if group is not None:
            self._count(group, -1)
        return group

    def _count(self, group: ItemGroup, sign: int) -> None:
        self.count += sign * group.count
        self.size += sign * group.size


class Batcher:
    """Collects requests and decides which are sent together.

    With `combine`, requests that Klaviyo's bulk endpoints can carry are collected; without it each is sent singly. Each
    `now` is in seconds of one clock that never runs backwards.
    """

    def __init__(self, *, combine: bool, linger: float) -> None:
        """`linger` is how long a request waits for others, in seconds."""
        self._combine = combine
        self._linger = linger
        self._queues: dict[Hashable, _Queue] = {}

    def item(self, request: Request, owner: Any, delivery: Delivery) -> BulkItem:
        """Wrap a request of a delivery; only a bulkable one is combined with others."""
        bulkable = self._combine and delivery.bulkable
        return BulkItem(
            request,
            owner,
            bulkable=bulkable,
            needs_id=delivery.needs_profile_ids,
            follows_job=delivery.follows_jobs,
        )

    def add(self, group: ItemGroup, now: float) -> None:
        """Add what stays in one request."""
        first = group.items[0]
        key: Hashable = first.group or _endpoint_key(first.request.method, first.request.path)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue(group.endpoint)
        group.since = now
        queue.add(group)

    def ready(self, now: float, admission: Admission, *, is_idle: bool, is_complete: bool) -> Iterator[Batch]:
        """Yield what may be sent now, each request acquired from `admission`.

        `is_complete`: no more requests are expected soon. `is_idle`: nothing is in flight either, so waiting for more
        would be in vain.
        """
        oldest = None
        if is_idle and self._queues and not any(queue.is_full for queue in self._queues.values()):
            oldest = min(self._queues.values(), key=lambda queue: queue.since)
        for key, queue in list(self._queues.items()):
            if queue.endpoint is None:
                yield from self._singles(queue, admission)
            else:
                yield from self._busy_singles(queue, admission)
                is_due = queue is oldest or (is_complete and now >= queue.since + self._linger)
                yield from self._bulk_requests(queue, queue.endpoint, admission, is_due=is_due)
            if not queue.count:
                del self._queues[key]

    def withdraw(self, find_blocked: Callable[[Request], str]) -> list[tuple[ItemGroup, str]]:
        """Remove and return the groups whose endpoint is blocked, each with the name of that endpoint.

        `find_blocked` returns the name of a request's endpoint where that is blocked, else an empty string.
        """
        withdrawn: list[tuple[ItemGroup, str]] = []
        for key, queue in list(self._queues.items()):
            endpoint = find_blocked(queue.next_request)
            if endpoint:
                while (group := queue.pop()) is not None:
                    withdrawn.append((group, endpoint))
                del self._queues[key]
        return withdrawn

    def next_linger(self, now: float) -> float | None:
        """Return the next time at which a request that is not full will have waited long enough."""
        queues = [queue for queue in self._queues.values() if queue.endpoint is not None]
        return min((due for queue in queues if (due := queue.since + self._linger) > now), default=None)

    def held_back(self, now: float, *, is_complete: bool) -> Iterator[Request]:
        """Yield the requests that only admission holds back: to ask when they may be sent."""
        for queue in self._queues.values():
            if queue.is_full or (is_complete and now >= queue.since + self._linger):
                yield queue.next_request
            elif (busy := queue.busy) is not None:
                yield busy.items[0].request

    def _singles(self, queue: _Queue, admission: Admission) -> Iterator[Batch]:
        while (group := queue.groups.peek()) is not None and admission.try_acquire(group.items[0].request):
            queue.pop()
            yield Batch(None, group.items)

    def _busy_singles(self, queue: _Queue, admission: Admission) -> Iterator[Batch]:
        while (group := queue.busy) is not None and admission.try_acquire(group.items[0].request):
            queue.pop_largest()
            yield Batch(None, group.items)

    def _bulk_requests(
        self, queue: _Queue, endpoint: BulkEndpoint, admission: Admission, *, is_due: bool
    ) -> Iterator[Batch]:
        while (
            queue.count
            and (is_due or queue.is_full)
            and (admission.can_send(queue.next_request))
            and (bulk := _fill(queue, endpoint)).groups
        ):
            items = bulk.items
            if not admission.try_acquire(_bulk(endpoint, bulk.groups[0], bulk.count)):
                queue.put_back(bulk.groups)
                return
            yield Batch(endpoint, items)


def _fill(queue: _Queue, endpoint: BulkEndpoint) -> BulkRequest:
    """Move groups from a queue into a bulk request, in the queue's order, until it is full; misfits are put back."""
    first = queue.groups.peek()
    if first is None:
        raise AssertionError("an empty queue is not kept")
    bulk = BulkRequest(endpoint, first.items[0].request)
    misfits: list[ItemGroup] = []
    while not bulk.is_full and len(misfits) < _MOST_MISFITS and (group := queue.pop()) is not None:
        if not bulk.try_add(group):
            misfits.append(group)
    queue.put_back(misfits)
    return bulk


def _bulk(endpoint: BulkEndpoint, first: ItemGroup, count: int) -> Request:
    """Return the request that admission counts: one record uses its own endpoint, several the bulk endpoint."""
    request = first.items[0].request
    return request if count == 1 else Request(endpoint.operation.method, endpoint.path(request))


@lru_cache(maxsize=1024)
def _endpoint_key(method: str, path: str) -> tuple[str, ...]:
    """Return one key for all calls of an endpoint, whatever id is in their path."""
    return ("single", method, *path.split("/")[:3])
