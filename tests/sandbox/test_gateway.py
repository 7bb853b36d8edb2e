"""Keys, revisions, content types, sizes, paths: all that comes before an operation."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.errors import UsageError
from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from tests.support.klaviyo import event, get, post, profile_data, upsert

HEADERS = {
    "Authorization": "Klaviyo-API-Key pk_sandbox",
    "revision": CURRENT,
    "Content-Type": "application/vnd.api+json",
}
BODY = upsert(email="ada@b.co").body


def call(
    sandbox: Sandbox, body: bytes = BODY, path: str = "/api/profile-import", method: str = "POST", **headers: Any
) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in {**HEADERS, **named}.items() if value is not None}
    status, answered, answer = sandbox.handle(method, path, "", sent, body)
    if status >= 400:
        (error, *_) = json.loads(answer)["errors"]
        assert error["status"] == status
        assert error["id"]
        assert error["code"]
        assert error["title"]
        assert error["detail"]
        assert answered["content-type"] == "application/vnd.api+json"
    return status


@pytest.mark.parametrize(
    "key", [None, "", "pk_sandbox", "Bearer pk_sandbox", "Klaviyo-API-Key", "Klaviyo-API-Key pk_other"]
)
def test_the_key_is_asked_for(sandbox: Sandbox, key: str | None) -> None:
    assert call(sandbox, Authorization=key) == 401
    assert sandbox.state()["profiles"] == []


def test_any_key_will_do_where_none_is_set() -> None:
    sandbox = Sandbox(private_api_key=None)
    assert call(sandbox, Authorization="Klaviyo-API-Key pk_other") == 201
    assert call(sandbox, Authorization=None) == 401
    assert sandbox.send(upsert(email="bob@b.co")).status == 201


def test_the_revision_is_asked_for(sandbox: Sandbox) -> None:
    assert call(sandbox, revision=None) == 400


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.api+json; charset=utf-8", "Application/JSON"])
def test_content_types(sandbox: Sandbox, kind: str) -> None:
    assert call(sandbox, Content_Type=kind) == 201


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_other_content_types(sandbox: Sandbox, kind: str | None) -> None:
    assert call(sandbox, Content_Type=kind) == 415


def test_gzip(sandbox: Sandbox) -> None:
    assert call(sandbox, gzip.compress(BODY), Content_Encoding="gzip") == 201
    assert call(sandbox, BODY, Content_Encoding="gzip") == 400
    assert call(sandbox, gzip.compress(BODY)[:-8], Content_Encoding="gzip") == 400  # its end is missing
    assert call(sandbox, BODY, Content_Encoding="br") == 415
    assert call(sandbox, BODY, Content_Encoding="identity") == 200


def test_5_mb(sandbox: Sandbox) -> None:
    filling = b" " * (5_000_000 - len(BODY))
    assert call(sandbox, BODY + filling) == 201
    assert call(sandbox, BODY + filling + b" ") == 413
    assert call(sandbox, gzip.compress(BODY + filling), Content_Encoding="gzip") == 200
    assert call(sandbox, gzip.compress(BODY + filling + b" "), Content_Encoding="gzip") == 413


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"data": NaN}', b"[]", b"null", b'"x"', b'{"data": []}'])
def test_bodies_that_are_none(sandbox: Sandbox, body: bytes) -> None:
    assert call(sandbox, body) == 400


_NAMES = st.sampled_from(["data", "type", "attributes", "profile", "x"])
_JSON = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(_NAMES, inner | st.none(), max_size=3),
)


@given(_JSON)
def test_any_json_is_answered(document: Any) -> None:
    sandbox = Sandbox()
    paths = (
        "/api/events",
        "/api/profiles",
        "/api/event-bulk-create-jobs",
        "/api/profile-subscription-bulk-create-jobs",
    )
    for path in paths:
        for revision in ("2023-02-22", CURRENT):
            response = sandbox.send(post(path, document, revision))
            assert response.status in (400, 404)
            assert response.errors
    assert sandbox.state()["profiles"] == []


@given(st.binary(max_size=60), st.sampled_from(["/api/track", "/api/v1/list/L/members", "/api/v2/list/L/members"]))
def test_any_bytes_are_answered(body: bytes, path: str) -> None:
    sandbox = Sandbox(unknown_lists="create")
    status, _, _ = sandbox.handle("POST", path, "", {"content-type": "application/x-www-form-urlencoded"}, body)
    assert status in (200, 400, 403)


def test_paths(sandbox: Sandbox) -> None:
    assert call(sandbox, path="/api/profile-import/") == 201
    assert call(sandbox, path="/api/nonsense") == 404
    assert call(sandbox, path="/") == 404
    assert call(sandbox, path="/api/profiles/x/y") == 404
    assert call(sandbox, path="/api/profile-import", method="PUT") == 405
    assert call(sandbox, path="/api/profiles/x", method="DELETE") == 405


def test_the_account(sandbox: Sandbox) -> None:
    (account,) = sandbox.send(get("/api/accounts")).json["data"]
    assert (account["id"], account["attributes"]["public_api_key"]) == ("SNDBX1", "SNDBX1")


# Revisions ----------------------------------------------------------------------------------------------------------


def old_event() -> Request:
    attributes = {"profile": {"$email": "ada@b.co"}, "metric": {"name": "Ordered"}, "properties": {}}
    return post("/api/events", {"data": {"type": "event", "attributes": attributes}}, "2023-02-22")


def test_a_retired_revision_has_its_own_rules_unless_it_falls_forward() -> None:
    assert Sandbox().send(old_event()).status == 202
    today = Sandbox(retired="fall-forward")
    assert today.send(old_event()).status == 400
    assert today.send(event(revision="2023-02-22")).status == 202
    assert today.send(event(revision="2024-10-15")).status == 202


def test_falling_forward_can_be_refused() -> None:
    sandbox = Sandbox(retired="fall-forward")
    opt_out: dict[str, Any] = {"X_Klaviyo_Revision_Fall_Forward_Opt_Out": "1"}
    assert call(sandbox, revision="2024-10-15", **opt_out) == 410
    assert call(sandbox, revision="2025-01-15", **opt_out) == 201
    assert call(sandbox, revision="someday", **opt_out) == 410
    assert call(sandbox, revision="someday") == 200


@pytest.mark.parametrize(
    ("revision", "status"),
    [("2025-07-15", 201), ("2025-10-14", 201), ("2025-10-15", 400), ("2025-12-31", 400), ("2030-01-01", 400)],
)
def test_a_date_between_two_revisions_means_the_older_one(revision: str, status: int) -> None:
    assert Sandbox().send(upsert(email="ada@b.co", anonymous_id="a1", revision=revision)).status == status


def test_a_suffix_of_a_revision(sandbox: Sandbox) -> None:
    assert call(sandbox, revision="2026-10-15.pre") == 201


@pytest.mark.parametrize(
    ("path", "since", "body"),
    [
        ("/api/profile-import", "2024-02-15", {"data": profile_data(email="ada@b.co")}),
        ("/api/event-bulk-create-jobs", "2024-05-15", {}),
        ("/api/profile-bulk-import-jobs", "2023-12-15", {}),
        ("/api/profile-merge", "2023-09-15", {}),
        ("/api/profile-subscription-bulk-delete-jobs", "2023-07-15", {}),
    ],
)
def test_endpoints_that_were_not_there_yet(sandbox: Sandbox, path: str, since: str, body: Any) -> None:
    assert sandbox.send(post(path, body, "2023-02-22")).status == 404
    assert sandbox.send(post(path, body, since)).status != 404


def test_nulls_came_in_2024(sandbox: Sandbox) -> None:
    old, new = (
        post("/api/profiles", {"data": profile_data(email="ada@b.co", title=None)}, r)
        for r in ("2023-12-15", "2024-02-15")
    )
    assert sandbox.send(old).errors[0].pointer == "/data/attributes/title"
    assert sandbox.send(new).status == 201


# The sandbox itself -------------------------------------------------------------------------------------------------


def test_calls_are_kept(sandbox: Sandbox) -> None:
    request = event()
    sandbox.send(request)
    sandbox.send(Request("POST", "/api/track", form={"data": "{}"}))
    first, second = sandbox.calls
    assert (first.method, first.path, first.revision, first.status) == ("POST", "/api/events", CURRENT, 202)
    assert (first.json, first.form) == (request.json, None)
    assert (second.form, second.revision) == ({"data": "{}"}, None)
    assert repr(first) == "<Call POST /api/events -> 202>"
    assert sandbox.handle("GET", "/nonsense")[0] == 404
    assert sandbox.calls[-1].json is None


def test_calls_are_not_kept_where_they_are_not_recorded() -> None:
    sandbox = Sandbox(record_calls=False)
    assert sandbox.send(event()).status == 202
    assert (sandbox.calls, len(sandbox.state()["events"])) == ([], 1)


def test_equal_calls_give_equal_sandboxes() -> None:
    one, two = Sandbox(), Sandbox()
    for sandbox in (one, two):
        sandbox.clock.sleep(0)
        for request in (upsert(email="ada@b.co"), event(), upsert(first_name="nobody")):
            sandbox.send(request)
    assert one.send(upsert(x=1)).json == two.send(upsert(x=1)).json
    assert [p["id"] for p in one.state()["profiles"]] == [p["id"] for p in two.state()["profiles"]]


def test_what_was_sent_is_not_what_is_kept(sandbox: Sandbox) -> None:
    body = {"data": profile_data(email="ada@b.co", properties={"tags": ["a"]})}
    response = sandbox.send(post("/api/profile-import", body))
    body["data"]["attributes"]["properties"]["tags"].append("b")
    response.json["data"]["attributes"]["properties"]["tags"].append("c")
    assert sandbox.state()["profiles"][0]["properties"] == {"tags": ["a"]}


def test_forgetting_everything(sandbox: Sandbox) -> None:
    fresh = sandbox.state()
    sandbox.add_list("Letters")
    sandbox.send(event())
    sandbox.reset()
    assert (sandbox.state(), sandbox.calls) == (fresh, [])
    assert sandbox.send(event()).status == 202


@pytest.mark.parametrize("option", ["legacy", "retired", "opt_in", "unknown_lists"])
def test_unknown_options_are_refused(option: str) -> None:
    options: dict[str, Any] = {option: "maybe"}
    with pytest.raises(UsageError, match=f"^{option}: must be '.*' or '"):
        Sandbox(**options)


def test_its_repr_contains_no_personal_data(sandbox: Sandbox) -> None:
    sandbox.send(event())
    assert repr(sandbox) == "<Sandbox profiles=1 lists=0 calls=1>"
    assert "pk_" not in str(sandbox)


@pytest.mark.parametrize("path", ["/api/profiles", "/client/profiles"])
def test_a_parameter_that_comes_twice_is_refused(sandbox: Sandbox, path: str) -> None:
    name, value = ("company_id", "SNDBX1") if path.startswith("/client/") else ("sort", "email")
    method = "POST" if path.startswith("/client/") else "GET"
    status, _, body = sandbox.handle(method, path, f"{name}={value}&{name}={value}", HEADERS, BODY)
    assert status == 400
    assert json.loads(body)["errors"][0]["source"] == {"parameter": name}
