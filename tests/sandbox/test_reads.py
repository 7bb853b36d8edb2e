"""Reading back: resources, query parameters, links, and what is not served."""

from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from klavier.klaviyo.operations import OPERATIONS, Operation
from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import FakeClock, Sandbox
from klavier.sandbox.operations import SERVED
from klavier.sandbox.queries import FIELDS
from klavier.sandbox.revisions import CHANGES
from tests.support.klaviyo import (
    bulk_import,
    consent,
    event,
    get,
    members,
    profile_data,
    subscribe,
    suppress,
    unsubscribe,
    unsuppress,
    upsert,
)

READS = [row for row in OPERATIONS if row.method == "GET" and not row.is_legacy]


@pytest.fixture
def filled(sandbox: Sandbox) -> dict[str, str]:
    """Fill the account with one of each resource, and return their ids by the collection of their path."""
    list_id = sandbox.add_list("Letters", opt_in_process="single_opt_in")
    sandbox.send(upsert(email="ada@b.co", first_name="Ada", location={"city": "London"}, properties={"plan": "pro"}))
    sandbox.send(subscribe(profile_data(email="ada@b.co", subscriptions=consent("email")), list_id=list_id))
    sandbox.send(event("Ordered", unique_id="m1", value=3, properties={"sku": "s"}))
    job = sandbox.send(bulk_import(profile_data(email="ada@b.co"), lists=(list_id,))).data_id
    suppressed, unsuppressed = sandbox.send(suppress("bob@b.co")), sandbox.send(unsuppress("bob@b.co"))
    (metric,) = sandbox.state()["metrics"]
    ada = sandbox.profile("ada@b.co") or {}
    return {
        "accounts": "SNDBX1",
        "events": sandbox.send(get("/api/events")).json["data"][0]["id"],
        "lists": list_id,
        "metrics": metric["id"],
        "profiles": ada["id"],
        "profile-bulk-import-jobs": str(job),
        "profile-suppression-bulk-create-jobs": str(suppressed.data_id),
        "profile-suppression-bulk-delete-jobs": str(unsuppressed.data_id),
        "segments": "Abc123",
    }


def path_of(row: Operation, ids: dict[str, str]) -> str:
    return row.path.replace("{id}", ids[row.path.split("/")[2]])


def values_of(row: Operation) -> Iterator[tuple[str, str]]:
    """Yield every parameter of a read with each of its values."""
    query = SERVED[row.name].query
    yield from ((f"fields[{kind}]", ",".join(sorted(FIELDS[kind]))) for kind in query.fields if FIELDS[kind])
    yield from ((f"additional-fields[{kind}]", value) for kind, found in query.additional.items() for value in found)
    yield from (("sort", sign + name) for name in query.sorts for sign in ("", "-"))
    yield from (("include", name) for name in query.includes)
    if query.size is not None and query.sizes_since is not None:
        yield from (("page[size]", str(size)) for size in (1, query.size[1]))
    literals = {
        "text": '"x"',
        "address": '"a@b.co"',
        "time": "2026-11-21T00:00:00Z",
        "number": "5",
        "boolean": "true",
    }
    for name, field in query.filters.items():
        for operator in sorted(field.operators):
            value = literals.get(field.kind, "")
            given = f",[{value}]" if operator == "any" else f",{value}" if value else ""
            yield "filter", f"{operator}({name}{given})"


CASES = [(row, *case) for row in READS for case in values_of(row)]


@pytest.mark.parametrize("row", READS, ids=lambda row: row.name)
def test_every_read_replies_with_its_resource(sandbox: Sandbox, filled: dict[str, str], row: Operation) -> None:
    reply = sandbox.send(get(path_of(row, filled)))
    if row.name in ("get_segment", "get_profiles_for_segment", "get_profile_ids_for_segment"):
        assert reply.status == 404
        return
    assert reply.status == 200
    data = reply.json["data"]
    assert isinstance(data, list) == row.many
    assert all(item["type"] == row.resource for item in (data if row.many else [data]))
    assert urlsplit(reply.json["links"]["self"])[:2] == ("https", "a.klaviyo.com")


