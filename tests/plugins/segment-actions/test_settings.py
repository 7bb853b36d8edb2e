"""Settings, presets, triggers and messages of the vendor as a whole."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import ConfigError, load_vendor, parse_event, rehearse
from klavier.settings import fill_from_klaviyo
from klavier_segment_actions.settings import Settings


def load(*mappings: Any, **more: Any) -> Any:
    return load_vendor("segment-actions", {"api_key": "pk_x", "mappings": list(mappings), **more})


def problems(*mappings: Any, **more: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(*mappings, **more)
    return caught.value.problems


def paths(vendor: Any, payload: dict[str, Any]) -> list[str]:
    return [request.path for request in rehearse(vendor, [parse_event(payload)]).requests]


def track(name: str, **members: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "userId": "u", "properties": {}, **members}


MISTAKES = [
    ({"action": "trackEvnt"}, "mappings[0].action: must be one of"),
    (
        {"action": "trackEvent", "trigger": 'typ = "x"'},
        "mappings[0].trigger: 'typ' is no field; did you mean 'type'? (column 1)",
    ),
    (
        {"action": "trackEvent", "fields": {"metric": "x"}},
        "mappings[0].fields.metric: no field of trackEvent; did you mean 'metric_name'?",
    ),
    (
        {"action": "trackEvent", "fields": {"profile": {"email": {"@path": 5}}}},
        "mappings[0].fields.profile.email.@path: must be a string",
    ),
    (
        {"action": "trackEvent", "fields": {"batch_size": 5}},
        "mappings[0].fields.batch_size: must be a number from 100 to 1000",
    ),
    (
        {"action": "trackEvent", "fields": {"enable_batching": "yes"}},
        "mappings[0].fields.enable_batching: must be true or false",
    ),
    ({"action": "trackEvent", "triger": ""}, "mappings[0].triger: unknown setting; did you mean 'trigger'?"),
    ({"trigger": ""}, "mappings[0].action: required"),
]


@pytest.mark.parametrize(("mapping", "message"), MISTAKES, ids=[message[:50] for _, message in MISTAKES])
def test_mistakes_are_reported_with_their_path(mapping: dict[str, Any], message: str) -> None:
    (problem,) = problems(mapping)
    assert problem.startswith(message)


def test_all_mistakes_are_reported_at_once() -> None:
    broken = {"action": "trackEvent", "trigger": "(", "fields": {"x": 1, "value": {"@foo": 1}}}
    assert [problem.split(": ")[0] for problem in problems({"action": "upsertProfile"}, broken)] == [
        "mappings[1].trigger",
        "mappings[1].fields.x",
        "mappings[1].fields.value",
    ]


def test_disabled_mappings_are_checked_too() -> None:
    assert problems({"action": "trackEvent", "enabled": False, "trigger": "nope"})


def test_fifty_mappings_at_most() -> None:
    load(*[{"action": "trackEvent"}] * 50)
    assert problems(*[{"action": "trackEvent"}] * 51) == ("mappings: at most 50 mappings, not 51; remove some",)


def test_the_key_is_secret_and_filled_from_klaviyo_settings() -> None:
    assert fill_from_klaviyo(Settings, {}, {"private_api_key": "pk_1"}) == {"api_key": "pk_1"}
    assert "pk_x" not in repr(load().settings)
    with pytest.raises(ConfigError, match=r"^api_key: required"):
        load_vendor("segment-actions", {})


DEFAULT = [
    ({"type": "identify", "userId": "u", "traits": {"email": "a@b.io"}}, ["/api/profiles"]),
    (track("Shoe Tied"), ["/api/events"]),
    (track("Order Completed", properties={"products": [{}, {}]}), ["/api/events"] * 3),
    (track("User Subscribed", traits={"email": "a@b.io"}), ["/api/profile-subscription-bulk-create-jobs"]),
    (track("User Unsubscribed", traits={"email": "a@b.io"}), ["/api/profile-subscription-bulk-delete-jobs"]),
    (
        track("Audience Entered", context={"personas": {"external_audience_id": "L"}}),
        ["/api/profiles", "/api/lists/L/relationships/profiles"],
    ),
    (track("Audience Exited", context={"personas": {"external_audience_id": "L"}}), ["/api/profiles"]),
    ({"type": "page", "userId": "u"}, []),
]


@pytest.mark.parametrize(("payload", "expected"), DEFAULT, ids=[str(p.get("event", p["type"])) for p, _ in DEFAULT])
def test_the_default_preset(payload: dict[str, Any], expected: list[str]) -> None:
    assert paths(load(), payload) == expected


def test_identify_and_track_identify_the_same_profile() -> None:
    events = [{"type": "identify", "userId": "u", "traits": {"email": "a@b.io", "plan": "pro"}}, track("X")]
    identify, tracked = rehearse(load(), [parse_event(event) for event in events]).requests
    assert identify.json["data"]["attributes"]["external_id"] == "u"
    assert identify.json["data"]["attributes"]["properties"]["plan"] == "pro"
    assert tracked.json["data"]["attributes"]["profile"]["data"]["attributes"]["external_id"] == "u"


def test_classic_migration() -> None:
    """Upsert Profile and Track Event are on, the Engage actions off."""
    vendor = load(preset="classic-migration")
    assert [mapping.name for mapping in vendor.mappings] == ["upsertProfile", "trackEvent"]
    assert paths(vendor, track("Audience Entered", context={"personas": {"external_audience_id": "L"}})) == [
        "/api/events"
    ]


@pytest.mark.parametrize("key", ["", "  "])
def test_no_request_without_a_key(key: str) -> None:
    with pytest.raises(ConfigError, match=r"^api_key: is empty, and no request can be sent without it"):
        load_vendor("segment-actions", {"api_key": key})


ENTITY = track(
    "Bought", properties={"plan": "pro", "data_graph_entity_context": {"order": {"total": 5, "tags": ["a"]}}}
)
EMITTED = {"personas": {"event_emitter_id": "ee_1"}}
STEP = {"personas": {"computation_class": "journey_step"}}


def test_linked_audiences() -> None:
    vendor = load(preset="linked-audiences")
    (request,) = rehearse(vendor, [parse_event(ENTITY | {"context": EMITTED})]).requests
    assert request.json["data"]["attributes"]["properties"] == {"plan": "pro", "order__total": 5, "order__tags": ["a"]}
    identify = {"type": "identify", "userId": "u", "traits": {"vip": True}, "context": EMITTED}
    assert paths(vendor, identify) == ["/api/profiles"]
    assert paths(vendor, ENTITY) == []


def test_journeys() -> None:
    vendor = load(preset="journeys")
    assert paths(vendor, track("Journeys Step Entered", context=STEP)) == ["/api/events"]
    assert paths(vendor, {"type": "identify", "userId": "u", "traits": {}, "context": STEP}) == ["/api/profiles"]
    assert paths(vendor, track("Journeys Step Entered", context=EMITTED)) == []


def transformed(apply: Any, **more: Any) -> dict[str, Any]:
    fields = {"__segment_internal_directive": {"@transform": {"apply": apply, **more}}, "metric_name": "M"}
    return {"action": "trackEvent", "fields": {**fields, "__segment_internal_sync_mode": "add"}}


@pytest.mark.parametrize("more", [{}, {"mapping": {"@path": "$."}}])
def test_the_root_directive_transforms_what_a_mapping_reads(more: dict[str, Any]) -> None:
    apply = {
        "userId": {"@path": "$.userId"},
        "properties": {"@flatten": {"separator": "_", "value": {"@path": "$.properties"}}},
    }
    event = parse_event(track("X", properties={"a": {"b": 1}}))
    (request,) = rehearse(load(transformed(apply, **more)), [event]).requests
    assert request.json["data"]["attributes"]["properties"] == {"a_b": 1}


def test_mistakes_in_the_root_directive_are_reported() -> None:
    (problem,) = problems(transformed({"properties": {"@nope": 1}}))
    assert problem.startswith(
        "mappings[0].fields.__segment_internal_directive.@transform.apply.properties: @nope is no"
    )
    mapping = {"action": "trackEvent", "fields": {"__segment_internal_directive": {"@path": "$."}}}
    assert problems(mapping) == ("mappings[0].fields.__segment_internal_directive: must be a @transform directive",)


def test_no_mapping() -> None:
    result = rehearse(load(preset="none"), [parse_event(track("X"))])
    assert [(o.kind, o.reason) for o in result.outcomes] == [("skipped", "no mapping's trigger matches the event")]


DEFAULT_TRIGGERS = [
    ("trackEvent", track("X")),
    ("orderCompleted", track("X")),
    ("upsertProfile", {"type": "identify"}),
    ("addProfileToList", track("Audience Entered")),
    ("removeProfileFromList", track("Audience Exited")),
    ("removeProfile", track("Identify")),
    ("subscribeProfile", track("User Subscribed")),
    ("unsubscribeProfile", track("User Unsubscribed")),
]


@pytest.mark.parametrize(("action", "payload"), DEFAULT_TRIGGERS)
def test_default_triggers(action: str, payload: dict[str, Any]) -> None:
    vendor = load({"action": action})
    for _, other in DEFAULT_TRIGGERS:
        outcome = rehearse(vendor, [parse_event(other)]).outcomes[0]
        matched = other == payload or (other["type"] == "track" and action in ("trackEvent", "orderCompleted"))
        assert (outcome.kind != "skipped") is matched


def test_the_deployed_remove_profile_matches_no_identify() -> None:
    """Its trigger asks for a type in capitals, which no event has."""
    mapping = {"action": "removeProfile", "fields": {"list_id": "L"}}
    event = parse_event({"type": "identify", "traits": {"email": "a@b.io"}})
    assert rehearse(load(mapping, fidelity="deployed"), [event]).outcomes[0].kind == "skipped"


def test_unparsable_triggers_match_nothing_in_deployed_fidelity() -> None:
    vendor = load({"action": "trackEvent", "trigger": "length(event) > 3"}, fidelity="deployed")
    assert paths(vendor, track("X")) == []
    assert vendor.mappings[0].broken_trigger == "a value is missing (column 13)"


def test_the_event_profile_has_defaults_in_documented_fidelity_only() -> None:
    mapping = {"action": "trackEvent", "fields": {"enable_batching": False}}
    assert paths(load(mapping), track("X")) == ["/api/events"]
    (outcome,) = rehearse(load(mapping, fidelity="deployed"), [parse_event(track("X"))]).outcomes
    assert (outcome.kind, outcome.reason) == ("rejected", "profile: required, and the mapping resolves to nothing")


def test_batching_is_off_by_default_in_documented_fidelity_only() -> None:
    mapping = {"action": "trackEvent", "fields": {"profile": {"external_id": {"@path": "$.userId"}}}}
    assert paths(load(mapping), track("X")) == ["/api/events"]
    assert paths(load(mapping, fidelity="deployed"), track("X")) == ["/api/event-bulk-create-jobs"]


def test_native_requests_have_segments_slashes_and_revision() -> None:
    (request,) = rehearse(load(wire="native"), [parse_event(track("X"))]).requests
    assert (request.path, request.revision) == ("/api/events/", "2025-01-15")


def test_a_mapping_that_cannot_be_applied_rejects_the_event() -> None:
    vendor = load({"action": "trackEvent", "fields": {"metric_name": {"@template": {"@path": "$.properties.n"}}}})
    (outcome,) = rehearse(vendor, [parse_event(track("X", properties={"n": 1}))]).outcomes
    assert outcome.kind == "rejected"
    assert (
        outcome.reason
        == "mappings[0].fields.metric_name.@template: the template must resolve to a string, not a number"
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["$.a", "type", 'type = "track"', "@path", ""]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["@path", "@if", "exists", "x", "profile", "email", "value"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
mappings = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["trackEvent", "upsertProfile", "nope"]) | anything,
        "trigger": anything,
        "fields": anything
        | st.dictionaries(st.sampled_from(["profile", "value", "list_id", "batch_size"]), anything, max_size=3),
        "enabled": anything,
        "connected_list_id": anything,
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(mappings, max_size=2), st.sampled_from(["documented", "deployed"]))
def test_any_settings_load_or_are_named_by_place(given_mappings: list[Any], fidelity: str) -> None:
    try:
        vendor = load(*given_mappings, fidelity=fidelity)
    except ConfigError as error:
        assert all(problem.startswith("mappings") for problem in error.problems)  # noqa: PT017 -- either end is right
        return
    for payload in (track("X"), {"type": "identify", "userId": "u", "traits": {}}):
        result = rehearse(vendor, [parse_event(payload)])
        assert len(result.outcomes) == 1
        assert "raised" not in result.outcomes[0].reason
