import copy
import hashlib
import json
import pickle
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import klavier
from klavier import Alias, Event, EventError, Group, Identify, Page, Screen, Track, parse_event, parse_line

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
JSONS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
TYPES = st.sampled_from(["identify", "track", "page", "screen", "group", "alias", "Track ", "nonsense", ""]) | JSONS
KNOWN = ["userId", "anonymousId", "messageId", "timestamp", "context", "traits", "properties", "event", "name"]
MEMBERS = st.dictionaries(st.sampled_from([*KNOWN, "category", "groupId", "previousId", "sentAt"]), JSONS, max_size=8)
SEGMENT = st.builds(lambda members, kind: {**members, "type": kind}, MEMBERS, TYPES)
FRESHPAINT = st.builds(
    lambda name, properties, who: {"event": name, "properties": {**properties, "distinct_id": who}},
    st.sampled_from(["$identify", "$page", "$screen", "Signed Up", ""]),
    st.dictionaries(
        st.sampled_from(["$user_props", "$device_id", "$insert_id", "time", "name", "x"]), JSONS, max_size=6
    ),
    JSONS,
)
ANYTHING = SEGMENT | FRESHPAINT | JSONS

CLASSES = {"identify": Identify, "track": Track, "page": Page, "screen": Screen, "group": Group, "alias": Alias}


@settings(max_examples=300, deadline=None)
@given(payload=ANYTHING)
def test_anything_is_an_event_or_an_event_error(payload: Any) -> None:
    before = repr(payload)
    with suppress(EventError):
        event = parse_event(payload)
        if "type" in payload:  # Freshpaint's own format is read into this one
            assert repr(event.payload) == before
        assert event.payload is not payload
        assert isinstance(event, CLASSES[event.type])
        assert parse_line(json.dumps(payload)) == event
        assert isinstance(event.context, dict)
        assert hash(event) == hash(parse_event(payload))
    assert repr(payload) == before


@settings(max_examples=100, deadline=None)
@given(line=st.text() | st.binary() | ANYTHING.map(json.dumps).map(lambda text: text[:-1]))
def test_any_line_is_an_event_or_an_event_error(line: str | bytes) -> None:
    try:
        event = parse_line(line)
    except EventError:
        return
    assert isinstance(event, klavier.Event)


def test_the_attributes_of_each_type() -> None:
    common = {
        "userId": 5,
        "anonymousId": "a",
        "messageId": "m",
        "timestamp": "2026-01-01T00:00:00Z",
        "context": {"ip": "1.2.3.4"},
    }
    own: dict[str, dict[str, Any]] = {
        "identify": {"traits": {"email": "ada@example.com"}},
        "track": {"event": "Signed Up", "properties": {"plan": "pro"}},
        "page": {"name": "Home", "category": "Docs", "properties": {"url": "/"}},
        "screen": {"name": "Home", "category": "Docs", "properties": {"url": "/"}},
        "group": {"groupId": "g", "traits": {"name": "Acme"}},
        "alias": {"previousId": "old"},
    }
    snake = {"groupId": "group_id", "previousId": "previous_id"}
    for kind, members in own.items():
        event = parse_event({"type": kind, **common, **members})
        assert type(event) is CLASSES[kind]
        assert (event.user_id, event.anonymous_id, event.message_id) == (5, "a", "m")
        assert (event.timestamp, event.context) == ("2026-01-01T00:00:00Z", {"ip": "1.2.3.4"})
        assert {name: getattr(event, snake.get(name, name)) for name in members} == members


def test_events_match() -> None:
    match parse_event({"type": "track", "event": "Signed Up", "properties": {"plan": "pro"}}):
        case Track(event="Signed Up", properties={"plan": plan}):
            assert plan == "pro"
        case _:
            pytest.fail("the pattern should have matched")


@pytest.mark.parametrize("spelling", ["track", "Track", "TRACK", " track "])
def test_capitals_in_a_type_are_ignored(spelling: str) -> None:
    event = parse_event({"type": spelling, "event": "A"})
    assert isinstance(event, Track)
    assert event.payload["type"] == spelling


@pytest.mark.parametrize(
    ("payload", "words", "place"),
    [
        (None, "not null", ""),
        ([1], "not an array", ""),
        ("track", "not a string", ""),
        ({}, "no event type", "type"),
        ({"event": "A", "properties": {}}, "no event type", "type"),
        ({"event": 5, "properties": {"distinct_id": "u"}}, "no event type", "type"),
        ({"type": "delete"}, "unknown event type 'delete': use one of identify, track", "type"),
        ({"type": "ada@example.com"}, r"unknown event type \(a string\)", "type"),
        ({"type": None}, r"unknown event type \(null\)", "type"),
        ({"type": ["track"]}, r"unknown event type \(an array\)", "type"),
    ],
)
def test_a_payload_that_is_no_event_is_an_error(payload: Any, words: str, place: str) -> None:
    with pytest.raises(EventError, match=words) as caught:
        parse_event(payload)
    assert caught.value.place == place


