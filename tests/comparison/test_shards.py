"""Comparisons of shards, merged: the same as the comparison of all events."""

from itertools import combinations
from typing import Any

import orjson
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import (
    Comparison,
    Event,
    Request,
    Track,
    UsageError,
    Vendor,
    compare,
    load_vendor,
    parse_event,
    read_comparison,
)
from klavier.comparison.identifiers import Components
from klavier.comparison.list_states import ListStates
from klavier.comparison.merge import add_amounts
from klavier.comparison.report import Amount
from klavier.comparison.shard import Shard
from tests.comparison.plain_vendor import PlainVendor, subscribe

VENDORS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("rudderstack", {"private_api_key": "pk_1"}),  # with a list it sends identify calls of several people together
    ("freshpaint", {"private_api_key": "pk_1", "public_api_key": "PUBKEY"}),
    ("segment-actions", {"api_key": "pk_1"}),
    ("segment-classic", {"api_key": "PUBKEY", "private_key": "pk_1", "list_id": "XUepkK"}),
)
PAIRS = list(combinations(VENDORS, 2))

PEOPLE = st.integers(0, 5)
VALUES = st.sampled_from([1, 2.5, True, "", "blue", "green", ["a"], {"size": 1, "kind": "x"}, {"Size": 1}])
NAMES = st.sampled_from(["total", "revenue", "order_id", "color", "colour", "items", "plan"])
MEMBERS = st.dictionaries(NAMES, VALUES, max_size=4)


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Draw events of a few people, who are known by user id, anonymous id, address or several of them."""
    found = []
    for number in range(draw(st.integers(1, 14))):
        person = draw(PEOPLE)
        payload: dict[str, Any] = {"messageId": f"m-{number}", "timestamp": f"2026-11-01T10:00:{number:02d}Z"}
        known = draw(st.sets(st.sampled_from(["user", "device", "email", "phone", "other"]), min_size=1))
        if "user" in known:
            payload["userId"] = f"user-{person}"
        if "device" in known or "user" not in known:
            payload["anonymousId"] = f"device-{person // 2}"  # people share some
        traits: dict[str, Any] = {"email": f"P{person}@shop.test"} if "email" in known else {}
        if "phone" in known:
            traits["phone"] = f"+1415555010{draw(PEOPLE) if 'other' in known else person}"
        if draw(st.booleans()):
            payload |= {"type": "identify", "traits": {**draw(MEMBERS), **traits}}
        else:
            name = draw(st.sampled_from(["Order Completed", "Product Viewed", "Video Played"]))
            product_of = {"product_id": f"p{number}", "name": draw(VALUES), "price": number}
            more = {"products": [product_of, {**product_of, "sku": "s"}]} if name == "Order Completed" else {}
            payload |= {"type": "track", "event": name, "properties": {**draw(MEMBERS), **more}}
            payload["context"] = {"traits": traits}
        found.append(parse_event(payload))
    return found


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=lambda vendor: vendor[0])
@settings(max_examples=max(settings().max_examples // 12, 3))
@given(events=streams(), most=st.sampled_from([None, 0, 2]), shards=st.integers(1, 4))
def test_merged_shards_are_the_single_comparison(
    left: tuple[str, dict[str, Any]], right: tuple[str, dict[str, Any]], events: list[Event], most: int, shards: int
) -> None:
    vendors = load_vendor(*left), load_vendor(*right)
    whole = compare(events, *vendors, most_cases=most)
    parts = [compare(events, *vendors, most_cases=most, shard=(i, shards)) for i in reversed(range(shards))]
    merged = Comparison.merge(parts)
    assert merged.differences == whole.differences
    assert without_calls(merged) == without_calls(whole)
    assert Comparison.merge([through_json(part) for part in parts]) == merged


def without_calls(found: Comparison) -> Comparison:
    """Leave out the calls: a batch of events that are in several shards takes several."""
    left, right = (evolve(side, calls=(), minutes=0.0) for side in (found.left, found.right))
    return evolve(found, left=left, right=right, differences=())


def through_json(found: Comparison) -> Comparison:
    return read_comparison(orjson.loads(orjson.dumps(found.as_json())))


def shop(people: int = 12) -> list[Event]:
    return [
        parse_event({"type": "track", "event": "Seen", "userId": f"u{number % people}", "messageId": f"m{number}"})
        for number in range(3 * people)
    ]


def vendors() -> tuple[Vendor, Vendor]:
    return load_vendor(*VENDORS[0]), load_vendor(*VENDORS[2])


def test_every_event_is_in_one_shard_with_all_events_of_its_profile() -> None:
    parts = [compare(shop(), *vendors(), shard=(i, 4)) for i in range(4)]
    assert sum(part.events for part in parts) == 36
    assert sum(part.left.people for part in parts) == 12
    assert all(part.events % 3 == 0 for part in parts)
    assert len([part for part in parts if part.events]) > 1


def test_identifiers_join_events_through_others() -> None:
    payloads: list[dict[str, Any]] = [
        {"type": "track", "event": "E", "anonymousId": "device"},
        {"type": "identify", "userId": "u1", "anonymousId": "device"},
        {"type": "track", "event": "E", "userId": "u1", "properties": {"email": " Ada@Shop.test "}},
        {"type": "identify", "userId": "u2", "context": {"traits": {"email": "ada@shop.test"}}},
        {"type": "alias", "previousId": "u2", "userId": 7},
        {"type": "identify", "userId": "7", "traits": {"phone": "+1 (415) 555-0100"}},
        {"type": "identify", "anonymousId": "x", "traits": {"Phone Number": "4155550100"}},
        {"type": "track", "event": "E", "userId": "somebody else", "properties": {"id": "7"}},
    ]
    components = Components()
    for payload in payloads:
        components.add(parse_event(payload))
    shards = [components.shard(place, 1_000_003) for place in range(len(payloads))]
    assert len(set(shards[:-1])) == 1
    assert shards[-1] != shards[0]


def test_further_places_of_identifiers_can_be_named() -> None:
    def joined(paths: tuple[str, ...]) -> bool:
        components = Components(paths)
        for user in ("u1", "u2"):
            properties = {"customer": {"number": 12}}
            components.add(parse_event({"type": "track", "event": "E", "userId": user, "properties": properties}))
        return components.shard(0, 1_000_003) == components.shard(1, 1_000_003)

    assert not joined(())
    assert joined(("properties.customer.number",))


@pytest.mark.parametrize("shard", [(4, 4), (-1, 4), (0, 0), (0,), "0/4", (0.0, 4), (True, 2)])
def test_a_wrong_shard_is_refused(shard: Any) -> None:
    with pytest.raises(UsageError, match=r"shard: must be two integers \(i, n\)"):
        compare(shop(), *vendors(), shard=shard)


def test_an_iterator_is_refused_for_shards() -> None:
    with pytest.raises(UsageError, match="events: shards need them twice"):
        compare(iter(shop()), *vendors(), shard=(0, 2))


def test_what_is_no_event_is_refused_by_its_number() -> None:
    events: list[Any] = [*shop(1), "no event"]
    with pytest.raises(UsageError, match="events: number 4 is a string"):
        compare(events, *vendors(), shard=(0, 2))


def test_merge_refuses_what_does_not_belong_together() -> None:
    one, two = (compare(shop(), *vendors(), shard=(i, 2)) for i in range(2))
    cases: list[tuple[list[Any], str]] = [
        ([], "there is no comparison"),
        ([one], "shard 1 is missing, of 2"),
        ([one, one, two], "shard 0 is there twice"),
        ([one, compare(shop(), *vendors(), shard=(1, 3))], "several comparisons"),
        ([one, compare(shop(), *vendors())], "a comparison of all events is no comparison of a shard"),
        ([one, {}], "an object is no comparison of a shard"),
    ]
    for parts, message in cases:
        with pytest.raises(UsageError, match=message):
            Comparison.merge(parts)
    assert isinstance(shop()[0], Track)


def test_figures_of_sides_without_calls_and_in_several_currencies_add_up() -> None:
    parts = [compare(shop(), *vendors(), shard=(i, 2)) for i in range(2)]
    amounts = (Amount("Bought", "EUR", 0.1), Amount("Bought", None, -0.3), Amount("Bought", "CHF", 0.2))
    left = [evolve(part.left, calls=(), minutes=0.0, amounts=amounts) for part in parts]
    merged = Comparison.merge(evolve(part, left=side) for part, side in zip(parts, left, strict=True))
    assert merged.left.minutes == 0
    assert merged.left.amounts == (
        Amount("Bought", None, -0.6),
        Amount("Bought", "CHF", 0.4),
        Amount("Bought", "EUR", 0.2),
    )
    equal = add_amounts([("Bought", "USD", 1), ("Bought", "EUR", 1), ("Bought", None, 1), ("Bought", "EUR", None)])
    assert [amount.currency for amount in equal] == [None, "EUR", "USD"]


def test_a_list_with_members_is_no_difference_of_its_own_in_any_shard() -> None:
    def join(event: Event) -> list[Request]:
        return [subscribe(event)]

    asking, silent = PlainVendor(more=join), PlainVendor()
    whole = compare(shop(), asking, silent, opt_in="single_opt_in")
    parts = [compare(shop(), asking, silent, opt_in="single_opt_in", shard=(i, 3)) for i in range(3)]
    merged = Comparison.merge(map(through_json, parts))
    assert merged.lists == whole.lists
    shard = parts[0].shard
    assert isinstance(shard, Shard)
    shard.rows.lists.left["VIP"] = "double_opt_in"
    again = through_json(parts[0]).shard
    assert isinstance(again, Shard)
    assert again.rows.lists == shard.rows.lists != ListStates()
    assert [(row.kind, row.name, row.detail, row.count) for row in merged.lists] == [("only_left", "XUepkK", "", 12)]


NOTHING, UNCHANGED = "as Comparison.as_json returns it, not", "that Comparison.as_json returned, unchanged"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, f"{NOTHING} null"),
        ([], f"{NOTHING} an array"),
        ({}, UNCHANGED),
        ({"events": 1}, UNCHANGED),
        ({"shard": {"index": 0}}, UNCHANGED),
    ],
)
def test_what_is_no_comparison_is_refused(data: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_comparison(data)
