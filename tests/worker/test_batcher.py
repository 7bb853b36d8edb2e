"""The batcher by itself: what is sent together, and when."""

import pytest

from klavier import Request
from klavier.events.reader import parse_event
from klavier.flows.send_one import SendOne
from klavier.klaviyo.limits import BODY_BYTES
from klavier.vendor import Delivery
from klavier.worker.batcher import BUSY_BACKLOG, Batch, Batcher
from klavier.worker.bulk.packing import ItemGroup
from tests.support.simulation import event_request, import_request, subscribe_request

EVENT = parse_event({"type": "track", "event": "Event", "userId": "u1"})


class Gate:
    """Admits so many requests."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.left = most
        self.acquired: list[str] = []

    def can_send(self, request: Request) -> bool:  # noqa: ARG002 -- one for all
        return self.left > 0

    def try_acquire(self, request: Request) -> bool:
        if not self.left:
            return False
        self.left -= 1
        self.acquired.append(request.path)
        return True


class Late(Gate):
    """Promises what is gone when it is acquired."""

    def try_acquire(self, request: Request) -> bool:  # noqa: ARG002 -- as above
        return False


def add(batcher: Batcher, request: Request, *, at: float = 0.0, backlog: int = 0, bulkable: bool = True) -> None:
    delivery = Delivery((EVENT,), ("k",), SendOne(request), bulkable=bulkable, single_request=True)
    group = ItemGroup(batcher.item(request, None, delivery))
    group.backlog = backlog
    batcher.add(group, at)


def ready(
    batcher: Batcher, at: float, gate: Gate | None = None, *, is_idle: bool = False, is_complete: bool = True
) -> list[Batch]:
    return list(batcher.ready(at, gate or Gate(), is_idle=is_idle, is_complete=is_complete))


def sizes(batches: list[Batch]) -> list[int]:
    return [len(batch.items) for batch in batches]


def bulk_batcher(count: int = 0, *, at: float = 0.0) -> Batcher:
    batcher = Batcher(combine=True, linger=1.0)
    for number in range(count):
        add(batcher, event_request(f"u{number}", number), at=at)
    return batcher


def test_without_combining_each_request_goes_at_once_as_far_as_it_is_admitted() -> None:
    batcher = Batcher(combine=False, linger=1.0)
    for number in range(3):
        add(batcher, event_request("u", number))
    gate = Gate(2)
    assert sizes(ready(batcher, 0.0, gate, is_complete=False)) == [1, 1]
    assert gate.acquired == ["/api/events"] * 2
    assert [request.path for request in batcher.held_back(0.0, is_complete=False)] == ["/api/events"]
    assert ready(batcher, 0.0, Gate(0)) == []
    assert [batch.endpoint for batch in ready(batcher, 0.0)] == [None]
    assert list(batcher.held_back(9.0, is_complete=True)) == []


def test_a_request_that_is_not_bulkable_goes_alone() -> None:
    batcher = bulk_batcher()
    add(batcher, event_request("u", 1), bulkable=False)
    assert [batch.endpoint for batch in ready(batcher, 0.0, is_complete=False)] == [None]


def test_a_body_that_is_not_full_waits_for_its_linger_unless_more_is_expected() -> None:
    batcher = bulk_batcher(2)
    add(batcher, event_request("later", 9), at=0.5)
    assert batcher.next_linger(0.0) == 1.0
    assert ready(batcher, 0.75) == []
    assert list(batcher.held_back(0.75, is_complete=True)) == []
    assert ready(batcher, 5.0, is_complete=False) == []
    assert list(batcher.held_back(5.0, is_complete=False)) == []
    assert [request.path for request in batcher.held_back(1.0, is_complete=True)] == ["/api/event-bulk-create-jobs"]
    assert batcher.next_linger(1.0) is None
    assert sizes(ready(batcher, 1.0)) == [3]
    assert ready(batcher, 9.0) == []


def test_the_oldest_body_goes_where_nothing_is_in_flight() -> None:
    batcher = bulk_batcher()
    add(batcher, import_request("u1", 1), at=0.25)
    add(batcher, event_request("u2", 2), at=0.0)
    add(batcher, subscribe_request("u3", 3), at=0.5)
    for path in ("/api/events", "/api/profile-import", "/api/profile-subscription-bulk-create-jobs"):
        (batch,) = ready(batcher, 0.5, is_idle=True)
        assert batch.items[0].request.path == path
    assert ready(batcher, 0.5, is_idle=True) == []


def test_a_full_body_goes_at_once_and_the_rest_waits_though_nothing_is_in_flight() -> None:
    batcher = bulk_batcher(1001)
    add(batcher, import_request("u1", 1))
    assert sizes(ready(batcher, 0.0, is_idle=True, is_complete=False)) == [1000]
    assert sizes(ready(batcher, 0.0, is_complete=False)) == []
    assert sizes(ready(batcher, 1.0)) == [1, 1]


def test_a_body_is_full_by_its_bytes_too() -> None:
    batcher = bulk_batcher()
    size = 0
    while size < BODY_BYTES:
        assert ready(batcher, 0.0, is_complete=False) == []
        request = event_request(f"u{size}", size, f"{size:08}" + "x" * 90_000)
        add(batcher, request)
        size += len(request.body) + 100
    (batch,) = ready(batcher, 0.0, is_complete=False)
    assert len(batch.items) == BODY_BYTES // (len(request.body) + 100)


def test_what_is_not_admitted_keeps_its_place() -> None:
    batcher = bulk_batcher(3)
    assert ready(batcher, 1.0, Late()) == []
    assert ready(batcher, 1.0, Gate(0)) == []
    (batch,) = ready(batcher, 1.0)
    assert [item.request.json["data"]["attributes"]["unique_id"] for item in batch.items] == ["m0", "m1", "m2"]


@pytest.mark.parametrize(("backlog", "is_single"), [(BUSY_BACKLOG, True), (BUSY_BACKLOG - 1, False)])
def test_a_profile_with_a_large_backlog_goes_alone_and_at_once(backlog: int, *, is_single: bool) -> None:
    batcher = bulk_batcher()
    add(batcher, import_request("u1", 1))
    add(batcher, import_request("busy", 2), backlog=backlog)
    assert len(list(batcher.held_back(0.0, is_complete=False))) == is_single
    assert ready(batcher, 0.0, Gate(0)) == []
    gate = Gate()
    assert sizes(ready(batcher, 0.0, gate, is_complete=False)) == [1] * is_single
    assert gate.acquired == ["/api/profile-import"] * is_single
    assert sizes(ready(batcher, 1.0)) == [2 - is_single]


def test_events_of_a_profile_with_a_large_backlog_go_in_full_bodies() -> None:
    batcher = bulk_batcher()
    add(batcher, event_request("busy", 1), backlog=10 * BUSY_BACKLOG)
    assert list(batcher.held_back(0.0, is_complete=False)) == []
    assert ready(batcher, 0.0, is_complete=False) == []


def test_requests_that_share_an_identity_go_in_bodies_one_after_the_other() -> None:
    batcher = bulk_batcher()
    for number in range(250):
        add(batcher, import_request("same", number))
    add(batcher, import_request("other", 300))
    gate = Gate()
    batches = ready(batcher, 1.0, gate)
    assert sum(sizes(batches)) == 251
    assert max(sizes(batches)) == 2  # with `other`, as far as a body looks for more than the first hundred
    assert gate.acquired.count("/api/profile-bulk-import-jobs") == 1


def test_a_body_of_one_is_counted_as_a_single_request() -> None:
    gate = Gate()
    ready(bulk_batcher(1), 1.0, gate)
    ready(bulk_batcher(2), 1.0, gate)
    assert gate.acquired == ["/api/events", "/api/event-bulk-create-jobs"]


def test_what_is_blocked_is_withdrawn_and_all_else_stays() -> None:
    batcher = bulk_batcher(2)
    add(batcher, import_request("u1", 1))
    add(batcher, subscribe_request("u3", 3), bulkable=False)

    def is_blocked(request: Request) -> str:
        return "events" if request.path == "/api/event-bulk-create-jobs" else ""

    withdrawn = batcher.withdraw(is_blocked)
    assert [(len(group.items), name) for group, name in withdrawn] == [(1, "events"), (1, "events")]
    assert batcher.withdraw(is_blocked) == []
    assert sizes(ready(batcher, 1.0)) == [1, 1]


def test_single_calls_of_one_endpoint_wait_in_one_queue_whatever_id_they_name() -> None:
    batcher = Batcher(combine=False, linger=1.0)
    for number in range(3):
        add(batcher, Request("PATCH", f"/api/profiles/{number}", json={}))
    add(batcher, Request("PATCH", "/api/lists/1", json={}))
    assert len(list(batcher.held_back(0.0, is_complete=True))) == 2
    assert len(batcher.withdraw(lambda request: "" if "lists" in request.path else "profiles")) == 3