@pytest.mark.parametrize("line", ["[]", "5", "null", '"track"', ""])
def test_a_line_that_is_no_object_is_an_error(line: str) -> None:
    with pytest.raises(EventError):
        parse_line(line)


@pytest.mark.parametrize("given", [None, 5, "x", [1]])
def test_members_of_another_kind_count_as_empty_and_stay_in_the_payload(given: Any) -> None:
    event = parse_event({"type": "track", "event": "A", "properties": given, "context": given})
    assert isinstance(event, Track)
    assert (event.properties, event.context) == ({}, {})
    assert event.payload["properties"] == event.payload["context"] == given


@pytest.mark.parametrize(
    ("name", "kind"), [("$identify", Identify), ("$page", Page), ("$screen", Screen), ("Signed Up", Track)]
)
def test_freshpaints_own_format(name: str, kind: type[Event]) -> None:
    properties = {
        "distinct_id": "u",
        "$device_id": "d",
        "$insert_id": "i",
        "time": 1740000000,
        "name": "Home",
        "$user_props": {"email": "ada@example.com"},
    }
    event = parse_event({"event": name, "properties": properties})
    assert type(event) is kind
    assert (event.user_id, event.anonymous_id, event.message_id) == ("u", "d", "i")
    assert event.timestamp == "2025-02-19T21:20:00Z"
    if isinstance(event, Identify):
        assert event.traits == {"email": "ada@example.com"}
    if isinstance(event, (Page, Screen)):
        assert event.name == "Home"
    if isinstance(event, Track):
        assert event.event == "Signed Up"


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=100, deadline=None)
@given(members=MEMBERS)
def test_the_stable_id_depends_on_the_content_only(members: dict[str, Any]) -> None:
    payload = {**members, "type": "track"}
    event = parse_event(payload)
    assert event.stable_id == parse_event(reversed_keys(payload)).stable_id
    assert event.stable_id == parse_event({**payload, "sentAt": "later", "receivedAt": "later still"}).stable_id
    if isinstance(event.message_id, str) and event.message_id:
        assert event.stable_id == event.message_id
    else:
        assert event.stable_id != parse_event({**payload, "properties": {"another": "event"}}).stable_id
        assert event.stable_id.startswith("klavier-")


def test_the_stable_id_never_changes_between_versions() -> None:
    event = parse_event({"type": "track", "event": "A", "properties": {"b": 1, "a": [None]}, "sentAt": "now"})
    canonical = b'{"event":"A","properties":{"a":[null],"b":1},"type":"track"}'
    assert event.stable_id == "klavier-" + hashlib.sha256(canonical).hexdigest()[:32]


def test_events_are_equal_by_content() -> None:
    one, same = parse_event({"type": "page", "messageId": 1}), parse_event({"type": "page", "messageId": 1.0})
    assert one == same
    assert hash(one) == hash(same)
    assert one != parse_event({"type": "screen", "messageId": 1})
    assert one != parse_event({"type": "page", "messageId": 2})
    assert one != {"type": "page", "messageId": 1}
    assert len({one, same, parse_event({"type": "page", "messageId": {"an": "object"}})}) == 2


def test_the_input_may_change_afterwards() -> None:
    payload: dict[str, Any] = {"type": "track", "event": "A", "properties": {"list": [1]}}
    event = parse_event(payload)
    payload["properties"]["list"].append(2)
    payload.clear()
    assert event.payload == {"type": "track", "event": "A", "properties": {"list": [1]}}


def test_events_are_frozen() -> None:
    event = parse_event({"type": "page"})
    for name in ("user_id", "payload", "anything"):
        with pytest.raises(AttributeError):
            setattr(event, name, "another")


def test_repr_shows_no_personal_data() -> None:
    event = parse_event({"type": "track", "event": "S3cret", "userId": "u-s3cret", "messageId": "ada@example.com"})
    assert repr(event) == "<Track message_id=(email)>"
    assert repr(parse_event({"type": "page", "messageId": {"s3cret": 1}})) == "<Page message_id=an object>"
    assert repr(parse_event({"type": "page", "messageId": "m-1"})) == "<Page message_id=m-1>"
    assert len(repr(parse_event({"type": "page", "messageId": "m" * 10_000}))) < 100


@pytest.mark.parametrize("kind", sorted(CLASSES))
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301 -- our own bytes
def test_events_copy_and_pickle(kind: str, again: Any) -> None:
    event = parse_event({"type": kind, "messageId": "m", "traits": {"a": [1]}, "properties": {"b": 2}})
    found = again(event)
    assert found == event
    assert type(found) is type(event)
    assert found.stable_id == event.stable_id
