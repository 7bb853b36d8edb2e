import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import Delivery, Outcome, Request, Response, UsageError, parse_event
from klavier.flows.drivers import deliver
from klavier.klaviyo.browser import NO_IDENTITY, browser_flow, javascript
from klavier.klaviyo.revisions import CURRENT
from klavier.vendor import BrowserCall
from tests.support.schemas import assert_valid

SCHEMA = "2026-07-15"
"""The newest revision that publishes the client endpoints' schemas."""

EVENT = {
    "type": "track",
    "event": "Signed Up",
    "messageId": "m-1",
    "anonymousId": "anon-1",
    "timestamp": "2026-03-01T10:20:30.123Z",
}
ADA = {"$id": "u1", "$email": "ada@example.com"}


def run(
    calls: Sequence[BrowserCall],
    person: dict[str, Any] | None = None,
    key: str | None = "PUBKEY",
    replies: Sequence[Response] = (),
    **event: Any,
) -> tuple[list[Request], Outcome]:
    parsed = parse_event({**EVENT, **event})
    made: list[Request] = []
    script = iter(replies)

    def answer(request: Request) -> Response:
        made.append(request)
        return next(script, None) or Response(202, {})

    delivery = Delivery((parsed,), ("k",), lambda: browser_flow(calls, person or {}, key, parsed))
    (outcome,) = deliver(delivery, answer)
    return made, outcome


def test_track_becomes_a_client_event() -> None:
    (request,), outcome = run([["track", "Signed Up", {"plan": "pro", "$value": "9.50 USD"}]], ADA)
    assert (request.method, request.path, request.params) == ("POST", "/client/events", {"company_id": "PUBKEY"})
    assert request.revision == CURRENT
    assert request.json == {
        "data": {
            "type": "event",
            "attributes": {
                "properties": {"plan": "pro"},
                "value": 9.5,
                "unique_id": "m-1",
                "time": "2026-03-01T10:20:30.123Z",
                "metric": {"data": {"type": "metric", "attributes": {"name": "Signed Up"}}},
                "profile": {
                    "data": {"type": "profile", "attributes": {"external_id": "u1", "email": "ada@example.com"}}
                },
            },
        }
    }
    assert outcome == Outcome("delivered")


def test_identify_becomes_a_client_profile() -> None:
    people = {
        "$id": 7,
        "$email": "ada@example.com",
        "$phone_number": "+15005550006",
        "$exchange_id": "kx",
        "$first_name": "Ada",
        "$last_name": None,
        "$city": "London",
        "$zip": 12345,
        "plan": {"name": "pro"},
    }
    (request,), outcome = run([["identify", people]])
    assert (request.path, request.params) == ("/client/profiles", {"company_id": "PUBKEY"})
    assert request.json == {
        "data": {
            "type": "profile",
            "attributes": {
                "external_id": "7",
                "email": "ada@example.com",
                "phone_number": "+15005550006",
                "_kx": "kx",
                "first_name": "Ada",
                "last_name": None,
                "location": {"city": "London", "zip": "12345"},
                "properties": {"plan": {"name": "pro"}},
            },
        }
    }
    assert_valid("create_client_profile", SCHEMA, request.json)
    assert outcome.notes == ()


def test_the_person_of_an_identify_call_owns_the_calls_after_it() -> None:
    requests, _ = run([["identify", {"$email": "new@example.com"}], ["track", "A", {}]], {"$id": "u1"})
    profile = requests[1].json["data"]["attributes"]["profile"]["data"]["attributes"]
    assert profile == {"external_id": "u1", "email": "new@example.com"}


def test_an_identify_call_without_an_identifier_is_about_the_known_person() -> None:
    (request,), _ = run([["identify", {"$organization": "Acme"}]], ADA)
    assert request.json["data"]["attributes"] == {
        "external_id": "u1",
        "email": "ada@example.com",
        "organization": "Acme",
    }


def test_a_person_without_identifier_falls_back_on_the_anonymous_id() -> None:
    requests, outcome = run([["identify", {"$city": "Paris"}], ["track", "A", {}]], {"$first_name": "Ada"})
    assert requests[0].json["data"]["attributes"] == {"anonymous_id": "anon-1", "location": {"city": "Paris"}}
    assert requests[1].json["data"]["attributes"]["profile"]["data"]["attributes"] == {"anonymous_id": "anon-1"}
    assert outcome.kind == "delivered"


