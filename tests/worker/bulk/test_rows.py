"""Rows of bulk bodies, and how bodies are filled with them."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import klavier
from klavier import Delivery, Request, SendOne
from klavier.flows.execution import FlowExecution
from klavier.klaviyo.limits import BODY_BYTES
from klavier.klaviyo.revisions import CURRENT
from klavier.worker.bulk import Row, Unit, in_one, pack

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
    "events": event,
    "imports": lambda n: post("/api/profile-import", {"data": resource("profile", email=f"{n}@example.org")}),
    "subscribe": lambda n: consent("/api/profile-subscription-bulk-create-jobs", n),
    "unsubscribe": lambda n: consent("/api/profile-subscription-bulk-delete-jobs", n),
    "add to list": lambda n: member("POST", n),
    "remove from list": lambda n: member("DELETE", n),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_body_is_what_its_rows_have_written(name: str) -> None:
    rows = [Row(KINDS[name](number), None, alone=False) for number in range(3)]
    kind = rows[0].kind
    assert kind is not None
    assert kind.name == name
    together = in_one(kind, rows)
    held = together.json
    for step in kind.pointer.strip("/").split("/"):
        held = held[step]
    assert held == [item for row in rows for item in row.items]
    assert all(row.count == len(row.items) == 1 for row in rows)
    assert (together.method, together.revision) == (rows[0].request.method, CURRENT)


@given(st.lists(st.integers(1, 2_400_000), min_size=1, max_size=8))
def test_a_body_stays_below_its_size_and_wastes_no_room(sizes: list[int]) -> None:
    rows = [Row(event(number, "x" * size), None, alone=False) for number, size in enumerate(sizes)]
    kind = rows[0].kind
    assert kind is not None
    bodies = pack(kind, map(Unit, rows))
    lengths = [len(in_one(kind, body.rows).body) for body in bodies]
    assert max(lengths) <= BODY_BYTES
    assert all(one + bodies[n + 1].rows[0].size > BODY_BYTES - 2000 for n, one in enumerate(lengths[:-1]))


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
def test_names_and_ids_that_are_no_text_go_alone(odd: Any) -> None:
    request = event(1)
    request.json["data"]["attributes"]["metric"]["data"]["attributes"]["name"] = odd
    assert Row(request, None, alone=False).kind is None
    adding = member("POST", 1)
    adding.json["data"][0]["id"] = odd
    assert Row(adding, None, alone=False).kind is None


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("odd", [None, True, 5, "", "ab", [], ["ab"], [None], {}, {"a": []}], ids=orjson.dumps)
def test_a_request_of_any_shape_makes_a_row(name: str, odd: Any) -> None:
    whole = KINDS[name](1)
    for number in range(len(list(places_of([whole.json])))):
        root = [orjson.loads(whole.body)]
        holder, key = list(places_of(root))[number]
        holder[key] = odd
        row = Row(post(whole.path, root[0], whole.method), None, alone=False)
        assert row.kind is None or row.count == len(row.items)
        Unit(row)


def places_of(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Give every member of objects and arrays, the outermost first, as what holds it and its key there."""
    for key in holder if isinstance(holder, dict) else range(len(holder)):
        yield holder, key
        if isinstance(holder[key], (dict, list)):
            yield from places_of(holder[key])


def test_what_cannot_be_written_goes_alone_and_fails_alone() -> None:
    request = event(1)
    request.json["data"]["attributes"]["properties"]["when"] = object()
    assert Row(request, None, alone=False).kind is None
    leg = start(request)
    assert [outcome.kind for outcome in leg.outcomes] == ["failed"]
