"""An event that matches several mappings: their order is kept, also when one is retried."""

from typing import Any

import pytest

from klavier import Rehearsal, Response, load_vendor, parse_event, rehearse
from tests.support.segment_actions import TRAITS

EVENT = {"type": "identify", "userId": "u-1", "messageId": "m-1", "traits": TRAITS}
OTHER = EVENT | {"userId": "u-2", "messageId": "m-2", "traits": {"email": "bob@example.com"}}
PROFILES, SUBSCRIPTIONS = "/api/profiles", "/api/profile-subscription-bulk-create-jobs"


def rehearsed(status: int, *events: dict[str, Any], batch: bool = False, **settings: str) -> Rehearsal:
    """Rehearse a profile and its subscription, the first call answered with a status."""
    mappings = [
        {"action": "upsertProfile", "fields": {"enable_batching": batch}},
        {
            "action": "subscribeProfile",
            "trigger": 'type = "identify"',
            "fields": {"list_id": "L1", "enable_batching": batch},
        },
    ]
    vendor = load_vendor("segment-actions", {"api_key": "pk_x", "mappings": mappings, **settings})
    return rehearse(vendor, [parse_event(event) for event in events], [Response(status)])


@pytest.mark.parametrize("batch", [False, True])
def test_later_mappings_wait_for_a_retry(batch: bool) -> None:  # noqa: FBT001 -- two cases of one test
    found = rehearsed(503, *([EVENT, OTHER] if batch else [EVENT]), batch=batch)
    assert len(found.requests) == 1
    assert SUBSCRIPTIONS not in found.requests[0].path
    assert {(outcome.kind, outcome.retryable) for outcome in found.outcomes} == {("failed", True)}


def test_a_refusal_does_not_delay_later_mappings() -> None:
    found = rehearsed(400, EVENT)
    assert [request.path for request in found.requests] == [PROFILES, SUBSCRIPTIONS]
    (outcome,) = found.outcomes
    assert (outcome.kind, outcome.retryable, outcome.status) == ("failed", False, 400)
    assert "subscribeProfile: delivered" in outcome.reason


def test_deployed_native_mappings_are_independent() -> None:
    found = rehearsed(503, EVENT, fidelity="deployed", wire="native")
    assert [request.path.rstrip("/") for request in found.requests] == [PROFILES, SUBSCRIPTIONS]