@pytest.mark.parametrize("nobody", [None, "", {"a": 1}])
def test_nobody_at_all_is_delivered_with_a_note(nobody: object) -> None:
    requests, outcome = run([["track", "A", {}], ["identify", {"plan": 1}]], anonymousId=nobody)
    assert requests == []
    assert (outcome.kind, outcome.notes) == ("delivered", (NO_IDENTITY,))


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_public_key_nothing_is_sent(key: str | None) -> None:
    requests, outcome = run([["track", "A", {}]], ADA, key)
    assert (requests, outcome.kind) == ([], "rejected")
    assert "public_api_key" in outcome.reason


def test_no_calls_are_a_skip() -> None:
    requests, outcome = run([], ADA)
    assert (requests, outcome.kind) == ([], "skipped")


def test_each_tracked_event_has_its_own_unique_id() -> None:
    calls: list[BrowserCall] = [
        ["track", "A", {}],
        ["track", "B", {"$event_id": 99}],
        ["track", "C", {"$event_id": ""}],
        ["track", "D"],
    ]
    requests, _ = run(calls, ADA)
    ids = [request.json["data"]["attributes"]["unique_id"] for request in requests]
    assert ids == ["m-1", "99", "m-1-2", "m-1-3"]


def test_a_message_id_too_long_for_klaviyo_is_shortened_the_same_way_each_time() -> None:
    first, _ = run([["track", "A", {}]], ADA, messageId="m" * 300)
    again, _ = run([["track", "A", {}]], ADA, messageId="m" * 300)
    assert first[0].json == again[0].json
    assert_valid("create_client_event", SCHEMA, first[0].json)


@pytest.mark.parametrize(
    ("call", "note"),
    [
        (["track"], "event name"),
        (["track", None, {}], "event name"),
        (["track", {"a": 1}, {}], "event name"),
        (["openForm", "x"], "has no client endpoint"),
        ([], "has no client endpoint"),
    ],
)
def test_a_call_that_has_no_counterpart_is_noted(call: BrowserCall, note: str) -> None:
    requests, outcome = run([call], ADA)
    assert (requests, outcome.kind) == ([], "delivered")
    assert note in outcome.notes[0]


def test_the_account_call_is_the_company_id() -> None:
    requests, outcome = run([["account", "PUBKEY"], ["track", "A", {}]], ADA)
    assert (len(requests), outcome.notes) == (1, ())


def test_what_has_no_place_is_noted_without_its_value() -> None:
    people = {"$email": ["ada@x.io"], "$id": "u1", "$phone_number": "0049-1", "$first_name": {"ada": 1}}
    requests, outcome = run(
        [["identify", people], ["track", "A", {"$value": "secret", "$event_id": []}], ["track", "B", 5]]
    )
    assert [note.split(" left out")[0] for note in outcome.notes] == [
        "$email",
        "$phone_number",
        "$first_name",
        "$value",
        "$event_id",
        "an argument of track",
    ]
    assert not re.search("ada|secret|0049", " ".join(outcome.notes))
    assert requests[0].json["data"]["attributes"] == {"external_id": "u1"}


@pytest.mark.parametrize(
    ("timestamp", "time"),
    [
        ("2026-03-01T10:20:30+02:00", "2026-03-01T10:20:30+02:00"),
        ("2026-03-01", "2026-03-01T00:00:00Z"),
        ("2026-03-01 10:20:30", "2026-03-01T10:20:30Z"),
        (1740000000, "2025-02-19T21:20:00Z"),
        (1740000000123, "2025-02-19T21:20:00.123000Z"),
        ("1989-12-31T00:00:00Z", None),
        ("yesterday", None),
        ("2026-02-30T00:00:00Z", None),
        (float(10**17), None),
        (True, None),
        ({}, None),
    ],
)
def test_the_time_is_the_events_where_it_is_one(timestamp: object, time: str | None) -> None:
    (request,), _ = run([["track", "A", {}]], ADA, timestamp=timestamp)
    assert request.json["data"]["attributes"].get("time") == time


