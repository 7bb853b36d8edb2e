"""Items of bulk requests, and how these are filled with them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import klavier
from klavier import Delivery, Request, SendOne
from klavier.flows.execution import FlowExecution
from klavier.klaviyo.limits import BODY_BYTES
from klavier.klaviyo.revisions import CURRENT
from klavier.worker.batcher import Batch, Batcher
from klavier.worker.bulk.packing import BulkItem, ItemGroup, combine

LIST = {"list": {"data": {"type": "list", "id": "XUepkK"}}}


def post(path: str, document: Any, method: str = "POST") -> Request:
    return Request(method, path, json=document, revision=CURRENT)


def resource(kind: str, **attributes: Any) -> dict[str, Any]:
    return {"type": kind, "attributes": attributes}


def event(number: int, filler: str = "") -> Request:
    """Make one event; the filler stands in many properties, each below Klaviyo's limit for a string."""
    properties = {f"p{place}": filler[place : place + 90_000] for place in range(0, len(filler), 90_000)}
    attributes = {
        "properties": properties,
        "metric": {"data": resource("metric", name="Séen")},
        "profile": {"data": resource("profile", email=f"{number}@example.org")},
        "unique_id": f"m{number}",
        "backfill": True,
    }
    return post("/api/events", {"data": resource("event", **attributes)})


def consent(path: str, number: int) -> Request:
    profiles = {"data": [resource("profile", email=f"{number}@example.org")]}
    job = {**resource("job", profiles=profiles, custom_source="Form"), "relationships": LIST}
    return post(path, {"data": job})


def member(method: str, number: int) -> Request:
    return post("/api/lists/XUepkK/relationships/profiles", {"data": [{"type": "profile", "id": f"p{number}"}]}, method)


KINDS: dict[str, Callable[[int], Request]] = {
    "bulk_create_events": event,
    "bulk_import_profiles": lambda n: post(
        "/api/profile-import", {"data": resource("profile", email=f"{n}@example.org")}
    ),
    "bulk_subscribe_profiles": lambda n: consent("/api/profile-subscription-bulk-create-jobs", n),
    "bulk_unsubscribe_profiles": lambda n: consent("/api/profile-subscription-bulk-delete-jobs", n),
    "add_profiles_to_list": lambda n: member("POST", n),
    "remove_profiles_from_list": lambda n: member("DELETE", n),
}


def item_of(request: Request) -> BulkItem:
    return BulkItem(request, None, bulkable=True)


class Unlimited:
    """Admits everything."""

    def can_send(self, _: Request) -> bool:
        return True

    def try_acquire(self, _: Request) -> bool:
        return True


def batches_of(requests: Iterable[Request]) -> list[Batch]:
    batcher = Batcher(combine=True, linger=0.0)
    for request in requests:
        batcher.add(ItemGroup(item_of(request)), 0.0)
    return list(batcher.ready(0.0, Unlimited(), is_idle=True, is_complete=True))


@pytest.mark.parametrize("name", KINDS)
def test_a_bulk_body_holds_the_records_of_its_items(name: str) -> None:
    items = [item_of(KINDS[name](number)) for number in range(3)]
    endpoint = items[0].endpoint
    assert endpoint is not None
    assert endpoint.operation.name == name
    together = combine(endpoint, items)
    records = together.json
    for step in endpoint.pointer.strip("/").split("/"):
        records = records[step]
    assert records == [record for item in items for record in item.records]
    assert all(item.count == len(item.records) == 1 for item in items)
    assert (together.method, together.revision) == (items[0].request.method, CURRENT)


@given(st.lists(st.integers(1, 2_400_000), min_size=1, max_size=8))
@example([1, 630_001, 1_967_830, 2_400_000])
def test_a_bulk_body_stays_within_its_size_and_wastes_no_room(sizes: list[int]) -> None:
    batches = batches_of(event(number, "x" * size) for number, size in enumerate(sizes))
    bodies = [combine(batch.endpoint, batch.items) for batch in batches if batch.endpoint is not None]
    assert max(len(body.body) for body in bodies) <= BODY_BYTES
    assert sorted(len(item.request.body) for batch in batches for item in batch.items) == sorted(
        len(event(number, "x" * size).body) for number, size in enumerate(sizes)
    )
    for number, body in enumerate(bodies[:-1], 1):
        smallest = min(item.size for batch in batches[number:] for item in batch.items)
        assert len(body.body) + smallest > BODY_BYTES - 2000


