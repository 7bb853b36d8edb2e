from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import Request
from klavier.klaviyo import limits
from klavier.klaviyo.limits import refusal
from klavier.klaviyo.revisions import CURRENT
from tests.support.schemas import schema

Json = dict[str, Any]


def resource(kind: str, **attributes: Any) -> Json:
    return {"data": {"type": kind, "attributes": attributes}}


def event(
    name: str = "A",
    unique_id: str = "m",
    profile: Json | None = None,
    time_of_event: str | None = None,
    **properties: Any,
) -> Json:
    """Make one event's resource with the given properties."""
    made: Json = resource(
        "event",
        properties=properties,
        unique_id=unique_id,
        metric=resource("metric", name=name),
        profile=resource("profile", **(profile or {"email": "a@b.co"})),
        **({"time": time_of_event} if time_of_event else {}),
    )["data"]
    return made


def single(path: str) -> Callable[..., tuple[Request, str]]:
    def make(**event_parts: Any) -> tuple[Request, str]:
        body = {"data": event(**event_parts)}
        return Request("POST", path, json=body, revision=CURRENT), "/data/attributes"

    return make


def old_single(**parts: Any) -> tuple[Request, str]:
    """Make the shape of the oldest revision: metric and profile are plain objects."""
    inner = event(**parts)["attributes"]
    inner["metric"] = inner["metric"]["data"]["attributes"]
    inner["profile"] = {f"${k}": v for k, v in inner["profile"]["data"]["attributes"].items()}
    body = {"data": {"type": "event", "attributes": inner}}
    return Request("POST", "/api/events/", json=body, revision="2023-02-22"), "/data/attributes"


def bulk(**parts: Any) -> tuple[Request, str]:
    one = event(**parts)
    profile = one["attributes"].pop("profile")
    groups = [resource("g", profile=profile, events={"data": [event(), one]})["data"] for _ in range(2)]
    groups[0]["attributes"]["events"]["data"].pop()
    groups[0]["attributes"]["profile"] = resource("profile", email="a@b.co")
    body = resource("j", **{"events-bulk-create": {"data": groups}})
    place = "/data/attributes/events-bulk-create/data/1/attributes/events/data/1/attributes"
    return Request("POST", "/api/event-bulk-create-jobs", json=body, revision=CURRENT), place


def client_bulk(**parts: Any) -> tuple[Request, str]:
    one = event(**parts)
    body = resource("j", profile=one["attributes"].pop("profile"), events={"data": [event(), one]})
    place = "/data/attributes/events/data/1/attributes"
    return Request("POST", "/client/event-bulk-create", json=body, revision=CURRENT), place


SHAPES = [single("/api/events"), single("/api/events/"), single("/client/events"), old_single, bulk, client_bulk]


def pointer_of(request: Request) -> str | None:
    found = refusal(request)
    if found is None:
        return None
    assert (found.status, found.local, found.retryable) == (400, True, False)
    (error,) = found.errors
    assert error.detail
    return error.pointer


def address(length: int) -> str:
    """Return an e-mail address of a length."""
    return "@example.com".rjust(length, "a")


def nested(levels: int) -> Any:
    """Nest objects and arrays in turn."""
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("fit", "unfit", "pointer"),
    [
        ({"unique_id": "é" * 255}, {"unique_id": "é" * 256}, "/unique_id"),
        ({f"k{i}": 1 for i in range(400)}, {f"k{i}": 1 for i in range(401)}, "/properties"),
        ({"a": "x" * 100_000}, {"a": "x" * 100_001}, "/properties/a"),
        ({"a": "é" * 50_000}, {"a": "é" * 50_001}, "/properties/a"),
        ({"a": '"' * 100_000}, {"a": '"' * 100_001}, "/properties/a"),
        ({"a": "\\" * 100_000}, {"a": "\\" * 100_001}, "/properties/a"),
        ({"p": [{"a/b~c": "x" * 100_000}]}, {"p": [{"a/b~c": "x" * 100_001}]}, "/properties/p/0/a~1b~0c"),
        ({"a": [1] * 4000}, {"a": [1] * 4001}, "/properties/a"),
        ({"a": {"b": [[1] * 4000]}}, {"a": {"b": [[1] * 4001]}}, "/properties/a/b/0"),
        ({"a": nested(10)}, {"a": nested(11)}, "/properties/a" + "/a/0" * 5),
        ({"a": (1, 2)}, {"a": ({"b": nested(9)},)}, "/properties/a/0/b" + "/a/0" * 4),
    ],
)
def test_events_are_bound(shape: Callable[..., tuple[Request, str]], fit: Json, unfit: Json, pointer: str) -> None:
    request, _ = shape(**fit)
    assert pointer_of(request) is None
    request, place = shape(**unfit)
    assert pointer_of(request) == place + pointer


