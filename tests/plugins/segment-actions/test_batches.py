"""Batches of events: which events are sent together, and the outcome of each."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import Response, Sandbox, load_vendor, parse_event, rehearse
from klavier.flows.drivers import deliver, plan

PROFILE = {"profile": {"email": {"@path": "$.context.traits.email"}}}


def vendor(*mappings: dict[str, Any], **more: Any) -> Any:
    return load_vendor("segment-actions", {"api_key": "pk_sandbox", "mappings": list(mappings), **more})


def track(number: int, **members: Any) -> Any:
    payload = {"type": "track", "event": "E", "userId": f"u{number}", "messageId": f"m{number}", "properties": {}}
    return parse_event(payload | members)


BATCHED = {"action": "trackEvent", "fields": {"enable_batching": True}}


def sizes(result: Any) -> list[int]:
    return [len(request.json["data"]["attributes"]["events-bulk-create"]["data"]) for request in result.requests]


def test_a_batch_of_one_event() -> None:
    result = rehearse(vendor(BATCHED), [track(1)])
    assert [request.path for request in result.requests] == ["/api/event-bulk-create-jobs"]


def test_batch_size() -> None:
    mapping = {"action": "trackEvent", "fields": {"enable_batching": True, "batch_size": 100}}
    assert sizes(rehearse(vendor(mapping), [track(n) for n in range(250)])) == [100, 100, 50]
    assert sizes(rehearse(vendor(BATCHED), [track(n) for n in range(1001)])) == [1000, 1]


def test_the_same_event_twice_is_sent_once() -> None:
    result = rehearse(vendor(BATCHED), [track(1), track(2), track(1)])
    assert sizes(result) == [2]
    assert [outcome.kind for outcome in result.outcomes] == ["delivered"] * 3
    assert sizes(rehearse(vendor(BATCHED), [track(1, userId="a"), track(1, userId="b")])) == [2]


def test_events_named_by_klaviyo_keep_their_error_and_others_are_retryable() -> None:
    error = {
        "status": 400,
        "detail": "bad ada@example.com",
        "source": {"pointer": "/data/attributes/events-bulk-create/data/1/x"},
    }
    result = rehearse(vendor(BATCHED), [track(n) for n in range(3)], [Response(400, {"errors": [error]})])
    assert [(o.kind, o.status, o.retryable) for o in result.outcomes] == [
        ("failed", 429, True), ("failed", 400, False), ("failed", 429, True),
    ]  # fmt: skip
    assert result.outcomes[1].reason == "Klaviyo answered 400: bad (email)"


@pytest.mark.parametrize("pointer", ["", "/data/attributes/events-bulk-create/data/9/x", "/data", None, 5])
def test_an_error_without_a_pointer_applies_to_all_events(pointer: Any) -> None:
    reply = Response(400, {"errors": [{"detail": "x", "source": {"pointer": pointer}}]})
    result = rehearse(vendor(BATCHED), [track(1), track(2)], [reply])
    assert [(o.status, o.retryable) for o in result.outcomes] == [(400, False)] * 2


def test_an_unsendable_event_does_not_reject_others() -> None:
    deep: Any = 1
    for _ in range(240):
        deep = [deep]
    events = [track(1), track(2, properties={"deep": deep}), track(3)]
    result = rehearse(vendor(BATCHED), events)
    assert [outcome.kind for outcome in result.outcomes] == ["delivered", "rejected", "delivered"]


def test_a_large_batch_is_split() -> None:
    events = [track(n, properties={"text": ["x" * 90_000] * 10}) for n in range(8)]
    result = rehearse(vendor(BATCHED), events)
    assert [outcome.kind for outcome in result.outcomes] == ["delivered"] * 8
    assert sum(sizes(result)) == 8
    assert len(result.requests) > 1


def test_an_invalid_event_is_rejected_alone() -> None:
    mapping = {"action": "trackEvent", "fields": {"enable_batching": True, **PROFILE}}
    events = [track(1), track(2, context={"traits": {"email": "no"}}), track(3)]
    result = rehearse(vendor(mapping), events)
    assert [outcome.kind for outcome in result.outcomes] == ["delivered", "rejected", "delivered"]
    assert sizes(result) == [2]


def test_events_of_several_mappings_have_one_outcome() -> None:
    other = {"action": "upsertProfile", "trigger": "", "fields": {"external_id": {"@path": "$.userId"}}}
    result = rehearse(vendor(BATCHED, other), [track(1), track(2)], [Response(202), Response(201), Response(500)])
    assert [request.path for request in result.requests] == [
        "/api/event-bulk-create-jobs",
        "/api/profiles",
        "/api/profiles",
    ]
    first, second = result.outcomes
    assert first.kind == "delivered"
    assert (second.kind, second.status, second.retryable) == ("failed", 500, True)
    assert second.reason == "trackEvent: delivered; upsertProfile: Klaviyo answered 500"


MIXED: list[dict[str, Any]] = [
    {"action": "upsertProfile", "trigger": 'type = "identify"', "fields": {
        "external_id": {"@path": "$.userId"}, "properties": {"@path": "$.traits"}, "phone_number": None}},
    {"action": "trackEvent", "trigger": 'type = "track"', "fields": {}},
    {"action": "addProfileToList", "trigger": 'event = "A"', "fields": {
        "list_id": "LIST1", "external_id": {"@path": "$.userId"}, "location": None}},
]  # fmt: skip
people = st.sampled_from(["u1", "u2", "u3"])
one_event = st.one_of(
    st.builds(lambda who, n: {"type": "identify", "userId": who, "traits": {"plan": n}}, people, st.integers(0, 4)),
    st.builds(
        lambda who, name, n: {"type": "track", "userId": who, "event": name, "properties": {"n": n}},
        people, st.sampled_from(["A", "B"]), st.integers(0, 4),
    ),
)  # fmt: skip


def state_after(batched: bool, payloads: list[dict[str, Any]], times: int = 1) -> Any:  # noqa: FBT001 -- one of two ways
    mappings = [m | {"fields": m["fields"] | {"enable_batching": batched}} for m in MIXED]
    sandbox = Sandbox(private_api_key="pk_sandbox")
    sandbox.add_list("Audience", id="LIST1")
    events = [parse_event(payload | {"messageId": f"m{n}"}) for n, payload in enumerate(payloads)]
    one = vendor(*mappings)
    for _ in range(times):
        for delivery in plan(one, events):
            assert all(outcome.kind == "delivered" for outcome in deliver(delivery, sandbox.send))
    return sandbox.comparable()


@settings(max_examples=40, deadline=None)
@given(st.lists(one_event, max_size=8))
def test_batched_and_single_delivery_result_in_the_same_state(payloads: list[dict[str, Any]]) -> None:
    assert state_after(True, payloads) == state_after(False, payloads)  # noqa: FBT003 -- one of two ways


@settings(max_examples=20, deadline=None)
@given(st.lists(one_event, max_size=6), st.booleans())
def test_delivering_twice_is_harmless(payloads: list[dict[str, Any]], batched: bool) -> None:  # noqa: FBT001 -- drawn
    last = {payload["userId"]: payload for payload in payloads if payload["type"] == "identify"}
    once = [payload for payload in payloads if payload["type"] != "identify"] + list(last.values())
    assert state_after(batched, once, times=2) == state_after(batched, once)


@settings(max_examples=40, deadline=None)
@given(st.lists(one_event, max_size=6), st.sampled_from(MIXED), st.sampled_from(["documented", "deployed"]))
def test_the_one_batch_shortcut_equals_grouping(
    payloads: list[dict[str, Any]], mapping: dict[str, Any], fidelity: str
) -> None:
    events = [parse_event(payload | {"messageId": f"m{n % 4}"}) for n, payload in enumerate(payloads)]
    one = vendor(
        mapping | {"trigger": ""} | {"fields": mapping["fields"] | {"enable_batching": True}}, fidelity=fidelity
    )
    found = rehearse(one, events)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("klavier_segment_actions.vendor._one_batch", lambda _: None)
        grouped = rehearse(one, events)
    assert (found.requests, found.outcomes) == (grouped.requests, grouped.outcomes)