def test_a_refused_call_ends_the_flow_with_klaviyos_words_but_no_personal_data() -> None:
    detail = {"errors": [{"code": "invalid", "detail": "ada@example.com is bad", "source": {"pointer": "/data"}}]}
    requests, outcome = run([["track", "A", {}], ["track", "B", {}]], ADA, replies=[Response(400, detail)])
    assert len(requests) == 1
    assert outcome == Outcome("failed", "Klaviyo answered 400: invalid: (email) is bad (at /data)", 400)


@pytest.mark.parametrize("status", [0, 429, 503])
def test_a_reply_that_may_change_is_retryable(status: int) -> None:
    _, outcome = run([["track", "A", {}]], ADA, replies=[Response(status)])
    assert (outcome.kind, outcome.status, outcome.retryable) == ("failed", status, True)


def test_a_local_refusal_is_a_rejection_only_while_nothing_was_sent() -> None:
    refused = Response.refusal("too long", "/data")
    _, first = run([["track", "A", {}]], ADA, replies=[refused])
    _, second = run([["track", "A", {}], ["track", "B", {}]], ADA, replies=[Response(202, {}), refused])
    assert (first.kind, second.kind, second.retryable) == ("rejected", "failed", False)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
JSONS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
SPECIALS = st.sampled_from(
    ["$id", "$email", "$phone_number", "$exchange_id", "$first_name", "$city", "$latitude", "$value", "$event_id", "x"]
)
OBJECTS = st.dictionaries(SPECIALS, JSONS, max_size=5)
CALLS = st.lists(
    st.tuples(st.just("identify"), OBJECTS).map(list)
    | st.tuples(st.just("track"), JSONS, OBJECTS).map(list)
    | st.lists(JSONS, max_size=3),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(calls=CALLS, person=OBJECTS, anonymous=JSONS, timestamp=JSONS | st.datetimes().map(str))
def test_any_calls_give_requests_in_klaviyos_shape(
    calls: list[BrowserCall], person: dict[str, Any], anonymous: object, timestamp: object
) -> None:
    before = json.dumps([calls, person])
    requests, outcome = run(calls, person, anonymousId=anonymous, timestamp=timestamp)
    assert outcome.kind in {"delivered", "skipped", "rejected"}
    assert json.dumps([calls, person]) == before
    for request in requests:
        operation = {"/client/events": "create_client_event", "/client/profiles": "create_client_profile"}[request.path]
        assert_valid(operation, SCHEMA, request.json)


def test_javascript_says_the_calls() -> None:
    assert javascript([["track", "Signed Up", {"plan": "pro"}], ["identify", {"$id": "u1"}]]) == (
        "window.klaviyo = window.klaviyo || [];\n"
        'window.klaviyo.push(["track","Signed Up",{"plan":"pro"}]);\n'
        'window.klaviyo.push(["identify",{"$id":"u1"}]);\n'
    )
    assert javascript([["track", "A"]], "_learnq").endswith('window._learnq.push(["track","A"]);\n')


def test_javascript_keeps_a_key_that_would_set_the_prototype() -> None:
    snippet = javascript([["track", "A", {"__proto__": {"x": 1}, "b": ',"__proto__":'}]])
    assert '{["__proto__"]:{"x":1},"b":",\\"__proto__\\":"}' in snippet


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"x"])
def test_javascript_refuses_what_json_cannot_say(value: object) -> None:
    with pytest.raises(UsageError, match="JSON"):
        javascript([["track", "A", {"x": value}]])


def test_javascript_knows_two_queues() -> None:
    with pytest.raises(UsageError, match="_learnq"):
        javascript([], "alert(1)//")


@given(text=st.text() | st.sampled_from(["</script>", "<!--<script>", "]]>", "\u2028\u2029", "&lt;"]))
def test_javascript_is_safe_inside_a_script_element(text: str) -> None:
    snippet = javascript([["track", text, {text: text}]])
    assert snippet.isascii()
    assert not re.search("[<>&]", snippet)
    pushed = snippet.splitlines()[1].removeprefix("window.klaviyo.push(").removesuffix(");")
    if '["__proto__"]' not in pushed:
        assert json.loads(pushed) == ["track", text, {text: text}]
