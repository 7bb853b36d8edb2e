"""The filter language, and the pages of what it finds."""

import string
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.sandbox import FakeClock, Sandbox
from klavier.sandbox.filters import Condition, read_filter
from klavier.sandbox.refused import RefusedError
from tests.support.klaviyo import create, get

FIELDS = {"email": frozenset({"any", "equals"}), "created": frozenset({"greater-than"})}


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ('equals(email,"a@b.co")', [("equals", "email", ("a@b.co",))]),
        ("equals(email,'a@b.co')", [("equals", "email", ("a@b.co",))]),
        (' any( email , [ "a" , "b" ] ) ', [("any", "email", ("a", "b"))]),
        (r'equals(email,"say \"hi\" \\ \x")', [("equals", "email", ('say "hi" \\ x',))]),
        (r"equals(email,'it\'s')", [("equals", "email", ("it's",))]),
        ('equals(email,"a,b)]")', [("equals", "email", ("a,b)]",))]),
        ("greater-than(created,2026-01-01T00:00:00Z)", [("greater-than", "created", ("2026-01-01T00:00:00Z",))]),
        ('equals(email,"a"),any(email,["b"])', [("equals", "email", ("a",)), ("any", "email", ("b",))]),
        ('and(equals(email,"a"),equals(email,"b"))', [("equals", "email", ("a",)), ("equals", "email", ("b",))]),
    ],
)
def test_reading(text: str, conditions: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert read_filter(text, FIELDS) == [Condition(*parts) for parts in conditions]


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
    ],
)
def test_refusing(sandbox: Sandbox, text: str) -> None:
    with pytest.raises(RefusedError):
        read_filter(text, FIELDS)
    response = sandbox.send(get("/api/profiles", {"filter": text}))
    assert (response.status, response.errors[0].pointer) == (400, "filter")


@given(st.lists(st.text(), min_size=1))
def test_every_text_can_be_quoted(values: list[str]) -> None:
    quoted = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    assert read_filter(f"any(email,[{quoted}])", FIELDS) == [Condition("any", "email", tuple(values))]


@given(st.text(alphabet=string.printable))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        conditions = read_filter(text, FIELDS)
    except RefusedError:
        return
    assert all(condition.field in FIELDS for condition in conditions)


def emails(sandbox: Sandbox, text: str) -> list[str]:
    document = sandbox.send(get("/api/profiles", {"filter": text})).json
    return [profile["attributes"]["email"] for profile in document["data"]]


def test_finding_people(sandbox: Sandbox) -> None:
    ids = [sandbox.send(create(email=f"p{n}@b.co", external_id=f'u"{n}')).data_id for n in range(3)]
    sandbox.send(create(phone_number="+15005550006"))
    assert emails(sandbox, 'any(email,["P1@B.co","p2@b.co","p9@b.co"])') == ["p1@b.co", "p2@b.co"]
    assert emails(sandbox, f'equals(id,"{ids[0]}")') == ["p0@b.co"]
    assert emails(sandbox, r'equals(external_id,"u\"2")') == ["p2@b.co"]
    assert emails(sandbox, 'any(phone_number,["+15005550006"])') == [None]
    assert emails(sandbox, 'any(phone_number,[" 15005550006"])') == []
    assert emails(sandbox, 'equals(email,"p0@b.co"),equals(external_id,"u1")') == []
    assert sandbox.send(get("/api/profiles", {"filter": 'any(_kx,["k"])'})).status == 400


def test_finding_people_by_age(sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.send(create(email="old@b.co"))
    clock.advance(3600)
    sandbox.send(create(email="new@b.co"))
    assert emails(sandbox, "greater-than(created,2026-11-21T00:30:00Z)") == ["new@b.co"]
    assert emails(sandbox, "less-or-equal(updated,2026-11-21T00:00:00Z)") == ["old@b.co"]
    assert emails(sandbox, "less-than(created,soon)") == []


def test_pages_of_people(sandbox: Sandbox) -> None:
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
