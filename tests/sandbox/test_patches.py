"""`meta`: appending, unappending, unsetting, and where it may stand in which revision."""

from typing import Any

import pytest

from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from tests.support.klaviyo import bulk_events, bulk_import, event, event_attributes, group, patch, profile_data, upsert

META = {"patch_properties": {"append": {"skus": "b"}, "unset": "old"}}


def patches(**parts: Any) -> dict[str, Any]:
    return {"patch_properties": parts}


def properties(sandbox: Sandbox) -> Any:
    return sandbox.state()["profiles"][0]["properties"]


@pytest.mark.parametrize(
    ("before", "patch_properties", "after"),
    [
        ({}, {"append": {"skus": "a"}}, {"skus": ["a"]}),
        ({"skus": "a"}, {"append": {"skus": "b"}}, {"skus": ["a", "b"]}),
        ({"skus": ["a"]}, {"append": {"skus": ["b", "a", "c"]}}, {"skus": ["a", "b", "c"]}),
        ({"skus": ["a", "b"]}, {"unappend": {"skus": "a"}}, {"skus": ["b"]}),
        ({"skus": ["a", "b", "c"]}, {"unappend": {"skus": ["a", "c"]}}, {"skus": ["b"]}),
        ({"x": 1}, {"unappend": {"skus": "a"}}, {"x": 1}),
        ({"a": 1, "b": 2}, {"unset": "a"}, {"b": 2}),
        ({"a": 1, "b": 2, "c": 3}, {"unset": ["a", "b", "never"]}, {"c": 3}),
        ({"a": 1}, {"append": None, "unappend": None, "unset": None}, {"a": 1}),
    ],
)
def test_patching(sandbox: Sandbox, before: Any, patch_properties: Any, after: Any) -> None:
    sandbox.send(upsert(email="ada@b.co", properties=before))
    assert sandbox.send(upsert(email="ada@b.co", meta=patches(**patch_properties))).status == 200
    assert properties(sandbox) == after


def test_patching_twice_is_patching_once(sandbox: Sandbox) -> None:
    for _ in range(2):
        sandbox.send(upsert(email="ada@b.co", meta=META))
    assert properties(sandbox) == {"skus": ["b"]}


def test_secondary_addresses(sandbox: Sandbox) -> None:
    sandbox.send(upsert(email="ada@b.co", meta={"patch_identifiers": {"append": {"email": ["A@c.co", "b@c.co"]}}}))
    sandbox.send(upsert(email="ada@b.co", meta={"patch_identifiers": {"unappend": {"email": "b@c.co"}}}))
    assert sandbox.state()["profiles"][0]["identifiers"]["secondary_emails"] == ["a@c.co"]


def inside(revision: str) -> Request:
    profile = profile_data(email="ada@b.co")
    profile["attributes"]["meta"] = META
    return event(profile=profile, revision=revision)


def beside(revision: str) -> Request:
    return event(profile=profile_data(meta=META, email="ada@b.co"), revision=revision)


@pytest.mark.parametrize(
    ("revision", "good", "bad"),
    [
        ("2023-07-15", beside, inside),
        ("2024-02-15", inside, beside),
        ("2024-10-15", inside, beside),
        ("2025-01-15", inside, beside),
        ("2026-07-15", inside, beside),
        (CURRENT, beside, inside),
    ],
)
def test_where_an_events_meta_stands(sandbox: Sandbox, revision: str, good: Any, bad: Any) -> None:
    assert sandbox.send(bad(revision)).status == 400
    assert sandbox.state()["profiles"] == []
    assert sandbox.send(good(revision)).status == 202
    assert properties(sandbox) == {"skus": ["b"]}


@pytest.mark.parametrize("revision", ["2025-01-15", "2026-07-15", "2026-10-15"])
def test_in_bulk_and_on_profiles_meta_stands_beside_the_attributes(sandbox: Sandbox, revision: str) -> None:
    data = profile_data(meta=META, email="ada@b.co")
    assert sandbox.send(bulk_import(data, revision=revision)).status == 202
    assert properties(sandbox) == {"skus": ["b"]}
    sandbox.reset()
    assert sandbox.send(bulk_events(group(data, event_attributes()), revision=revision)).status == 202
    assert properties(sandbox) == {"skus": ["b"]}
    found = sandbox.state()["profiles"][0]["id"]
    assert sandbox.send(patch(found, meta={"patch_properties": {"unset": ["skus"]}}, revision=revision)).status == 200
    assert properties(sandbox) == {}