@pytest.mark.parametrize(("row", "name", "value"), CASES, ids=lambda value: getattr(value, "name", str(value)))
def test_every_parameter_is_accepted(
    sandbox: Sandbox, filled: dict[str, str], row: Operation, name: str, value: str
) -> None:
    assert sandbox.send(get(path_of(row, filled), {name: value})).status in (200, 404)


@pytest.mark.parametrize("row", READS, ids=lambda row: row.name)
@pytest.mark.parametrize(
    "name", ["filter", "sort", "include", "page[size]", "fields[zzz]", "additional-fields[zzz]", "q"]
)
def test_any_other_value_is_refused_by_its_parameter(
    sandbox: Sandbox, filled: dict[str, str], row: Operation, name: str
) -> None:
    reply = sandbox.send(get(path_of(row, filled), {name: "zzz"}))
    assert (reply.status, reply.errors[0].pointer) == (400, name)


@pytest.mark.parametrize("row", [row for row in READS if SERVED[row.name].query.fields], ids=lambda row: row.name)
def test_sparse_fieldsets_leave_nothing_else(sandbox: Sandbox, filled: dict[str, str], row: Operation) -> None:
    kind = SERVED[row.name].query.fields[0]
    for name in sorted(FIELDS[kind]):
        reply = sandbox.send(get(path_of(row, filled), {f"fields[{kind}]": name}))
        if reply.status == 404:
            return
        data = reply.json["data"]
        for item in data if row.many else [data]:
            assert item["attributes"].keys() <= {name}


def test_a_sparse_fieldset_can_name_members(sandbox: Sandbox, filled: dict[str, str]) -> None:
    path = f"/api/profiles/{filled['profiles']}"
    reply = sandbox.send(get(path, {"fields[profile]": "location.city,properties.plan,email"}))
    assert reply.json["data"]["attributes"] == {
        "email": "ada@b.co",
        "location": {"city": "London"},
        "properties": {"plan": "pro"},
    }
    assert sandbox.send(get(path, {"fields[profile]": "location.town"})).status == 400


