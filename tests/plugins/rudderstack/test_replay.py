"""Events of a shape that comes often are translated by a function of their own: to the same, byte for byte."""

import re
from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import parse_event
from klavier.klaviyo.limits import refusal
from klavier.klaviyo.times import klaviyo_time
from klavier.vendor import FidelityName, Wire
from klavier_rudderstack import acceptable
from klavier_rudderstack.cloud import Cloud
from klavier_rudderstack.commerce import metric_of
from klavier_rudderstack.mode import mode_of
from klavier_rudderstack.parcel import Refused, Skip
from klavier_rudderstack.replay import slot
from klavier_rudderstack.replay.person import PersonSlots
from klavier_rudderstack.replay.profiles import ReplayedProfile
from klavier_rudderstack.replay.shapes import MET, MOST_CHARACTERS, Shapes
from klavier_rudderstack.replay.slot import text
from klavier_rudderstack.settings import RudderStackSettings
from klavier_rudderstack.tables import profile, traits

FIDELITIES: tuple[FidelityName, ...] = ("documented", "deployed")
WIRES: tuple[Wire, ...] = ("current", "native")
MODES = [
    mode_of(
        RudderStackSettings(
            private_api_key="pk_x", api_version=version, fidelity=fidelity, wire=wire, enforce_email_as_primary=enforce
        )
    )
    for version, fidelity, wire, enforce in product(("v1", "v2"), FIDELITIES, WIRES, (False, True))
]

_TEXTS = st.sampled_from(["u1", "a@b.org", "+14155550100", "Alex", "JP", " ", "é@x", "a.b", "#1"])
_ODD = st.sampled_from([None, "", 0, False, 5, 1.5, True, [], ["a"], {}, {"city": "Kyoto", "zip": 7}, " a@b.org "])
_MOSTLY_TEXT = st.one_of(_TEXTS, _TEXTS, _TEXTS, _ODD)
_TRAITS = st.dictionaries(
    st.sampled_from(
        ["email", "phone", "firstName", "first_name", "id", "userId", "city", "state", "region", "zip", "postalcode",
         "street", "title", "timezone", "_kx", "consent", "plan", "age", "anonymousId", "a.b", "a", "properties",
         "address", "location", "$email", "$first_name", "$zip", "é 'x\" \\"]
    ),
    _MOSTLY_TEXT,
    max_size=8,
)  # fmt: skip
_CONTEXT = st.fixed_dictionaries(
    {},
    optional={
        "traits": st.one_of(_TRAITS, _TRAITS, _TRAITS, _ODD),
        "ip": _MOSTLY_TEXT,
        "address": _ODD,
        "location": _ODD,
        "externalId": st.one_of(_ODD, st.just([{"type": "klaviyo-profileId", "id": "01H"}])),
    },
)
_ITEMS = st.dictionaries(
    st.sampled_from(["product_id", "price", "quantity", "total", "row_total", "ProductID", "RowTotal", "é '"]),
    st.one_of(_MOSTLY_TEXT, st.integers(0, 3)),
    max_size=4,
)
_VALUES = st.one_of(_MOSTLY_TEXT, st.sampled_from([0, 7, 2.5, "2.5", "USD", "usd", "Paid"]))
_PROPERTIES = st.dictionaries(
    st.sampled_from(
        ["email", "phone", "city", "title", "revenue", "total", "value", "currency", "value_currency", "sku", "event",
         "name", "price", "categories", "Categories", "order_id", "item_names", "Items", "items", "products",
         "$event_id", "$value", "a.b"]
    ),
    st.one_of(_VALUES, _VALUES, st.lists(st.one_of(_ITEMS, _ITEMS, _ODD), max_size=3)),
    max_size=4,
)  # fmt: skip
_TIMES = st.sampled_from(
    ["2024-03-01T10:20:30.123Z", "2024-13-01T10:20:30.123Z", "1989-03-01T10:20:30.123Z", "2024-03-01", 5, "", None]
)
_NAMES = st.sampled_from(["Paid", "Checkout Started", " product added", "Product Viewed", "n" * 128, "", 5, None])
_EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "track", "identify", "screen"]), "event": _NAMES},
    optional={
        "userId": _MOSTLY_TEXT,
        "anonymousId": _MOSTLY_TEXT,
        "messageId": st.one_of(st.just("m1"), _MOSTLY_TEXT, st.just("m" * 256)),
        "timestamp": _TIMES,
        "originalTimestamp": _TIMES,
        "traits": st.one_of(_TRAITS, _TRAITS, _TRAITS, _ODD),
        "context": _CONTEXT,
        "properties": st.one_of(_PROPERTIES, _PROPERTIES, _PROPERTIES, _ODD),
        "request_ip": _MOSTLY_TEXT,
        "latitude": _MOSTLY_TEXT,
        "integrations": st.sampled_from(
            [{"All": True}, {"Klaviyo": {"fieldsToUnset": ["plan"]}}, {"Klaviyo": True}, {"All": False}, None, 1]
        ),
    },
)


