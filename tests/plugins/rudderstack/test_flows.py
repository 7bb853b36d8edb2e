"""Outcomes of events for Klaviyo's replies."""

from typing import Any

import pytest

from klavier import Response
from tests.support.rudderstack import rehearsal

IDENTIFY: dict[str, Any] = {"type": "identify", "userId": "u", "traits": {"email": "ada@example.org"}}
TRACK: dict[str, Any] = {"type": "track", "userId": "u", "event": "Signed Up"}
DUPLICATE = {"errors": [{"code": "duplicate_profile", "meta": {"duplicate_profile_id": "01OLD"}}]}
NATIVE = {"wire": "native"}


@pytest.mark.parametrize("payload", [IDENTIFY, TRACK])
@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        (Response(400, {"errors": [{"detail": "no"}]}), False),
        (Response(404), False),
        (Response(429), True),
        (Response(503, "odd"), True),
        (Response(0, problem="time-out"), True),
    ],
)
def test_refused_request_fails_the_event(payload: dict[str, Any], reply: Response, *, retryable: bool) -> None:
    for version in ("v1", "v2", "v3"):
        (outcome,) = rehearsal(payload, api_version=version, replies=[reply]).outcomes
        assert (outcome.kind, outcome.status, outcome.retryable) == ("failed", reply.status, retryable)


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
def test_conflict_updates_the_existing_profile(fidelity: str) -> None:
    result = rehearsal(IDENTIFY, replies=[Response(409, DUPLICATE)], fidelity=fidelity, **NATIVE)
    create, update = result.requests
    assert (update.method, update.path, update.revision) == ("PATCH", "/api/profiles/01OLD", "2023-02-22")
    assert update.json == {"data": {**create.json["data"], "id": "01OLD"}}
    assert result.outcomes[0].kind == "delivered"


@pytest.mark.parametrize("reply", [Response(201, {}), Response(409, {"errors": [{}]}), Response(409, None)])
def test_created_profile_without_an_id_is_retryable(reply: Response) -> None:
    (outcome,) = rehearsal(IDENTIFY, replies=[reply], **NATIVE).outcomes
    assert (outcome.kind, outcome.status, outcome.retryable) == ("failed", 500, True)
    assert outcome.reason.startswith("Failed to create user due to ")


def test_failure_reason_contains_no_personal_data() -> None:
    detail = {"errors": [{"code": "invalid", "detail": "Duplicate email found: ada@example.org."}]}
    for settings in ({}, NATIVE):
        (outcome,) = rehearsal(IDENTIFY, replies=[Response(400, detail)], **settings).outcomes
        assert "ada@" not in outcome.reason
        assert "Duplicate email found: (email)" in outcome.reason


def test_refused_update_fails_the_event() -> None:
    replies = [Response(409, DUPLICATE), Response(409, {"errors": [{"detail": "A profile already exists"}]})]
    (outcome,) = rehearsal(IDENTIFY, replies=replies, **NATIVE).outcomes
    assert (outcome.kind, outcome.status, outcome.retryable) == ("failed", 409, False)


def test_an_event_beyond_the_limits_is_rejected_before_it_is_sent() -> None:
    for payload in (
        {**TRACK, "properties": {f"p{number}": number for number in range(401)}},
        {**IDENTIFY, "traits": {"email": "a@b.co", "long": "x" * 100_001}},
    ):
        for version in ("v1", "v2"):
            result = rehearsal(payload, api_version=version)
            assert result.requests == []
            assert result.outcomes[0].kind == "rejected"


def test_deployed_on_native_wire_ignores_the_limits() -> None:
    payload = {**TRACK, "properties": {f"p{number}": number for number in range(401)}}
    assert len(rehearsal(payload, fidelity="deployed", wire="native").requests) == 1
