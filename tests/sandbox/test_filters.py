"""The filter language, and the pages of what it finds."""

import string
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.sandbox import FakeClock, Sandbox
from klavier.sandbox.errors import RefusedError
from klavier.sandbox.filters import EXACT, RANGE, Field, read_filter, select
from tests.support.klaviyo import create, get


def read(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda row: row.get(name)


FIELDS = {
    "email": Field("address", EXACT, read("email")),
    "name": Field("text", EXACT, read("name")),
    "created": Field("time", RANGE, read("created")),
    "value": Field("number", RANGE, read("value")),
    "active": Field("boolean", frozenset({"equals"}), read("active")),
    "metric": Field("relationship", frozenset({"has"}), read("metric")),
}
TIME = 1_795_219_200


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ('equals(name,"a@b.co")', [("equals", "name", ("a@b.co",))]),
        ("equals(name,'a@b.co')", [("equals", "name", ("a@b.co",))]),
        ('equals(email,"A@B.co")', [("equals", "email", ("a@b.co",))]),
        (' any( name , [ "a" , "b" ] ) ', [("any", "name", ("a", "b"))]),
        (r'equals(name,"say \"hi\" \\ \x")', [("equals", "name", ('say "hi" \\ x',))]),
        (r"equals(name,'it\'s')", [("equals", "name", ("it's",))]),
        ('equals(name,"a,b)]")', [("equals", "name", ("a,b)]",))]),
        ("greater-than(created,2026-11-21T00:00:00Z)", [("greater-than", "created", (TIME,))]),
        ("less-or-equal(value,2.5)", [("less-or-equal", "value", (2.5,))]),
        ("equals(active,true)", [("equals", "active", (True,))]),
        ("has(metric)", [("has", "metric", ())]),
        ('equals(name,"a"),any(name,["b"])', [("equals", "name", ("a",)), ("any", "name", ("b",))]),
        ('and(equals(name,"a"),equals(name,"b"))', [("equals", "name", ("a",)), ("equals", "name", ("b",))]),
    ],
)
def test_filters_are_read(text: str, conditions: list[tuple[str, str, tuple[Any, ...]]]) -> None:
    found = read_filter(text, FIELDS)
    assert [(condition.operator, condition.name, condition.values) for condition in found] == conditions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('equals(email,"A@b.co")', ["both"]),
        ("greater-than(created,2026-11-21T00:00:00Z)", []),
        ("greater-or-equal(created,2026-11-21T00:00:00Z)", ["both"]),
        ("less-than(value,3),greater-than(value,1)", ["both", "neither"]),
        ("has(metric)", ["both"]),
        ("equals(active,false)", ["neither"]),
        ('any(name,["both","neither"])', ["both", "neither"]),
    ],
)
def test_rows_are_selected(text: str, names: list[str]) -> None:
    rows = [
        {"name": "both", "email": "a@b.co", "created": TIME, "value": 2, "active": True, "metric": "m"},
        {"name": "neither", "value": 2, "active": False},
        {},
    ]
    assert [row.get("name") for row in select(rows, read_filter(text, FIELDS))] == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "email",
        'equals(email,"a"',
        'equals(email,"a)',
        'equals(email "a")',
        'any(email,"a")',
        "any(email,[])",
        'any(email,["a"]',
        'equals(email,"a") or equals(email,"b")',
        'equals(email,"a"),',
        'contains(email,"a")',
        'equals(first_name,"a")',
        'equals(email,"a"")',
        'any(email,["a"],["b"])',
        "equals(email,a@b.co)",
        'greater-than(created,"2026-01-01T00:00:00Z")',
        "greater-than(created,soon)",
        "equals(email)",
        "and(and(has(metric)))",
        "has(metric,1)",
    ],
)
def test_malformed_filters_are_refused(sandbox: Sandbox, text: str) -> None:
    with pytest.raises(RefusedError):
        read_filter(text, FIELDS)
    response = sandbox.send(get("/api/profiles", {"filter": text}))
    assert (response.status, response.errors[0].pointer) == (400, "filter")


@given(st.lists(st.text(), min_size=1))
def test_every_text_can_be_quoted(values: list[str]) -> None:
    quoted = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    (condition,) = read_filter(f"any(name,[{quoted}])", FIELDS)
    assert condition.values == tuple(values)


@given(st.text(alphabet=string.printable))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        conditions = read_filter(text, FIELDS)
    except RefusedError:
        return
    assert all(condition.name in FIELDS for condition in conditions)


def emails(sandbox: Sandbox, text: str) -> list[str]:
    document = sandbox.send(get("/api/profiles", {"filter": text})).json
    return [profile["attributes"]["email"] for profile in document["data"]]


def test_profiles_are_found_by_identifier(sandbox: Sandbox) -> None:
    ids = [sandbox.send(create(email=f"p{n}@b.co", external_id=f'u"{n}')).data_id for n in range(3)]
    sandbox.send(create(phone_number="+15005550006"))
    assert emails(sandbox, 'any(email,["P1@B.co","p2@b.co","p9@b.co"])') == ["p1@b.co", "p2@b.co"]
    assert emails(sandbox, f'equals(id,"{ids[0]}")') == ["p0@b.co"]
    assert emails(sandbox, r'equals(external_id,"u\"2")') == ["p2@b.co"]
    assert emails(sandbox, 'any(phone_number,["+15005550006"])') == [None]
    assert emails(sandbox, 'any(phone_number,[" 15005550006"])') == []
    assert emails(sandbox, 'equals(email,"p0@b.co"),equals(external_id,"u1")') == []
    assert sandbox.send(get("/api/profiles", {"filter": 'any(_kx,["k"])'})).status == 400


def test_profiles_are_found_by_time(sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.send(create(email="old@b.co"))
    clock.advance(3600)
    sandbox.send(create(email="new@b.co"))
    assert emails(sandbox, "greater-than(created,2026-11-21T00:30:00Z)") == ["new@b.co"]
    assert emails(sandbox, "less-than(updated,2026-11-21T00:30:00Z)") == ["old@b.co"]


def test_profiles_come_in_pages(sandbox: Sandbox) -> None:
    for n in range(45):
        sandbox.send(create(external_id=f"u{n}"))
    document = sandbox.send(get("/api/profiles", {"page[size]": "40"})).json
    assert (len(document["data"]), document["links"]["prev"]) == (40, None)
    query = parse_qs(urlsplit(document["links"]["next"]).query)
    rest = sandbox.send(get("/api/profiles", {key: value[0] for key, value in query.items()})).json
    assert (len(rest["data"]), rest["links"]["next"]) == (5, None)
    assert {p["id"] for p in document["data"] + rest["data"]} == {p["id"] for p in sandbox.state()["profiles"]}
    assert rest["links"]["prev"]


@pytest.mark.parametrize(
    ("name", "value"), [("page[size]", "0"), ("page[size]", "101"), ("page[size]", "x"), ("page[cursor]", "x")]
)
def test_bad_pages(sandbox: Sandbox, name: str, value: str) -> None:
    response = sandbox.send(get("/api/profiles", {name: value}))
    assert (response.status, response.errors[0].pointer) == (400, name)
