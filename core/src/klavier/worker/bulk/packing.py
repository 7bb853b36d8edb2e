"""Fill bulk requests: as many records as fit, no identity twice, an item group never split."""

from collections.abc import Collection, Hashable, Sequence
from typing import Any

import orjson

from klavier.klaviyo.limits import BODY_BYTES
from klavier.klaviyo.request import Request
from klavier.worker.bulk.endpoints import IMPORT_JOBS, BulkEndpoint, find_bulk_endpoint

GROUP_BYTES = 2_000_000
"""How much of one profile's events is put into one bulk request. Klaviyo takes 5 MB: so two such profiles fit into one
request, and a refused one still has halves worth sending. Change it with `BODY_BYTES` only."""

_RECORD_BYTES = 100
"""How much longer a record of a bulk body may be than the body of its own request, in bytes: that of an event is longer
by 72, the others are shorter."""


class BulkItem:
    """One request that waits to be sent, singly or as a part of a bulk request.

    `endpoint` and `group` say which bulk requests can hold it, `identities` what no other item there may have too,
    `records` what it contributes, `count` how many records that are, `size` how many bytes. `endpoint` is None for a
    request that is sent singly. `owner` is whoever waits for the reply; `needs_id`: the reply to an upsert must hold
    the profile's id; `follows_job`: the reply to an import job must hold the job's errors.
    """

    __slots__ = (
        "count",
        "endpoint",
        "follows_job",
        "group",
        "identities",
        "needs_id",
        "owner",
        "records",
        "request",
        "size",
    )

    endpoint: BulkEndpoint | None
    group: Hashable | None
    identities: Collection[Hashable]

    def __init__(
        self, request: Request, owner: Any, *, bulkable: bool, needs_id: bool = False, follows_job: bool = False
    ) -> None:
        """Wrap a request; one that is not `bulkable`, and an import job whose errors count, are sent singly."""
        self.request = request
        self.owner = owner
        self.needs_id = needs_id
        self.follows_job = follows_job
        endpoint = find_bulk_endpoint(request) if bulkable else None
        if endpoint is not None and not (follows_job and endpoint is IMPORT_JOBS):
            try:
                content = endpoint.content(request)
                if content is not None:
                    group, self.identities, self.records = content
                    self.group = group, needs_id
                    # The body of the single request is serialized already, to check Klaviyo's limits.
                    self.size = len(request.body) + _RECORD_BYTES * len(self.records)
                    self.endpoint, self.count = endpoint, len(self.records)
                    return
            except (KeyError, TypeError, ValueError, AttributeError):
                pass  # not the shape that the endpoint takes: sent singly, Klaviyo says what is wrong
        self.endpoint = self.group = None
        self.identities, self.records = (), []
        self.count, self.size = 1, 0


class ItemGroup:
    """Items that stay in one bulk request: events of one profile in their order, or one request.

    `backlog` is how many entries wait for them, `since` when they were added, in seconds.
    """

    __slots__ = ("backlog", "count", "endpoint", "identities", "items", "since", "size")

    def __init__(self, item: BulkItem) -> None:
        self.items = [item]
        self.endpoint = item.endpoint
        self.backlog = 0
        self.since = 0.0
        self.count = item.count
        self.size = item.size
        self.identities = set(item.identities)

    def try_add(self, item: BulkItem) -> bool:
        """Add an item if it can share a bulk request with those before it."""
        endpoint = item.endpoint
        if endpoint is None or not endpoint.keeps_order or item.group != self.items[0].group:
            return False
        count, size = self.count + item.count, self.size + item.size
        if count > endpoint.limit or size > GROUP_BYTES or not self.identities.isdisjoint(item.identities):
            return False
        self.count, self.size = count, size
        self.identities.update(item.identities)
        self.items.append(item)
        return True


class BulkRequest:
    """A bulk request that is being filled with the groups of one `endpoint`."""

    def __init__(self, endpoint: BulkEndpoint, first: Request) -> None:
        """Begin an empty one, for requests like `first`."""
        self.endpoint = endpoint
        self.groups: list[ItemGroup] = []
        self.count = 0
        self._room = BODY_BYTES - len(orjson.dumps(endpoint.body(first.json, ())))
        self._identities: set[Hashable] = set()

    @property
    def items(self) -> list[BulkItem]:
        """All items, in order."""
        return [item for group in self.groups for item in group.items]

    @property
    def is_full(self) -> bool:
        """Whether no further record can be added."""
        return self.count >= self.endpoint.limit

    def try_add(self, group: ItemGroup) -> bool:
        """Add a group if there is room for it, and none of its identities is here already."""
        is_too_much = self.count + group.count > self.endpoint.limit or group.size > self._room
        if is_too_much or not self._identities.isdisjoint(group.identities):
            return False
        self.groups.append(group)
        self.count += group.count
        self._room -= group.size
        self._identities |= group.identities
        return True


def combine(endpoint: BulkEndpoint, items: Sequence[BulkItem]) -> Request:
    """Return the one request that holds all items."""
    return endpoint.request(items[0].request, [record for item in items for record in item.records])
