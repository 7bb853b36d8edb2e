"""Klaviyo Bulk Upload: rows of reverse ETL become the profiles of import jobs."""

from typing import Any

import pytest

from klavier import ConfigError, Rehearsal, Response, load_vendor, parse_event, rehearse
from klavier.sandbox import Sandbox
from tests.support.rudderstack import method_and_json

JOBS = "POST /api/profile-bulk-import-jobs"
LIST = {"lists": {"data": [{"type": "list", "id": "L1"}]}}
TRAITS: dict[str, Any] = {
    "email": "ann@shop.test",
    "phone_number": "+14155550100",
    "first_name": "Ann",
    "last_name": "Lee",
    "address1": "1 Main St",
    "city": "Oslo",
    "ip": "213.5.6.41",
    "timezone": "Europe/Oslo",
    "plan": "pro",
}


def row(name: Any = "userId", value: Any = "user1", /, **traits: Any) -> dict[str, Any]:
    ids = [{"type": "KLAVIYO_BULK_UPLOAD-profiles", "identifierType": name, "id": value}]
    return {"type": "identify", "traits": traits, "context": {"mappedToDestination": "true", "externalId": ids}}


def run(*payloads: dict[str, Any], replies: list[Response] | None = None, **settings: Any) -> Rehearsal:
    vendor = load_vendor("rudderstack", {"private_api_key": "pk_x", "bulk_upload": True, **settings})
    return rehearse(vendor, [parse_event(payload) for payload in payloads], replies)


def profiles(result: Rehearsal) -> list[dict[str, Any]]:
    return [each for request in result.requests for each in request.json["data"]["attributes"]["profiles"]["data"]]


def test_the_native_job_has_the_observed_shape() -> None:
    result = run(row(**TRAITS), list_id="L1", wire="native", fidelity="deployed")
    assert [request.revision for request in result.requests] == ["2024-05-15"]
    attributes = {
        "email": "ann@shop.test",
        "phone_number": "+14155550100",
        "first_name": "Ann",
        "last_name": "Lee",
        "location": {"address1": "1 Main St", "city": "Oslo", "ip": "213.5.6.41"},
        "properties": {"timezone": "Europe/Oslo", "plan": "pro"},
        "anonymous_id": "user1",
    }
    job = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": [{"type": "profile", "attributes": attributes}]}},
    }
    assert method_and_json(*result.requests) == [(JOBS, {"data": {**job, "relationships": LIST}})]
    bare = run(row(email="ann@shop.test"), wire="native", fidelity="deployed")
    (data,) = profiles(bare)
    assert data["attributes"] == {"email": "ann@shop.test", "anonymous_id": "user1"}
    assert "relationships" not in bare.requests[0].json["data"]


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
def test_identifier_types(fidelity: str) -> None:
    settings: dict[str, Any] = {"wire": "native", "fidelity": fidelity, "list_id": "L1"}
    (by_id,) = profiles(run(row("id", "01KLAVIYO", plan="pro"), **settings))
    assert (by_id["id"], by_id["attributes"]["anonymous_id"]) == ("01KLAVIYO", "01KLAVIYO")
    (by_email,) = profiles(run(row("email", "ann@shop.test"), **settings))
    assert by_email["attributes"] == {"email": "ann@shop.test", "anonymous_id": "ann@shop.test"}


def test_the_current_wire_has_no_anonymous_id() -> None:
    result = run(row("userId", "user1", email="ann@shop.test"), row("userId", "user2"), list_id="L1")
    assert [each["attributes"] for each in profiles(result)] == [{"email": "ann@shop.test"}, {"external_id": "user2"}]
    assert [bool(outcome.notes) for outcome in result.outcomes] == [True, False]
    assert result.outcomes[0].notes[0].startswith("anonymous_id left out: ")


@pytest.mark.parametrize("name", ["email", "phone_number", "external_id", "_kx"])
def test_an_identifier_that_is_an_attribute_identifies_the_profile(name: str) -> None:
    value = {"email": "ann@shop.test", "phone_number": "+14155550100"}.get(name, "x1")
    result = run(row(name, value, plan="pro"), list_id="L1")
    assert profiles(result)[0]["attributes"] == {name: value, "properties": {"plan": "pro"}}
    assert result.outcomes[0].notes == ()


def test_values_that_klaviyo_refuses_are_left_out_with_a_note() -> None:
    traits = {"email": "ann@shop", "phone_number": "+1 617-555-1333 x12", "title": ["Owner"], "zip": 94103, "city": ""}
    result = run(row("external_id", "x1", **traits), list_id="L1")
    assert profiles(result)[0]["attributes"] == {"external_id": "x1", "location": {"zip": "94103"}}
    assert sorted(note.split(" left out")[0] for note in result.outcomes[0].notes) == ["email", "phone_number", "title"]
    exact = run(row("external_id", "x1", **traits), wire="native", fidelity="deployed")
    sent = profiles(exact)[0]["attributes"]
    assert (sent["email"], sent["location"]) == ("ann@shop", {"zip": 94103})