def test_records_with_one_identity_are_in_different_requests() -> None:
    batches = batches_of(KINDS["bulk_import_profiles"](number % 3) for number in range(9))
    assert [len(batch.items) for batch in batches] == [3, 3, 3]


def start(request: Request) -> FlowExecution:
    found = klavier.parse_event({"type": "track", "event": "Seen", "messageId": "m", "userId": "u"})
    return FlowExecution(Delivery((found,), ("u",), SendOne(request), bulkable=True))


@pytest.mark.parametrize(("spare", "kind"), [(0, None), (-1, "rejected")])
def test_the_limit_of_a_request_is_that_of_its_own_body(spare: int, kind: str | None) -> None:
    filler = BODY_BYTES - len(event(1, "x" * 4_900_000).body) - spare
    request = event(1, "x" * 4_900_000)
    request.json["data"]["attributes"]["properties"]["last"] = "y" * (filler - len(',"last":""'))
    request = post(request.path, request.json)
    assert len(request.body) == BODY_BYTES - spare
    leg = start(request)
    assert leg.request is (request if kind is None else None)
    assert [outcome.kind for outcome in leg.outcomes] == ([] if kind is None else [kind])


@pytest.mark.parametrize("odd", [["a"], {"b": 1}, None, 5])
def test_events_whose_name_or_id_is_no_string_are_sent_singly(odd: Any) -> None:
    request = event(1)
    request.json["data"]["attributes"]["metric"]["data"]["attributes"]["name"] = odd
    assert item_of(request).endpoint is None
    adding = member("POST", 1)
    adding.json["data"][0]["id"] = odd
    assert item_of(adding).endpoint is None


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("odd", [None, True, 5, "", "ab", [], ["ab"], [None], {}, {"a": []}], ids=orjson.dumps)
def test_a_request_of_any_shape_makes_an_item(name: str, odd: Any) -> None:
    whole = KINDS[name](1)
    for number in range(len(list(places_of([whole.json])))):
        root = [orjson.loads(whole.body)]
        holder, key = list(places_of(root))[number]
        holder[key] = odd
        item = item_of(post(whole.path, root[0], whole.method))
        assert item.endpoint is None or item.count == len(item.records)
        ItemGroup(item)


def places_of(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Return every member of objects and arrays, the outermost first, as what holds it and its key there."""
    for key in holder if isinstance(holder, dict) else range(len(holder)):
        yield holder, key
        if isinstance(holder[key], (dict, list)):
            yield from places_of(holder[key])


def test_what_cannot_be_serialized_is_sent_singly_and_fails_alone() -> None:
    request = event(1)
    request.json["data"]["attributes"]["properties"]["when"] = object()
    assert item_of(request).endpoint is None
    leg = start(request)
    assert [outcome.kind for outcome in leg.outcomes] == ["failed"]


@pytest.mark.parametrize(("follows_jobs", "count"), [(False, 1), (True, 2)])
def test_import_jobs_whose_errors_count_are_not_combined(follows_jobs: bool, count: int) -> None:  # noqa: FBT001 -- a case
    batcher = Batcher(combine=True, linger=0.0)
    for number in range(2):
        profiles = {"data": [resource("profile", email=f"{number}@example.org")]}
        request = post("/api/profile-bulk-import-jobs", {"data": resource("job", profiles=profiles)})
        delivery = Delivery((), (), SendOne(request), bulkable=True, follows_jobs=follows_jobs)
        batcher.add(ItemGroup(batcher.item(request, None, delivery)), 0.0)
    found = list(batcher.ready(0.0, Unlimited(), is_idle=True, is_complete=True))
    assert [len(batch.items) for batch in found] == [2 // count] * count
    assert {batch.endpoint is None for batch in found} == {follows_jobs}


def test_imports_of_a_delivery_that_follows_its_jobs_are_combined() -> None:
    """The worker follows the job that it makes of them."""
    item = BulkItem(KINDS["bulk_import_profiles"](1), None, bulkable=True, follows_job=True)
    assert item.endpoint is not None
    assert item.endpoint.has_job