@pytest.mark.parametrize("shape", SHAPES)
def test_metric_names_are_bound(shape: Callable[..., tuple[Request, str]]) -> None:
    assert refusal(shape(name="é" * 127)[0]) is None
    request, place = shape(name="é" * 128)
    where = "/metric/name" if shape is old_single else "/metric/data/attributes/name"
    assert pointer_of(request) == place + where


@pytest.mark.parametrize("shape", SHAPES)
def test_profiles_inside_events_are_bound(shape: Callable[..., tuple[Request, str]]) -> None:
    assert refusal(shape(profile={"email": address(100)})[0]) is None
    assert str(pointer_of(shape(profile={"email": address(101)})[0])).endswith("email")
    assert refusal(shape(profile={"first_name": "a" * 94_900})[0]) is None
    assert "profile" in str(pointer_of(shape(profile={"first_name": "a" * 95_000})[0]))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/profile-import"),
        ("POST", "/api/profiles"),
        ("POST", "/api/profiles/"),
        ("PATCH", "/api/profiles/01GDDKASAP8TKDDA2GRZDSVP4H"),
        ("POST", "/client/profiles"),
    ],
)
def test_profiles_are_bound(method: str, path: str) -> None:
    def request(**attributes: Any) -> Request:
        return Request(method, path, json=resource("profile", **attributes), revision=CURRENT)

    assert refusal(request(email=address(100), properties={"a": "x" * 99_000})) is None
    assert refusal(request(email=None, properties={"a": nested(40)})) is None
    assert pointer_of(request(email=address(101))) == "/data/attributes/email"
    assert pointer_of(request(properties={"a": "x" * 100_000})) == "/data/attributes"


@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("/api/profile-bulk-import-jobs", 10_000),
        ("/api/profile-subscription-bulk-create-jobs", 1000),
        ("/api/profile-subscription-bulk-delete-jobs", 100),
        ("/api/profile-suppression-bulk-create-jobs", 100),
        ("/api/profile-suppression-bulk-delete-jobs/", 100),
    ],
)
def test_jobs_are_bound(path: str, items: int) -> None:
    def request(count: int, email: str = "a@b.co") -> Request:
        profiles = [resource("profile", email="x@y.zz")["data"]] * (count - 1) + [
            resource("profile", email=email)["data"]
        ]
        return Request("POST", path, json=resource("job", profiles={"data": profiles}), revision=CURRENT)

    assert refusal(request(items)) is None
    assert pointer_of(request(items + 1)) == "/data/attributes/profiles/data"
    assert pointer_of(request(3, address(101))) == "/data/attributes/profiles/data/2/attributes/email"


def test_bulk_events_count_every_event() -> None:
    def request(groups: int, each: int) -> Request:
        one = resource("g", profile=resource("profile", email="a@b.co"), events={"data": [event()] * each})["data"]
        body = resource("j", **{"events-bulk-create": {"data": [one] * groups}})
        return Request("POST", "/api/event-bulk-create-jobs", json=body, revision=CURRENT)

    assert refusal(request(500, 2)) is None
    assert pointer_of(request(501, 2)) == "/data/attributes/events-bulk-create/data"


def test_a_client_subscription_is_bound() -> None:
    body = resource("subscription", profile=resource("profile", email=address(101)))
    request = Request("POST", "/client/subscriptions", json=body, revision=CURRENT)
    assert pointer_of(request) == "/data/attributes/profile/data/attributes/email"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("email", ["n/a", "ada@shop", "user@domain.c", "a b@shop.test", ""])
def test_an_address_that_klaviyo_rejects_is_named(shape: Callable[..., tuple[Request, str]], email: str) -> None:
    assert str(pointer_of(shape(profile={"email": email})[0])).endswith("email")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("number", [2**63, 2**64 - 1])
def test_integers_beyond_64_bits_are_named(shape: Callable[..., tuple[Request, str]], number: int) -> None:
    assert pointer_of(shape(a=2**63 - 1, b=-(2**63), c="9" * 40, d=1e30)[0]) is None
    request, place = shape(a={"b/c": [1, number]})
    assert pointer_of(request) == f"{place}/properties/a/b~1c/1"
    reply = refusal(request)
    assert reply is not None
    assert "send it as a string" in reply.reason


@pytest.mark.parametrize("shape", SHAPES)
def test_times_are_at_most_a_year_ahead(shape: Callable[..., tuple[Request, str]]) -> None:
    def at(ahead: timedelta, form: str) -> tuple[Request, str]:
        request, place = shape(time_of_event=(datetime.now(UTC) + ahead).strftime(form))
        return request, place

    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.000+00:00", "%Y-%m-%dT%H:%M:%S"):
        for days in (-3000, 0, 200, 360):
            assert pointer_of(at(timedelta(days=days), form)[0]) is None
        for days in (370, 2000):
            request, place = at(timedelta(days=days), form)
            assert pointer_of(request) == f"{place}/time"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_list_members_are_bound(method: str) -> None:
    def request(count: int) -> Request:
        body = {"data": [{"type": "profile", "id": "01"}] * count}
        return Request(method, "/api/lists/abc/relationships/profiles", json=body, revision=CURRENT)

    assert refusal(request(1000)) is None
    assert pointer_of(request(1001)) == "/data"