def test_rejected_events() -> None:
    for payload, reason in (
        ({"type": "track", "event": "Paid", "userId": "u"}, "Event type track is not supported"),
        ({"type": "identify", "traits": {"plan": "pro"}}, "no identifier that Klaviyo accepts: "),
        ({"type": "identify", "traits": {"email": "none"}}, "no identifier that Klaviyo accepts: "),
    ):
        (outcome,) = run(payload, list_id="L1").outcomes
        assert (outcome.kind, outcome.reason.startswith(reason)) == ("rejected", True)
    assert run(row(**TRAITS), private_api_key="").outcomes[0].reason == "Private Api Key is not present"
    disabled = {**row(**TRAITS), "integrations": {"Klaviyo": False}}
    assert run(disabled).outcomes[0].kind == "skipped"


def test_rows_share_a_job_up_to_its_limits() -> None:
    rows = [row("external_id", f"x{number}", plan="pro") for number in range(10_001)]
    result = run(*rows, list_id="L1")
    assert [len(r.json["data"]["attributes"]["profiles"]["data"]) for r in result.requests] == [10_000, 1]
    assert {outcome.kind for outcome in result.outcomes} == {"delivered"}
    large = [row("external_id", f"x{number}", text="x" * 90_000) for number in range(60)]
    result = run(*large, list_id="L1")
    assert [len(r.body) < 5_000_000 for r in result.requests] == [True, True]
    assert len(profiles(result)) == 60


def test_two_rows_of_one_profile_are_in_jobs_of_their_own() -> None:
    rows = [row("external_id", "x1", step=1), row("external_id", "x2"), row("external_id", "x1", step=2)]
    result = run(*rows, list_id="L1")
    jobs = [r.json["data"]["attributes"]["profiles"]["data"] for r in result.requests]
    assert [[each["attributes"]["external_id"] for each in job] for job in jobs] == [["x1", "x2"], ["x1"]]


def test_refused_rows_fail_and_the_others_are_sent_again() -> None:
    error = {
        "code": "invalid",
        "detail": "no",
        "source": {"pointer": "/data/attributes/profiles/data/1/attributes/email"},
    }
    rows = [row("external_id", f"x{number}") for number in range(3)]
    result = run(*rows, list_id="L1", replies=[Response(400, {"errors": [error]})])
    assert [outcome.kind for outcome in result.outcomes] == ["delivered", "failed", "delivered"]
    assert [each["attributes"]["external_id"] for each in profiles(result)] == ["x0", "x1", "x2", "x0", "x2"]


def test_without_a_list_each_row_is_an_import_that_klaviers_bulk_delivery_combines() -> None:
    vendor = load_vendor("rudderstack", {"private_api_key": "pk_x", "bulk_upload": True})
    events = [parse_event(row("email", f"u{number}@shop.test")) for number in range(3)]
    assert [delivery.bulkable for delivery in vendor.deliveries(events)] == [True] * 3
    assert [request.path for request in rehearse(vendor, events).requests] == ["/api/profile-import"] * 3


@pytest.mark.parametrize("list_id", ["", "L1"])
@pytest.mark.parametrize("wire", ["current", "native"])
def test_profiles_arrive_in_the_sandbox(list_id: str, wire: str) -> None:
    sandbox = Sandbox(private_api_key="pk_x", unknown_lists="create")
    settings = {"private_api_key": "pk_x", "bulk_upload": True, "list_id": list_id, "wire": wire}
    vendor = load_vendor("rudderstack", settings)
    rows = [row("email", f"u{number}@shop.test", plan="pro", city="Oslo") for number in range(3)]
    for delivery in vendor.deliveries([parse_event(each) for each in rows]):
        flow = delivery.flow()
        request = next(flow)
        with pytest.raises(StopIteration):
            flow.send(sandbox.send(request))
    stored = sandbox.comparable()
    assert sorted(each["identifiers"]["email"] for each in stored["profiles"]) == [f"u{n}@shop.test" for n in range(3)]
    assert {each["properties"]["plan"] for each in stored["profiles"]} == {"pro"}
    assert {each["location"]["city"] for each in stored["profiles"]} == {"Oslo"}


def test_bulk_upload_has_no_device_mode() -> None:
    with pytest.raises(ConfigError) as caught:
        load_vendor("rudderstack", {"bulk_upload": True, "connection_mode": "device"})
    assert caught.value.problems == ('bulk_upload: has no device mode; set connection_mode to "cloud"',)


@pytest.mark.parametrize("kind", [None, 5, True, ["email"], {"email": 1}])
@pytest.mark.parametrize("wire", ["current", "native"])
@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
def test_an_identifier_of_no_type_that_is_text(kind: Any, wire: str, fidelity: str) -> None:
    (data,) = profiles(run(row(kind, "user1", email="ann@shop.test"), wire=wire, fidelity=fidelity, list_id="L1"))
    assert data["attributes"]["email"] == "ann@shop.test"