def test_subscriptions_come_on_request_only(sandbox: Sandbox, filled: dict[str, str]) -> None:
    path = f"/api/profiles/{filled['profiles']}"
    assert "subscriptions" not in sandbox.send(get(path)).json["data"]["attributes"]
    shown = sandbox.send(get(path, {"additional-fields[profile]": "subscriptions"})).json["data"]["attributes"]
    assert shown["subscriptions"]["email"]["marketing"] == {
        "can_receive_email_marketing": True,
        "consent": "SUBSCRIBED",
        "consent_timestamp": "2026-11-21T00:00:00+00:00",
        "last_updated": "2026-11-21T00:00:00+00:00",
        "method": "API",
        "method_detail": "",
        "custom_method_detail": None,
        "double_optin": False,
        "suppression": [],
        "list_suppressions": [],
    }
    assert shown["subscriptions"]["sms"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"


def test_included_resources_stand_beside_the_data(sandbox: Sandbox, filled: dict[str, str]) -> None:
    params = {"include": "metric,profile", "fields[profile]": "email", "fields[metric]": "name"}
    reply = sandbox.send(get("/api/events", params)).json
    relationships = reply["data"][0]["relationships"]
    assert relationships["profile"]["data"] == {"type": "profile", "id": filled["profiles"]}
    assert [(item["type"], item["attributes"]) for item in reply["included"]] == [
        ("metric", {"name": "Ordered"}),
        ("profile", {"email": "ada@b.co"}),
    ]
    reply = sandbox.send(get(f"/api/profiles/{filled['profiles']}", {"include": "lists,segments"})).json
    assert reply["data"]["relationships"]["lists"]["data"] == [{"type": "list", "id": filled["lists"]}]
    assert [item["attributes"]["name"] for item in reply["included"]] == ["Letters"]


def test_events_are_found_by_profile_metric_and_time(sandbox: Sandbox, clock: FakeClock) -> None:
    for number, email in enumerate(("ada@b.co", "bob@b.co", "ada@b.co")):
        clock.advance(60)
        sandbox.send(event(f"M{number % 2}", profile=profile_data(email=email), unique_id=f"m{number}"))
    ada = (sandbox.profile("ada@b.co") or {})["id"]
    (_, other) = sandbox.state()["metrics"]

    def found(text: str, sort: str = "datetime") -> list[str]:
        reply = sandbox.send(get("/api/events", {"filter": text, "sort": sort}))
        return [item["attributes"]["event_properties"]["$event_id"] for item in reply.json["data"]]

    assert found(f'equals(profile_id,"{ada}")') == ["m0", "m2"]
    assert found(f'equals(profile_id,"{ada}")', "-timestamp") == ["m2", "m0"]
    assert found(f'equals(metric_id,"{other["id"]}")') == ["m1"]
    assert found("greater-than(datetime,2026-11-21T00:01:00Z),less-or-equal(datetime,2026-11-21T00:03:00Z)") == [
        "m1",
        "m2",
    ]
    assert found(f"less-than(timestamp,{int(clock.time())})") == ["m0", "m1"]


def pages(sandbox: Sandbox, path: str, params: dict[str, str]) -> list[list[str]]:
    """Follow `links.next` to the end, and `links.prev` back; return the ids of each page."""
    found, back = [], []
    document: dict[str, Any] = {"links": {"next": f"https://x{path}?"}}
    while document["links"]["next"]:
        query = dict(parse_qsl(urlsplit(document["links"]["next"]).query)) or params
        document = sandbox.send(get(path, query)).json
        found.append([item["id"] for item in document["data"]])
        if len(found) == 2:
            sandbox.send(upsert(external_id="late"))
    while document["links"]["prev"]:
        document = sandbox.send(get(path, dict(parse_qsl(urlsplit(document["links"]["prev"]).query)))).json
        back.append([item["id"] for item in document["data"]])
    late = (sandbox.profile("late") or {})["id"]
    assert [each for each in chain(*reversed(back)) if each != late] == [
        each for each in chain(*found[:-1]) if each != late
    ]
    return found


@pytest.mark.parametrize("sort", ["", "created", "-created", "email", "-email"])
def test_pages_hold_every_profile_once_while_others_are_added(sandbox: Sandbox, clock: FakeClock, sort: str) -> None:
    for number in range(10):
        clock.advance(number % 3)
        sandbox.send(upsert(external_id=f"u{number}", email=f"p{number % 4}{number}@b.co"))
    before = {row["id"] for row in sandbox.state()["profiles"]}
    found = pages(sandbox, "/api/profiles", {"page[size]": "3", **({"sort": sort} if sort else {})})
    seen = list(chain(*found))
    assert len(seen) == len(set(seen))
    assert before <= set(seen)
    assert all(len(ids) == 3 for ids in found[:-1])


def test_a_cursor_of_another_order_is_refused(sandbox: Sandbox) -> None:
    for number in range(3):
        sandbox.send(upsert(external_id=f"u{number}", email=f"p{number}@b.co"))
    link = sandbox.send(get("/api/profiles", {"page[size]": "1", "sort": "email"})).json["links"]["next"]
    cursor = dict(parse_qsl(urlsplit(link).query))["page[cursor]"]
    reply = sandbox.send(get("/api/profiles", {"page[cursor]": cursor, "sort": "created"}))
    assert (reply.status, reply.errors[0].pointer) == (400, "page[cursor]")


@pytest.mark.parametrize(
    ("revision", "path", "params", "status"),
    [
        ("2025-10-15", "/api/events", {"page[size]": "10"}, 400),
        ("2026-01-15", "/api/events", {"page[size]": "10"}, 200),
        ("2026-04-15", "/api/events", {"filter": "has(metric)"}, 400),
        ("2026-07-15", "/api/events", {"filter": "has(metric)"}, 200),
        ("2026-01-15", "/api/lists", {"page[size]": "10"}, 400),
        ("2026-04-15", "/api/lists", {"page[size]": "10"}, 200),
        ("2024-07-15", "/api/metrics", {"include": "flow-triggers"}, 400),
        ("2024-10-15", "/api/metrics", {"include": "flow-triggers"}, 200),
        ("2024-07-15", "/api/profile-suppression-bulk-create-jobs", {}, 404),
        ("2024-10-15", "/api/profile-suppression-bulk-create-jobs", {}, 200),
    ],
)
def test_parameters_are_those_of_the_revision(
    sandbox: Sandbox, revision: str, path: str, params: dict[str, str], status: int
) -> None:
    assert sandbox.send(get(path, params, revision)).status == status


def test_links_of_old_revisions_end_with_a_slash(sandbox: Sandbox) -> None:
    old = sandbox.send(get("/api/profiles/", {"page[size]": "1"}, "2024-07-15")).json
    assert old["links"]["self"] == "https://a.klaviyo.com/api/profiles/?page%5Bsize%5D=1"
    new = sandbox.send(get("/api/profiles", {"page[size]": "1"}, CHANGES["paths without a slash"])).json
    assert new["links"]["self"] == "https://a.klaviyo.com/api/profiles?page%5Bsize%5D=1"


@pytest.mark.parametrize(
    "path",
    ["/api/campaigns", "/api/flows/x", "/api/tags", "/api/profiles/x/push-tokens", "/api/lists/x/relationships/tags"],
)
def test_a_path_that_only_klaviyo_has_is_named_as_such(sandbox: Sandbox, path: str) -> None:
    reply = sandbox.send(get(path))
    assert (reply.status, reply.retryable) == (501, False)
    assert "the sandbox does not serve it" in reply.errors[0].detail


def test_lists_are_renamed_and_deleted(sandbox: Sandbox, filled: dict[str, str]) -> None:
    path = f"/api/lists/{filled['lists']}"
    body = {"data": {"type": "list", "id": filled["lists"], "attributes": {"name": "News"}}}
    assert sandbox.send(Request("PATCH", path, json=body, revision=CURRENT)).status == 200
    assert sandbox.send(get(path)).json["data"]["attributes"]["name"] == "News"
    counted = sandbox.send(get(path, {"additional-fields[list]": "profile_count"}))
    assert counted.json["data"]["attributes"]["profile_count"] == 1
    assert sandbox.send(Request("DELETE", path, revision=CURRENT)).status == 204
    assert sandbox.send(get(path)).status == 404
    assert (sandbox.profile("ada@b.co") or {})["lists"] == []


def test_members_have_the_time_of_joining(sandbox: Sandbox, filled: dict[str, str], clock: FakeClock) -> None:
    clock.advance(60)
    bob = (sandbox.profile("bob@b.co") or {})["id"]
    sandbox.send(members("POST", filled["lists"], bob))
    path = f"/api/lists/{filled['lists']}/profiles"
    rows = sandbox.send(get(path, {"sort": "-joined_group_at"})).json["data"]
    assert [(row["attributes"]["email"], row["attributes"]["joined_group_at"]) for row in rows] == [
        ("bob@b.co", "2026-11-21T00:01:00+00:00"),
        ("ada@b.co", "2026-11-21T00:00:00+00:00"),
    ]
    later = {"filter": "greater-than(joined_group_at,2026-11-21T00:00:00Z)"}
    assert [row["id"] for row in sandbox.send(get(path, later)).json["data"]] == [bob]


def test_suppressions_are_jobs_that_can_be_read(sandbox: Sandbox) -> None:
    reply = sandbox.send(suppress("ada@b.co", "bob@b.co"))
    assert (reply.status, reply.json["data"]["attributes"]["status"]) == (202, "queued")
    found = sandbox.send(get(f"/api/profile-suppression-bulk-create-jobs/{reply.data_id}")).json["data"]["attributes"]
    assert (found["status"], found["total_count"], found["completed_count"]) == ("complete", 2, 2)
    lifted = sandbox.send(unsuppress("ada@b.co", "nobody@b.co")).data_id
    found = sandbox.send(get(f"/api/profile-suppression-bulk-delete-jobs/{lifted}")).json["data"]["attributes"]
    assert (found["completed_count"], found["skipped_count"]) == (1, 1)
    assert sandbox.profile("nobody@b.co") is None


AGGREGATE = {"measurements": ["count", "sum_value", "unique"], "interval": "day"}


def aggregate(sandbox: Sandbox, metric: str, **more: Any) -> Any:
    span = "greater-or-equal(datetime,2026-11-20T00:00:00Z),less-than(datetime,2026-11-23T00:00:00Z)"
    attributes = {"metric_id": metric, "filter": [span], **AGGREGATE, **more}
    body = {"data": {"type": "metric-aggregate", "attributes": attributes}}
    return sandbox.send(Request("POST", "/api/metric-aggregates", json=body, revision=CURRENT))


def test_aggregates_count_sum_and_count_profiles(sandbox: Sandbox) -> None:
    for number, (email, day) in enumerate([("ada", 20), ("ada", 20), ("bob", 20), ("ada", 22), ("ada", 24)]):
        time = f"2026-11-{day}T23:30:00Z"
        sandbox.send(event(profile=profile_data(email=f"{email}@b.co"), unique_id=f"m{number}", value=2, time=time))
    (metric,) = sandbox.state()["metrics"]
    found = aggregate(sandbox, metric["id"]).json["data"]["attributes"]
    assert found["dates"] == [f"2026-11-{day}T00:00:00+00:00" for day in (20, 21, 22)]
    assert found["data"][0]["measurements"] == {"count": [3, 0, 1], "sum_value": [6, 0, 2], "unique": [2, 0, 1]}
    shifted = aggregate(sandbox, metric["id"], timezone="Europe/Berlin").json["data"]["attributes"]
    assert shifted["dates"][0] == "2026-11-20T00:00:00+01:00"
    assert shifted["data"][0]["measurements"]["count"] == [0, 3, 0, 1]


@pytest.mark.parametrize(
    ("more", "status", "pointer"),
    [
        ({"filter": ["greater-or-equal(datetime,2026-11-20T00:00:00Z)"]}, 400, "/data/attributes/filter"),
        ({"filter": ["equals(x,1)"]}, 400, "/data/attributes/filter"),
        ({"timezone": "Mars/Olympus"}, 400, "/data/attributes/timezone"),
        ({"measurements": ["median"]}, 400, "/data/attributes/measurements/0"),
        ({"metric_id": "zzz"}, 400, "/data/attributes/metric_id"),
        ({"by": ["$message"]}, 501, "/data/attributes/by"),
    ],
)
def test_other_aggregates_are_refused(sandbox: Sandbox, more: dict[str, Any], status: int, pointer: str) -> None:
    sandbox.send(event())
    (metric,) = sandbox.state()["metrics"]
    reply = aggregate(sandbox, metric["id"], **more)
    assert (reply.status, reply.errors[0].pointer) == (status, pointer)


def test_metrics_name_their_integration(sandbox: Sandbox) -> None:
    sandbox.send(event("Ordered"))
    body = event("Paid").json
    body["data"]["attributes"]["metric"]["data"]["attributes"]["service"] = "shop"
    sandbox.send(Request("POST", "/api/events", json=body, revision=CURRENT))
    rows = sandbox.send(get("/api/metrics")).json["data"]
    assert [row["attributes"]["integration"]["name"] for row in rows] == ["API", "shop"]
    found = sandbox.send(get("/api/metrics", {"filter": 'equals(integration.name,"shop")'})).json["data"]
    assert [row["attributes"]["name"] for row in found] == ["Paid"]


@pytest.mark.parametrize("row", [row for row in OPERATIONS if not row.is_legacy], ids=lambda row: row.name)
def test_every_operation_of_the_table_is_served(row: Operation) -> None:
    assert row.name in SERVED


def test_suppressed_profiles_are_found_by_reason_and_list(sandbox: Sandbox) -> None:
    account = Sandbox(global_unsubscribe=False)
    list_id = account.add_list("Letters", opt_in_process="single_opt_in")
    account.send(subscribe(profile_data(email="ada@b.co", subscriptions=consent("email")), list_id=list_id))
    gone = profile_data(email="ada@b.co", subscriptions=consent("email", says="UNSUBSCRIBED"))
    account.send(unsubscribe(gone, list_id=list_id))
    account.send(suppress("bob@b.co"))

    def emails(text: str) -> list[str]:
        data = account.send(get("/api/profiles", {"filter": text})).json["data"]
        return [item["attributes"]["email"] for item in data]

    prefix = "subscriptions.email.marketing"
    assert emails(f'equals({prefix}.suppression.reason,"USER_SUPPRESSED")') == ["bob@b.co"]
    assert emails(f'equals({prefix}.list_suppressions.list_id,"{list_id}")') == ["ada@b.co"]
    assert emails(f"greater-than({prefix}.list_suppressions.timestamp,2020-01-01T00:00:00Z)") == ["ada@b.co"]
    assert (
        sandbox.send(get("/api/profiles", {"filter": f"greater-than({prefix}.suppression.timestamp,1)"})).status == 400
    )