@pytest.mark.parametrize("path", ["/api/events", "/api/v2/list/abc/subscribe", "/api/whatever"])
def test_any_body_is_bound_in_bytes(path: str) -> None:
    assert refusal(Request("POST", path, json="x" * (5_000_000 - 2))) is None
    found = refusal(Request("POST", path, json="x" * 5_000_000))
    assert found is not None
    assert "5000002 bytes" in found.reason


def test_calls_without_json_have_no_limit() -> None:
    assert refusal(Request("GET", "/api/track", params={"data": "x" * 6_000_000})) is None


@pytest.mark.parametrize("body", [{}, [], 1, "x", {"data": None}, {"data": {"attributes": []}}, {"data": [1]}])
@pytest.mark.parametrize("path", sorted(limits._CHECKS))
def test_other_shapes_are_left_to_klaviyo(path: str, body: Any) -> None:
    assert refusal(Request("POST", path, json=body, revision=CURRENT)) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.just("x" * 100_001) | st.just('"\\'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=40,
)


def breaches(value: Any, depth: int = 0) -> bool:
    """Say the limits on event properties once more, plainly."""
    if isinstance(value, str):
        return len(value.encode()) > 100_000
    if not isinstance(value, (dict, list)):
        return False
    members = list(value.values()) if isinstance(value, dict) else value
    return depth > 10 or any(breaches(member, depth + 1) for member in members)


@settings(max_examples=150, deadline=None)
@given(value=VALUES, levels=st.integers(0, 12), extra=st.integers(0, 250_000))
def test_the_quick_check_finds_what_a_plain_one_finds(value: Any, levels: int, extra: int) -> None:
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    properties = {"a": value, "filler": ["x" * 50_000] * (extra // 50_000)}
    request = Request("POST", "/api/events", json={"data": event(**properties)}, revision=CURRENT)
    assert (refusal(request) is not None) == breaches(properties)


@pytest.mark.parametrize(
    ("parts", "fits"),
    [
        ({"name": "n" * 127}, True),
        ({"name": "n" * 128}, False),
        ({"unique_id": "u" * 256}, False),
        ({f"k{i}": 1 for i in range(401)}, False),
        ({"profile": {"email": address(101)}}, False),
    ],
)
def test_klaviyos_schema_agrees(parts: Json, *, fits: bool) -> None:
    body = {"data": event(**parts)}
    assert schema("create_event", CURRENT).is_valid(body) == fits
    assert (refusal(Request("POST", "/api/events", json=body, revision=CURRENT)) is None) == fits


def test_the_body_is_serialised_once() -> None:
    request = Request("POST", "/api/events", json={"data": event()}, revision=CURRENT)
    assert request.body is request.body
    assert orjson.loads(request.body) == request.json


@pytest.mark.parametrize("time", ["1989-12-31T23:59:59Z", "1970-01-20T18:48:08.430Z", "0001-01-01T00:00:00Z"])
def test_a_time_before_1990_is_refused_with_its_place(time: str) -> None:
    profile = {"data": {"type": "profile", "attributes": {"email": "ada@example.com"}}}
    metric = {"data": {"type": "metric", "attributes": {"name": "E"}}}
    attributes = {"properties": {}, "time": time, "metric": metric, "profile": profile}
    reply = refusal(Request("POST", "/api/events", json={"data": {"type": "event", "attributes": attributes}}))
    assert reply is not None
    assert "before 1990" in reply.reason
    assert reply.errors[0].pointer == "/data/attributes/time"
    attributes["time"] = "1990-01-01T00:00:00Z"
    assert refusal(Request("POST", "/api/events", json={"data": {"type": "event", "attributes": attributes}})) is None


@pytest.mark.parametrize("phone", ["+12", "+1617555133312", "6175551333"])
@pytest.mark.parametrize("path", ["/api/profile-import", "/api/profile-bulk-import-jobs"])
def test_a_wrong_phone_number_is_refused_only_where_nothing_else_identifies(phone: str, path: str) -> None:
    def refused(profile_id: str | None = None, **attributes: str) -> bool:
        profile = {"type": "profile", "attributes": {"phone_number": phone, **attributes}}
        data = profile if profile_id is None else {**profile, "id": profile_id}
        job = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": [data]}}}
        body = {"data": data if path == "/api/profile-import" else job}
        return refusal(Request("POST", path, json=body)) is not None

    assert refused()
    assert not refused(email="ada@example.com")
    assert not refused(external_id="u1")
    assert not refused("01H")
