"""Whose event it is, and which profiles one call makes one."""

from typing import Any

import pytest

from klavier.sandbox import Sandbox
from tests.support.klaviyo import event, profile_data, upsert

PHONE = "+15005550006"


def track(sandbox: Sandbox, **identifiers: Any) -> None:
    number = len(sandbox.calls)
    assert sandbox.send(event(profile=profile_data(**identifiers), unique_id=f"e{number}")).status == 202


def people(sandbox: Sandbox) -> list[dict[str, Any]]:
    return sorted((p["identifiers"] for p in sandbox.state()["profiles"]), key=str)


def test_a_device_is_merged_into_the_person_it_turns_out_to_be(sandbox: Sandbox) -> None:
    track(sandbox, anonymous_id="a1")
    track(sandbox, email="ada@b.co")
    track(sandbox, email="ada@b.co", anonymous_id="a1")
    assert people(sandbox) == [{"email": "ada@b.co", "anonymous_ids": ["a1"]}]
    assert len(sandbox.state()["events"]) == 3


def test_a_device_becomes_the_person_who_was_not_known_before(sandbox: Sandbox) -> None:
    track(sandbox, anonymous_id="a1")
    track(sandbox, email="ada@b.co", anonymous_id="a1")
    track(sandbox, anonymous_id="a1")
    assert people(sandbox) == [{"email": "ada@b.co", "anonymous_ids": ["a1"]}]


def test_a_shared_device_stays_with_its_first_person(sandbox: Sandbox) -> None:
    track(sandbox, email="ada@b.co", anonymous_id="a1")
    track(sandbox, email="bob@b.co", anonymous_id="a1")
    assert people(sandbox) == [{"email": "ada@b.co", "anonymous_ids": ["a1"]}, {"email": "bob@b.co"}]


def test_a_person_has_many_devices(sandbox: Sandbox) -> None:
    track(sandbox, email="ada@b.co", anonymous_id="a1")
    track(sandbox, email="ada@b.co", anonymous_id="a2")
    track(sandbox, anonymous_id="a1")
    assert people(sandbox) == [{"email": "ada@b.co", "anonymous_ids": ["a1", "a2"]}]


def test_an_address_and_a_phone_number_in_one_event_make_two_profiles_one(sandbox: Sandbox) -> None:
    track(sandbox, email="ada@b.co")
    track(sandbox, phone_number=PHONE)
    track(sandbox, email="ada@b.co", phone_number=PHONE)
    assert people(sandbox) == [{"email": "ada@b.co", "phone_number": PHONE}]


def test_two_people_with_an_address_each_stay_two(sandbox: Sandbox) -> None:
    track(sandbox, email="ada@b.co")
    track(sandbox, email="bob@b.co", phone_number=PHONE)
    track(sandbox, email="ada@b.co", phone_number=PHONE)
    assert people(sandbox) == [{"email": "ada@b.co"}, {"email": "bob@b.co", "phone_number": PHONE}]
    assert [e["profile"] for e in sandbox.state()["events"]].count(sandbox.state()["profiles"][0]["id"]) == 2


def test_an_external_id_takes_no_part_in_merging(sandbox: Sandbox) -> None:
    track(sandbox, external_id="u1")
    track(sandbox, email="ada@b.co")
    track(sandbox, email="ada@b.co", external_id="u1")
    assert people(sandbox) == [{"email": "ada@b.co"}, {"external_id": "u1"}]


def test_an_external_id_is_found_and_gets_an_address_nobody_has(sandbox: Sandbox) -> None:
    track(sandbox, external_id="u1")
    track(sandbox, external_id="u1", email="ada@b.co")
    assert people(sandbox) == [{"email": "ada@b.co", "external_id": "u1"}]


@pytest.mark.parametrize("kind", ["email", "phone_number", "external_id", "anonymous_id", "_kx"])
def test_each_identifier_finds_its_profile(sandbox: Sandbox, kind: str) -> None:
    values = {"email": "ada@b.co", "phone_number": PHONE, "external_id": "u1", "anonymous_id": "a1", "_kx": "k1"}
    track(sandbox, **values)
    track(sandbox, **{kind: values[kind]})
    assert len(people(sandbox)) == 1


def test_an_event_by_klaviyos_id(sandbox: Sandbox) -> None:
    found = sandbox.send(upsert(email="ada@b.co")).data_id
    assert sandbox.send(event(profile=profile_data(found))).status == 202
    assert sandbox.state()["events"][0]["profile"] == found


def test_an_event_of_an_unknown_id_is_accepted_and_lost(sandbox: Sandbox) -> None:
    assert sandbox.send(event(profile=profile_data("01NOBODY"))).status == 202
    assert (sandbox.state()["profiles"], sandbox.state()["events"]) == ([], [])


def test_attributes_of_an_event_update_the_profile(sandbox: Sandbox) -> None:
    sandbox.send(upsert(email="ada@b.co", first_name="Ada", properties={"a": 1}))
    sandbox.send(event(profile=profile_data(email="ada@b.co", last_name="King", properties={"b": 2})))
    (profile,) = sandbox.state()["profiles"]
    assert profile["attributes"] == {"first_name": "Ada", "last_name": "King"}
    assert profile["properties"] == {"a": 1, "b": 2}


def test_upserting_with_a_device_merges_what_it_did(sandbox: Sandbox) -> None:
    track(sandbox, anonymous_id="a1")
    assert sandbox.send(upsert(revision="2025-07-15", email="ada@b.co", anonymous_id="a1")).status == 200
    assert people(sandbox) == [{"email": "ada@b.co", "anonymous_ids": ["a1"]}]
