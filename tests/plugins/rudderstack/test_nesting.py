"""Dots in keys: objects that they open, and names that several members have once they are flattened."""

from typing import Any

import pytest

from klavier import load_vendor, parse_event, rehearse
from klavier_rudderstack.values.nesting import Nesting

TWINS = {"a": {"b": 1, "c": 1}, "a.b": 2, "a.c": 1}


def test_an_object_is_copied_once_however_many_keys_it_gets() -> None:
    given = {"x": 1}
    target: dict[str, Any] = {"a": given}
    nesting = Nesting(target, nests=True)
    nesting.put("a.y", 2)
    inner = target["a"]
    nesting.put("a.z", 3)
    assert target["a"] is inner
    assert (inner, given) == ({"x": 1, "y": 2, "z": 3}, {"x": 1})
    nesting.put("a", given)
    nesting.put("a.y", 4)
    assert (target, given) == ({"a": {"x": 1, "y": 4}}, {"x": 1})


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"type": "track", "event": "Paid", "properties": TWINS}, "properties"),
        ({"type": "identify", "traits": TWINS}, "traits"),
        ({"type": "track", "event": "Paid", "context": {"traits": TWINS}}, "traits"),
    ],
)
def test_a_name_that_two_members_have_when_flattened_is_noted(
    version: str, members: dict[str, Any], place: str
) -> None:
    settings = {"private_api_key": "pk_x", "api_version": version, "flatten_properties": True}
    found = rehearse(load_vendor("rudderstack", settings), [parse_event({"userId": "u1", **members})])
    assert "'a.b': 2" in str(found.requests[0].json)
    note = f"{place}.a.b left out: another member has the same name when flattened"
    assert [outcome.notes for outcome in found.outcomes] == [(note,)]


def test_thousands_of_lost_members_get_a_few_notes() -> None:
    twins = {"a": {str(number): 1 for number in range(5000)}} | {f"a.{number}": 2 for number in range(5000)}
    settings = {"private_api_key": "pk_x", "flatten_properties": True, "api_version": "v3"}
    event = parse_event({"type": "track", "event": "Paid", "userId": "u1", "context": {"traits": twins}})
    (outcome,) = rehearse(load_vendor("rudderstack", settings), [event]).outcomes
    assert len(outcome.notes) == 21
    assert outcome.notes[-1] == "4980 further members left out for the same reason"