def _come_to(cloud: Cloud, payload: dict[str, Any]) -> Any:
    """Give all that an event comes to, as text, so that the order of members counts."""
    event = parse_event(payload)
    sent = cloud.at_once(event)
    if sent is not None:
        assert cloud._mode.exact or refusal(sent.request, None, sent.measured) == refusal(sent.request)
        place = [None, sent.request.json] if sent.request.path == "/api/events" else [sent.request.json, None]
        return orjson.dumps([*place, None, sent.notes])
    try:
        parcel = cloud.parcel(event)
    except (Refused, Skip) as left_out:
        return str(left_out)
    request = parcel.event and parcel.event.json
    member = parcel.membership and parcel.membership.profile
    return orjson.dumps([parcel.profile, request, member, parcel.notes])


_USUAL = {
    "email": "plain@example.org",
    "phone": "+14155550111",
    "timestamp": "2024-03-01T10:20:30.123Z",
    "originalTimestamp": "2024-03-01T10:20:30.123Z",
    "revenue": 5,
    "total": 5.5,
    "value": 7,
    "currency": "USD",
}


def _plain(value: Any, name: str = "") -> Any:
    """Give a value of the same shape in which all is as it should be."""
    if isinstance(value, dict):
        return {key: _plain(member, key) for key, member in value.items()}
    if name in ("items", "products"):
        return [{"product_id": "p1", "price": 2}, {"product_id": "p2", "price": 0}]
    return _USUAL.get(name, f"plain {name}")


@pytest.mark.parametrize("mode", MODES, ids=lambda m: f"{m.settings.api_version}-{m.settings.fidelity}-{m.revision}")
@given(payload=_EVENTS)
@settings(max_examples=40)
def test_an_event_comes_to_the_same_whether_its_shape_is_new_or_not(mode: Any, payload: dict[str, Any]) -> None:
    often = Cloud(mode)
    name = payload["event"] if isinstance(payload["event"], str) else "Paid"
    fixed = {"type": payload["type"], "event": name}
    for _ in range(MET):
        _come_to(often, {**_plain(payload), **fixed})
    assert _come_to(often, payload) == _come_to(Cloud(mode), payload)
    assert _come_to(often, {**_plain(payload), **fixed}) == _come_to(Cloud(mode), {**_plain(payload), **fixed})


def test_the_general_way_is_left_for_what_comes_often_and_taken_for_what_is_odd() -> None:
    asked: list[Any] = []

    def general(event: Any, _: list[str]) -> dict[str, Any]:
        found = event.context["traits"]
        asked.append(found)
        return {"attributes": {"email": found["email"]}, "custom": {"plan": found["plan"]}}

    guards = {"email": text("not is_lower({0})", is_lower=str.islower)}
    make = ReplayedProfile(general, PersonSlots(profile.V1_EVENT, traits.V1, guards), "")

    def said(email: Any, plan: Any) -> Any:
        return make(parse_event({"type": "track", "context": {"traits": {"email": email, "plan": plan}}}), [])

    for number in range(MET):
        assert said("a", number)["custom"] == {"plan": number}
    asked.clear()
    assert said("b", {"c": 1}) == {"attributes": {"email": "b"}, "custom": {"plan": {"c": 1}}}
    assert asked == []
    odd: list[tuple[Any, Any]] = [("B", 1), ("", 1), (None, 1), (5, 1), (["a"], 1), ("a", None)]
    for email, plan in odd:
        assert said(email, plan) == {"attributes": {"email": email}, "custom": {"plan": plan}}
    assert len(asked) == len(odd)


_DEEP = [[[[[[[[[[[1]]]]]]]]]]]
_BEYOND: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the name": ({"event": "n" * 128}, {}),
    "the id": ({"messageId": "m" * 256}, {}),
    "the address": ({"context": {"traits": {"email": "a" * 50 + "@" + "b" * 50}}}, {}),
    "a long text": ({}, {"colour": "x" * 100_001}),
    "a large profile": ({"context": {"traits": {"email": "x" * 99_000 + "@b.org"}}}, {}),
    "levels": ({}, {"colour": _DEEP}),
    "levels of items": ({}, {"products": [{"product_id": "p", "categories": _DEEP}]}),
    "an array": ({}, {"colour": [1] * 4001}),
    "items": ({}, {"products": [{"product_id": "p"}] * 4001}),
    "nothing": ({}, {}),
}


@pytest.mark.parametrize("mode", MODES, ids=lambda m: f"{m.settings.api_version}-{m.settings.fidelity}-{m.revision}")
@pytest.mark.parametrize("what", _BEYOND)
@pytest.mark.parametrize("name", ["Paid", "Checkout Started"])
def test_what_is_known_of_the_limits_is_true(mode: Any, what: str, name: str) -> None:
    cloud = Cloud(mode)
    properties = {"order_id": "o", "colour": "red", "products": [{"product_id": "p", "categories": ["c"]}]}
    usual = {"type": "track", "event": name, "messageId": "m", "timestamp": _USUAL["timestamp"]}
    plain = {**usual, "context": {"traits": {"email": "a@b.org"}}, "properties": properties}
    person = {"email": "a@b.org", "plan": [1]}
    people = {"type": "identify", "traits": person, "context": {}}
    for _ in range(MET):
        _come_to(cloud, plain)
        _come_to(cloud, people)
    changes, more = _BEYOND[what]
    _come_to(cloud, {**plain, **changes, "properties": {**properties, **more}})
    _come_to(cloud, {**people, "traits": {**person, **changes.get("context", {}).get("traits", {}), **more}})


