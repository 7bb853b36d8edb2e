"""Dots in keys: objects that they open, and names that several members have once they are flattened."""

from typing import Any

import pytest

from klavier import load_vendor, parse_event, rehearse
from klavier_rudderstack.values.nesting import Nesting, is_plain
from tests.support.rudderstack import outcome, profile

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
    assert (target, given) == ({"a": {"x": 1, "y": 4, "z": 3}}, {"x": 1})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"a.b": 1, "a.c": 2}, {"a": {"b": 1, "c": 2}}),
        ({"items.0.sku": "x", "items.1.sku": "y"}, {"items": [{"sku": "x"}, {"sku": "y"}]}),
        ({"items.1": 2, "items.0": 1}, {"items": [1, 2]}),
        ({"items.2": 2}, {"items": [None, None, 2]}),
        ({"items": [1], "items.name": 2}, {"items": [1]}),
        ({"items": {"a": 1}, "items.0": 2}, {"items": [2]}),
        ({"a": "text", "a.b": 1}, {"a": {"b": 1}}),
        (
            {"007": 1, " 8 ": 2, "1e3": 3, "0x10": 4, "1.5": 5},
            {"7": 1, "8": 2, "1000": 3, "16": 4, "1": [None] * 5 + [5]},
        ),
        ({"-1": 1, "1_000": 2, "Infinity": 3, "9" * 401: 4}, {"-1": 1, "1_000": 2, "Infinity": 3, "9" * 401: 4}),
        ({"trailing.": 1, ".": 2, ".a": 3}, {"trailing": 1, "": {"a": 3}}),
        ({r"a\.b": 1, r"c\.d.e": 2, "f\\": 3}, {"a.b": 1, "c.d": {"e": 2}, "fundefined": 3}),
        ({"https://a.b/c": 1, "x.y/z.0": 2}, {"https://a.b/c": 1, "x.y/z.0": 2}),
        ({"": 1, "__proto__": 2, "constructor": 3, "a.prototype.b": 4}, {"a": {}}),
        ({"a.4294967295": 1, "b.1e21": 2}, {"a": {"4294967295": 1}, "b": {"1e+21": 2}}),
        ({"a.99999": 1, "a.0": 2}, {"a": [2]}),
    ],
)
def test_a_key_is_a_path(keys: dict[str, Any], expected: dict[str, Any]) -> None:
    target: dict[str, Any] = {}
    nesting = Nesting(target, nests=True, keys=len(keys))
    for key, value in keys.items():
        nesting.put(key, value)
    assert target == expected
    assert not is_plain(keys)
    found = profile({"type": "identify", "userId": "u", "traits": keys}, fidelity="deployed")["properties"]
    assert found == expected


def test_plain_keys_are_their_own_path() -> None:
    keys = {"plan": 1, "Custom Key": 2, "$source": 3, "üñï": 4, "_a": 5, "x-1": 6}
    assert is_plain(keys)
    assert profile({"type": "identify", "userId": "u", "traits": keys}, fidelity="deployed")["properties"] == keys


def test_indexes_far_apart_take_no_memory() -> None:
    keys = {f"k{number}.{number}": 1 for number in range(3000)}
    target: dict[str, Any] = {}
    nesting = Nesting(target, nests=True, keys=len(keys))
    for key, value in keys.items():
        nesting.put(key, value)
    assert sum(map(len, target.values())) < 3 * len(keys)


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_a_trait_without_a_place_is_noted(version: str) -> None:
    payload = {"type": "identify", "userId": "u", "traits": {"constructor": 1, "plan": "pro"}}
    note = "traits.constructor left out: RudderStack does not send this trait of identify calls"
    assert outcome(payload, api_version=version, fidelity="deployed").notes == (note,)
    assert outcome(payload, api_version=version).notes == ()


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_parts_of_an_address_may_be_spelled_out_as_deployed(version: str) -> None:
    traits = {"address.city": "Kyoto", "address.postalcode": "600", "city": ""}
    payload = {"type": "identify", "userId": "u", "traits": traits}
    found = profile(payload, api_version=version, fidelity="deployed")
    assert found["location"] == {"city": "Kyoto", "zip": "600"}
    assert found["properties"] == {"address": {"city": "Kyoto", "postalcode": "600"}}
    payload["traits"] = {**traits, "address": {}}
    assert "location" not in profile(payload, api_version=version, fidelity="deployed")
    assert "location" not in profile(payload, api_version=version)


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
