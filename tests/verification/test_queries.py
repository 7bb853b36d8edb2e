"""The requests that read an account, and how replies are read."""

from typing import Any
from urllib.parse import urlencode

from klavier.http.transport import is_read
from klavier.klaviyo.request import Request
from klavier.sandbox import Sandbox
from klavier.verification import queries

EVERY = [
    queries.get_lists(),
    queries.get_profiles("email", ["a@shop.test"]),
    queries.get_events("P1", 0, 10),
    queries.get_events(None, 0, None),
    queries.get_members("L1", "email", ["a@shop.test"]),
    queries.get_list_ids("P1"),
]


def test_every_request_only_reads() -> None:
    assert [is_read(request) for request in EVERY] == [True] * len(EVERY)


def test_texts_are_quoted_in_filters() -> None:
    sandbox = Sandbox()
    odd = 'a "quoted\\" one, with ) and ]'
    body = {"data": {"type": "profile", "attributes": {"external_id": odd}}}
    assert sandbox.send(Request("POST", "/api/profiles", json=body, revision="2026-10-15")).ok
    reply = sandbox.send(queries.get_profiles("external_id", ["another", odd]))
    assert [item["attributes"]["external_id"] for item in reply.json["data"]] == [odd]


def test_values_are_split_so_that_an_address_stays_short() -> None:
    values = [f"person-{number}@a-rather-long-name-of-a-shop.test" for number in range(1000)]
    batches = list(queries.in_batches(values))
    assert [value for batch in batches for value in batch] == values
    for batch in batches:
        assert len(batch) <= 100
        assert len(urlencode(queries.get_profiles("email", batch).params or {})) < 6000
    assert list(queries.in_batches([])) == []
    assert list(queries.in_batches(["x" * 9000, "y"])) == [["x" * 9000], ["y"]]


def test_the_next_page_is_asked_of_the_same_server() -> None:
    request = queries.get_lists()
    following = queries.next_page(request, {"links": {"next": "https://elsewhere.test/x?page%5Bcursor%5D=abc"}})
    assert following is not None
    assert (following.method, following.path, following.params) == ("GET", "/api/lists", {"page[cursor]": "abc"})
    assert queries.next_page(request, {"links": {"next": None}}) is None
    assert queries.next_page(request, {}) is None


def test_metrics_are_of_the_api_of_an_integration_or_of_klaviyo() -> None:
    integrations: list[Any] = [None, {"name": "API"}, {"name": "Shop"}, {"name": "Klaviyo", "category": "Internal"}]
    included = [
        {"type": "metric", "id": f"M{number}", "attributes": {"name": "Ordered", "integration": integration}}
        for number, integration in enumerate(integrations)
    ]
    found = list(queries.read_metrics({"included": [*included, {"type": "profile"}]}))
    assert [(metric.id, metric.service, metric.is_own) for metric in found] == [
        ("M0", None, False),
        ("M1", None, False),
        ("M2", "Shop", False),
        ("M3", "Klaviyo", True),
    ]


def test_klaviyos_own_properties_are_left_out() -> None:
    attributes = {
        "timestamp": 1_700_000_000,
        "event_properties": {"$event_id": "e1", "$value": 3.5, "$currency_code": "EUR", "$flow": "F", "plan": "pro"},
    }
    document = {"included": [{"type": "metric", "id": "M", "attributes": {"name": "Paid", "integration": None}}]}
    (metric,) = queries.read_metrics(document)
    event = queries.read_event({"attributes": attributes}, metric, 1)
    assert event.properties == {"plan": "pro"}
    assert (event.unique_id, event.value, event.currency, event.time) == ("e1", 3.5, "EUR", 1_700_000_000)