def test_an_anonymous_id_that_is_the_user_id_is_no_loss_in_a_known_shape_either() -> None:
    cloud = Cloud(mode_of(RudderStackSettings(private_api_key="pk_x", api_version="v2")))
    notes = [
        orjson.loads(_come_to(cloud, {"type": "identify", "userId": user, "anonymousId": "a"}))[-1]
        for user in (*["u"] * MET, "u", "a")
    ]
    assert [len(each) for each in notes] == [1] * MET + [1, 0]


@pytest.mark.parametrize("mode", MODES, ids=lambda m: f"{m.settings.api_version}-{m.settings.fidelity}-{m.revision}")
@pytest.mark.parametrize("name", ["Paid", "Checkout Started"])
def test_what_comes_often_and_is_plain_is_translated_without_the_general_way(mode: Any, name: str) -> None:
    cloud = Cloud(mode)
    properties = {"order_id": "o", "value": 7, "products": [{"product_id": "p", "price": 2.5}], "colour": None}
    usual = {"type": "track", "event": name, "userId": "u", "messageId": "m", "timestamp": _USUAL["timestamp"]}
    plain = {**usual, "context": {"traits": {"email": "a@b.org", "plan": "free"}}, "properties": properties}
    for _ in range(MET):
        _come_to(cloud, plain)
    made = _come_to(cloud, {**plain, "userId": "v"})
    del cloud._content  # the general way is gone for good
    assert _come_to(cloud, {**plain, "userId": "v"}) == made == _come_to(Cloud(mode), {**plain, "userId": "v"})


@given(st.one_of(st.from_regex(r"[a@. \u00a0\u2028\x1c]{0,6}", fullmatch=True), st.text(max_size=8), st.emails()))
def test_an_address_has_text_around_one_sign_and_no_white_space(text: str) -> None:
    assert acceptable.is_email(text) is (re.fullmatch(r"[^@\s]+@[^@\s]+", text) is not None)


@given(st.one_of(st.from_regex(slot.TIME.pattern, fullmatch=True), st.sampled_from(["2024-02-29T00:00:00.000Z"])))
def test_a_time_that_a_written_function_takes_is_one_that_klaviyo_takes_unchanged(text: str) -> None:
    assert klaviyo_time(text) == text


@given(st.from_regex(slot.EMAIL.pattern, fullmatch=True))
def test_an_address_that_a_written_function_takes_is_one_that_klaviyo_takes(text: str) -> None:
    assert acceptable.is_email(text)


@given(st.from_regex(slot.CURRENCY.pattern, fullmatch=True))
def test_a_currency_that_a_written_function_takes_is_one_that_klaviyo_takes(text: str) -> None:
    assert acceptable.is_code(text)


@pytest.mark.parametrize("odd", ["u\0", "\0", "u\0a\0b"])
def test_text_that_holds_the_separator_is_translated_the_general_way(odd: str) -> None:
    payload = {"type": "track", "event": "Paid", "userId": "u", "messageId": "m", "anonymousId": "a"}
    for mode in MODES:
        cloud = Cloud(mode)
        for _ in range(MET):
            _come_to(cloud, payload)
        for name in ("userId", "anonymousId", "messageId", "event"):
            assert _come_to(cloud, {**payload, name: odd}) == _come_to(Cloud(mode), {**payload, name: odd})


def test_an_identify_call_that_steers_a_subscription_is_said_with_it() -> None:
    cloud = Cloud(mode_of(RudderStackSettings(private_api_key="pk_x", api_version="v2")))
    traits = {"email": "a@b.org", "properties": {"listId": "L", "subscribe": True}}
    for _ in range(MET + 1):
        event = parse_event({"type": "identify", "userId": "u", "traits": traits})
        assert cloud.at_once(event) is None
        membership = cloud.parcel(event).membership
        assert membership is not None
        assert membership.list_id == "L"


def test_long_names_are_not_kept() -> None:
    shapes: Shapes[str] = Shapes()
    for _ in range(MET):
        shapes.meet((None, "n" * (MOST_CHARACTERS + 1)), 1, lambda: "long")
        shapes.meet((None, "n" * MOST_CHARACTERS), 1, lambda: "short")
    assert shapes.get((None, "n" * (MOST_CHARACTERS + 1))) is None
    assert shapes.get((None, "n" * MOST_CHARACTERS)) == "short"


def test_a_long_name_of_an_event_is_still_understood() -> None:
    assert metric_of("Checkout Started" + " " * 1000) == metric_of("checkout started") is not None
