"""Importing many profiles in one job."""

from typing import Any

import pytest

from klavier.sandbox import FakeClock, Sandbox
from tests.support.klaviyo import bulk_import, create, get, profile_data, upsert


def job(sandbox: Sandbox, job_id: str | None) -> Any:
    return sandbox.send(get(f"/api/profile-bulk-import-jobs/{job_id}")).json["data"]["attributes"]


def test_a_job_is_queued_and_then_complete(sandbox: Sandbox) -> None:
    response = sandbox.send(bulk_import(profile_data(email="ada@b.co"), profile_data(external_id="u2")))
    assert response.status == 202
    assert response.json["data"]["attributes"]["status"] == "queued"
    found = job(sandbox, response.data_id)
    assert (found["status"], found["total_count"], found["completed_count"]) == ("complete", 2, 2)
    assert len(sandbox.state()["profiles"]) == 2


def test_an_import_is_its_upserts_one_by_one(sandbox: Sandbox, clock: FakeClock) -> None:
    rows = [profile_data(email=f"p{n % 3}@b.co", properties={"n": n}, first_name=f"N{n}") for n in range(5)]
    sandbox.send(bulk_import(*rows))
    singles = Sandbox(clock=clock)
    for row in rows:
        singles.send(upsert(**row["attributes"]))
    assert sandbox.comparable() == singles.comparable()


def test_nulls_are_ignored(sandbox: Sandbox) -> None:
    sandbox.send(
        upsert(email="ada@b.co", external_id="u1", title="Countess", location={"zip": "W1"}, properties={"a": 1})
    )
    before = sandbox.comparable()
    nothing = profile_data(email="ada@b.co", external_id=None, title=None, location=None, properties={"a": None})
    assert sandbox.send(bulk_import(nothing)).status == 202
    assert sandbox.comparable() == before


def test_imported_into_lists_without_consent(sandbox: Sandbox) -> None:
    one, two = sandbox.add_list("One"), sandbox.add_list("Two")
    sandbox.send(bulk_import(profile_data(email="ada@b.co"), lists=(one, two)))
    (profile,) = sandbox.state()["profiles"]
    assert profile["lists"] == sorted([one, two])
    assert profile["subscriptions"] == {}


def test_an_unknown_list_refuses_the_job(sandbox: Sandbox) -> None:
    response = sandbox.send(bulk_import(profile_data(email="ada@b.co"), lists=("NOLIST",)))
    assert (response.status, response.errors[0].pointer) == (400, "/data/relationships/lists/data/0/id")
    assert sandbox.state()["profiles"] == []


def test_a_bad_row_refuses_the_job(sandbox: Sandbox) -> None:
    rows = [
        profile_data(email="ada@b.co"),
        profile_data(email="bob"),
        profile_data(first_name="x"),
        profile_data(external_id="u", x=1),
    ]
    response = sandbox.send(bulk_import(*rows))
    assert [error.pointer for error in response.errors] == [
        "/data/attributes/profiles/data/1/attributes/email",
        "/data/attributes/profiles/data/2/attributes",
        "/data/attributes/profiles/data/3/attributes/x",
    ]
    assert response.status == 400
    assert sandbox.state()["profiles"] == []


def test_rows_in_conflict_become_import_errors(sandbox: Sandbox) -> None:
    sandbox.send(create(email="ada@b.co"))
    sandbox.send(create(phone_number="+15005550006"))
    clash = profile_data(email="ada@b.co", phone_number="+15005550006")
    unknown = profile_data("01NOBODY", email="carol@b.co")
    response = sandbox.send(bulk_import(clash, profile_data(email="bob@b.co"), unknown))
    found = job(sandbox, response.data_id)
    assert (found["completed_count"], found["failed_count"]) == (1, 2)
    path = f"/api/profile-bulk-import-jobs/{response.data_id}/import-errors"
    errors = [error["attributes"] for error in sandbox.send(get(path)).json["data"]]
    assert [error["code"] for error in errors] == ["duplicate_profile", "not_found"]
    assert errors[0]["original_payload"] == clash
    assert sandbox.profile("bob@b.co")


def test_a_job_that_is_not_there(sandbox: Sandbox) -> None:
    assert sandbox.send(get("/api/profile-bulk-import-jobs/none")).status == 404
    assert sandbox.send(get("/api/profile-bulk-import-jobs/none/import-errors")).status == 404


@pytest.mark.parametrize(("count", "status"), [(0, 400), (10_000, 202), (10_001, 400)])
def test_how_many_profiles_a_job_takes(sandbox: Sandbox, count: int, status: int) -> None:
    rows = [profile_data(external_id=f"u{n}") for n in range(count)]
    assert sandbox.send(bulk_import(*rows)).status == status
    assert len(sandbox.state()["profiles"]) == (count if status == 202 else 0)
