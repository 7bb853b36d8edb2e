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


def test_an_anonymous_profile_is_merged_into_the_identified_one(sandbox: Sandbox) -> None:
    track(sandbox, anonymous_id="a1")
    track(sandbox, email="ada@b.co")
    track(sandbox, email="ada@b.co", anonymous_id="a1")
    assert people(sandbox) == [{"email": "ada@b.co", "anonymous_ids": ["a1"]}]
    assert len(sandbox.state()["events"]) == 3


def test_an_anonymous_profile_gets_the_first_identifier(sandbox: Sandbox) -> None:
    track(sandbox, anonymous_id="a1")
    track(sandbox, email="ada@b.co", anonymous_id="a1")
    track(sandbox, anonymous_id="a1")
    assert people(sandbox) == [{"email": "ada@b.co", "anonymous_ids": ["a1"]}]


def test_the_last_event_is_the_newest_one_of_a_merged_profile_too(sandbox: Sandbox) -> None:
    def last_event() -> str | None:
        data = sandbox.send(upsert(email="ada@b.co")).json["data"]
        return str(data["attributes"]["last_event_date"])

    assert last_event() == "None"
    ada = profile_data(email="ada@b.co")
    for time in ("2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"):
        sandbox.send(event(profile=ada, time=time, unique_id=time))
    assert last_event() == "2026-03-02T00:00:00+00:00"
    device = profile_data(anonymous_id="a1")
    sandbox.send(event(profile=device, time="2026-03-04T00:00:00Z", unique_id="e4"))
    assert last_event() == "2026-03-02T00:00:00+00:00"
    both = profile_data(email="ada@b.co", anonymous_id="a1")
    sandbox.send(event(profile=both, time="2026-03-03T00:00:00Z", unique_id="e3"))
    assert last_event() == "2026-03-04T00:00:00+00:00"


def test_a_shared_device_stays_with_its_first_profile(sandbox: Sandbox) -> None:
    track(sandbox, email="ada@b.co", anonymous_id="a1")
    track(sandbox, email="bob@b.co", anonymous_id="a1")
    assert people(sandbox) == [{"email": "ada@b.co", "anonymous_ids": ["a1"]}, {"email": "bob@b.co"}]


def test_a_profile_may_have_many_devices(sandbox: Sandbox) -> None:
    track(sandbox, email="ada@b.co", anonymous_id="a1")
    track(sandbox, email="ada@b.co", anonymous_id="a2")
    track(sandbox, anonymous_id="a1")
    assert people(sandbox) == [{"email": "ada@b.co", "anonymous_ids": ["a1", "a2"]}]


def test_an_address_and_a_phone_number_in_one_event_make_two_profiles_one(sandbox: Sandbox) -> None:
    track(sandbox, email="ada@b.co")
    track(sandbox, phone_number=PHONE)
    track(sandbox, email="ada@b.co", phone_number=PHONE)
    assert people(sandbox) == [{"email": "ada@b.co", "phone_number": PHONE}]


def test_two_profiles_with_an_address_each_are_not_merged(sandbox: Sandbox) -> None:
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


def test_a_profile_found_by_external_id_gets_an_unused_address(sandbox: Sandbox) -> None:
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


NO_ADDRESSES = (
    "user@domain.c",
    "a..b@c.de",
    ".a@b.co",
    "a.@b.co",
    "mailto:a@b.co",
    "a\u200b@b.co",
    "a@b..co",
    "a@-b.co",
    "a@1.2",
)
NO_NUMBERS = ("+1617555133312", "+4402079460958", "+1", "15005550006", "+15005550006x1", "+999123456789")


@pytest.mark.parametrize("email", NO_ADDRESSES)
def test_what_is_no_address_is_refused(sandbox: Sandbox, email: str) -> None:
    reply = sandbox.send(upsert(email=email))
    assert (reply.status, reply.errors[0].pointer) == (400, "/data/attributes/email")


@pytest.mark.parametrize("email", ["o'brien+tag@shop.test", "zoë@bücher.de", "a@xn--bcher-kva.de", "a_b-c@d.co.uk"])
def test_unusual_addresses_are_accepted(sandbox: Sandbox, email: str) -> None:
    assert sandbox.send(upsert(email=email)).status == 201


@pytest.mark.parametrize("phone", NO_NUMBERS)
def test_an_invalid_number_is_refused_alone_and_dropped_beside_an_address(sandbox: Sandbox, phone: str) -> None:
    reply = sandbox.send(upsert(phone_number=phone))
    assert (reply.status, reply.errors[0].pointer) == (400, "/data/attributes/phone_number")
    reply = sandbox.send(upsert(phone_number=phone, email="ada@b.co"))
    assert (reply.status, reply.headers["x-klaviyo-partial-failure"]) == (201, "phone_number")
