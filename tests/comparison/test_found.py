"""One side is bent in one way: the comparison finds that, and nothing else."""

from typing import Any

import pytest

import klavier
from klavier import Comparison, compare, parse_event
from klavier.comparison.diff_profiles import compare_profiles
from klavier.comparison.matching import Match
from klavier.comparison.report import Case
from klavier.comparison.rows import Rows
from klavier.comparison.similarity import names
from klavier.comparison.snapshot import StoredProfile
from klavier.comparison.wording import headlines
from klavier.sandbox.profile import Profile
from tests.comparison.plain_vendor import PlainVendor, post, subscribe

Row = tuple[str, str, str, str, int, int]

PLANS = ("free", "pro", "team")


def events(people: int = 3) -> list[klavier.Event]:
    """Return an identify and two tracks of each person."""
    found = []
    for number in range(people):
        base = {"userId": f"u{number}", "timestamp": f"2024-03-01T10:00:{number:02d}Z"}
        traits = {"plan": PLANS[number % 3], "friends": 40 + number}
        bought = {"order_id": f"o-{number}", "total": 10.5 + number, "gift": True}
        found += [
            {**base, "type": "identify", "messageId": f"i{number}", "traits": traits},
            {**base, "type": "track", "messageId": f"t{number}", "event": "Bought", "properties": bought},
            {**base, "type": "track", "messageId": f"s{number}", "event": "Seen", "properties": {"page": f"p{number}"}},
        ]
    return [parse_event(payload) for payload in found]


def renamed(**names: str) -> Any:
    return lambda given: {names.get(name, name): value for name, value in given.items()}


def with_members(**members: Any) -> Any:
    return lambda given: {**given, **members}


def rows(found: Comparison) -> list[Row]:
    return [(row.part, row.kind, row.name, row.other or row.detail, row.count, row.of) for row in found.differences]


def by_email(event: klavier.Event) -> dict[str, Any]:
    return {"email": f"{event.user_id}@shop.test"}


def tracks_by_id(event: klavier.Event) -> dict[str, Any]:
    """Identify people by address, but events by id alone."""
    return {"external_id": str(event.user_id)} if isinstance(event, klavier.Track) else by_email(event)


def only_seen(event: klavier.Event) -> bool:
    return getattr(event, "event", "") == "Seen"


def new_list() -> klavier.Request:
    return post("/api/lists", {"type": "list", "attributes": {"name": "VIP"}})


BENT: list[tuple[str, dict[str, Any], list[Row]]] = [
    ("a metric is renamed", {"metric": lambda name: name.replace("Bought", "Ordered")}, [
        ("metrics", "renamed", "Bought", "Ordered", 3, 3),
    ]),
    ("an event property is renamed", {"properties": renamed(order_id="OrderId")}, [
        ("event_properties", "renamed", "order_id", "OrderId", 3, 3),
    ]),
    ("a property that is always true is renamed alike", {"properties": renamed(gift="Gift")}, [
        ("event_properties", "renamed", "gift", "Gift", 3, 3),
    ]),
    ("a property that is always true is no proof of another name", {"properties": renamed(gift="priority")}, [
        ("event_properties", "only_left", "gift", "", 3, 3),
        ("event_properties", "only_right", "priority", "", 3, 3),
    ]),
    ("distinctive values are proof of any other name", {"properties": renamed(order_id="reference")}, [
        ("event_properties", "renamed", "order_id", "reference", 3, 3),
    ]),
    ("a property is left out", {"properties": lambda given: {k: v for k, v in given.items() if k != "total"}}, [
        ("event_properties", "only_left", "total", "", 3, 3),
    ]),
    ("a number becomes a text", {"properties": lambda given: {k: str(v) for k, v in given.items() if k != "gift"}}, [
        ("event_properties", "changed", "total", "a number → a string", 3, 3),
        ("event_properties", "only_left", "gift", "", 3, 3),
    ]),
    ("letters become large", {"traits": lambda given: given | {"plan": str(given["plan"]).upper()}}, [
        ("properties", "changed", "plan", "letter case", 3, 3),
    ]),
    ("a trait is renamed", {"traits": renamed(friends="Friends")}, [
        ("properties", "renamed", "friends", "Friends", 3, 3),
    ]),
    ("an event is dropped", {"drops": only_seen}, [
        ("metrics", "only_left", "Seen", "", 3, 3),
        ("outcomes", "only_left", "track Seen", "rejected: not wanted here", 3, 3),
    ]),
    ("events are an hour late", {"event": lambda given: given | {"time": given["time"].replace("T10", "T11")}}, [
        ("event_fields", "changed", "time", "whole hours, as time zones do", 3, 3),
        ("event_fields", "changed", "time", "whole hours, as time zones do", 3, 3),
    ]),
    ("events have a value", {"event": lambda given: given | {"value": 7.5}}, [
        ("event_fields", "only_right", "value", "", 3, 3),
        ("event_fields", "only_right", "value", "", 3, 3),
    ]),
    ("events have another id", {"event": lambda given: given | {"unique_id": f"x{given['unique_id']}"}}, [
        ("event_fields", "changed", "unique id", "", 3, 3),
        ("event_fields", "changed", "unique id", "", 3, 3),
    ]),
    ("people have no id", {"person": by_email}, [
        ("identifiers", "only_left", "external_id", "", 3, 3),
    ]),
    ("people are doubled", {"person": tracks_by_id}, [
        ("people", "doubled", "profiles of one person", "", 3, 3),
    ]),
    ("everybody is one person", {"person": lambda _: {"email": "all@shop.test"}}, [
        ("people", "merged", "profiles of one person", "", 1, 1),
        ("identifiers", "changed", "email", "", 1, 1),
        ("identifiers", "only_left", "external_id", "", 1, 1),
        ("properties", "changed", "friends", "the values of several profiles → a number", 1, 1),
        ("properties", "changed", "plan", "the values of several profiles → a string", 1, 1),
    ]),
    ("a list is made that nobody is on", {"more": lambda event: [new_list()] if event.message_id == "i0" else []}, [
        ("lists", "only_right", "VIP", "the list itself", 1, 1),
    ]),
    ("people are asked for consent", {"more": lambda event: [subscribe(event)] if event.type == "identify" else []}, [
        ("consent", "only_right", "email marketing", "waits for confirmation on XUepkK", 3, 3),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("title", "ways", "expected"), BENT, ids=[row[0] for row in BENT])
def test_what_was_bent_is_found(title: str, ways: dict[str, Any], expected: list[Row]) -> None:
    found = compare(events(), PlainVendor(), PlainVendor(**ways))
    if title == "everybody is one person":  # which of three events stands where is another test
        assert [row for row in rows(found) if row[2] != "events of one person on another profile"] == expected
    else:
        assert sorted(rows(found)) == sorted(expected)
    assert found.differs


def test_a_profile_that_becomes_several_with_other_values_is_reported_so() -> None:
    found = compare(events(), PlainVendor(person=lambda _: {"email": "all@shop.test"}), PlainVendor())
    details = {row.name: row.detail for row in found.differences if row.part == "properties"}
    several = "the values of several profiles"
    assert details == {"friends": f"a number → {several}", "plan": f"a string → {several}"}


def test_several_profiles_that_become_fewer_are_compared_in_any_order() -> None:
    stored = [
        StoredProfile(Profile(str(number), 0, 0, properties={"plan": plan}), frozenset([1]))
        for number, plan in enumerate(("pro", "free", "free", "pro", "gold"))
    ]
    found = Rows()
    compare_profiles([Match(stored[1:4], stored[:2]), Match(stored[:3], [stored[0], stored[4]])], [], found)
    several = "the values of several profiles"
    assert [row.detail for row in found.finish() if row.part == "properties"] == [f"{several} → {several}"]


@pytest.mark.parametrize("value", [[], {}, 1, False])
def test_a_value_that_occurs_everywhere_is_no_proof_of_another_name(value: Any) -> None:
    payload = {"type": "track", "userId": "u", "event": "Bought", "messageId": "m", "properties": {"gift": value}}
    found = compare([parse_event(payload)], PlainVendor(), PlainVendor(properties=renamed(gift="priority")))
    assert [row[:3] for row in rows(found)] == [
        ("event_properties", "only_left", "gift"),
        ("event_properties", "only_right", "priority"),
    ]


PRODUCTS = [{"sku": "a-1", "price": 7, "note": {"gift": True, "text": "for you"}}, {"sku": "b-2", "price": 8}]
INSIDE: list[tuple[Any, str]] = [
    ([{"SKU": "a-1", "price": 7, "note": PRODUCTS[0]["note"]}, {"SKU": "b-2", "price": 8}], "inside: sku → SKU"),
    ([{**item, "price": f"{item['price']}"} for item in PRODUCTS], "inside: price differs (a number → a string)"),
    ([{**PRODUCTS[0], "note": {"gift": True}}, PRODUCTS[1]], "inside: note differs (inside: text missing)"),
    ([{**item, "size": "L", "sku": "x"} for item in PRODUCTS], "inside: size new, sku differs"),
    ([{**item, "size": "L", "a": 1, "b": 2, "c": 3} for item in PRODUCTS], "inside: a new, b new, c new, ..."),
    ([{"price": 7}, {**PRODUCTS[1], "size": "L"}], "inside: note missing, size new, sku missing"),
    (PRODUCTS[:1], "length"),
    (PRODUCTS[::-1], "order"),
    ([PRODUCTS[0], "b-2"], ""),
]


@pytest.mark.parametrize(("bent", "text"), INSIDE, ids=[row[1] or "nothing" for row in INSIDE])
def test_differences_inside_objects_are_reported(bent: Any, text: str) -> None:
    payload = {"type": "track", "userId": "u", "event": "Bought", "messageId": "m", "properties": {"items": PRODUCTS}}
    found = compare([parse_event(payload)], PlainVendor(), PlainVendor(properties=with_members(items=bent)))
    assert rows(found) == [("event_properties", "changed", "items", text, 1, 1)]


def test_a_row_names_the_most_frequent_difference_inside() -> None:
    def bent(given: dict[str, Any]) -> dict[str, Any]:
        return {"item": {"sku": given["item"]["sku"]} if given["item"]["number"] else {**given["item"], "new": 1}}

    given = [
        {"type": "track", "userId": "u", "event": "Seen", "messageId": f"m{n}", "properties": {"item": item}}
        for n, item in enumerate({"sku": f"s-{n}", "number": min(n, 1)} for n in range(3))
    ]
    found = compare(map(parse_event, given), PlainVendor(), PlainVendor(properties=bent))
    assert rows(found) == [("event_properties", "changed", "item", "inside: number missing, new new", 3, 3)]


@pytest.mark.parametrize("ways", [row[1] for row in BENT], ids=[row[0] for row in BENT])
def test_a_batch_is_found_out_like_single_events(ways: dict[str, Any]) -> None:
    singly = compare(events(), PlainVendor(), PlainVendor(**ways))
    together = compare(events(), PlainVendor(batch_size=100), PlainVendor(batch_size=100, **ways))
    assert rows(together) == rows(singly)
    assert compare(events(), PlainVendor(batch_size=4, **ways), PlainVendor(**ways)).differences == ()


def test_ids_with_a_common_prefix_are_distinguished_in_a_batch() -> None:
    """The unique id of a product begins with that of its order: `t1` is no origin of `t11/sku`."""
    payloads = [
        {"type": "track", "userId": f"u{n}", "messageId": f"t{n}", "event": "Bought", "properties": {"n": n}}
        for n in range(1, 13)
    ]
    bought = [parse_event(payload) for payload in payloads]
    ways: dict[str, Any] = {"event": lambda given: given | {"unique_id": f"{given['unique_id']}/sku"}}
    found = compare(bought, PlainVendor(batch_size=100, **ways), PlainVendor(**ways, properties=renamed(n="N")))
    assert rows(found) == [("event_properties", "renamed", "n", "N", 12, 12)]
    assert [case.line for case in found.event_properties[0].cases] == list(range(1, 13))


def test_events_without_ids_are_found_in_a_batch_by_their_times() -> None:
    payloads = [
        {"type": "track", "userId": "u", "messageId": f"m{n}", "event": "Seen", "timestamp": f"2024-03-01T10:00:0{n}Z"}
        for n in range(4)
    ]
    ways: dict[str, Any] = {
        "drops": lambda event: event.message_id == "m0",  # so that an event's place in the batch is not its number
        "event": lambda given: {name: value for name, value in given.items() if name != "unique_id"},
    }
    together, singly = PlainVendor(batch_size=100, **ways), PlainVendor(**ways)
    assert rows(compare(map(parse_event, payloads), together, singly)) == []


def test_push_tokens_belong_to_the_consent() -> None:
    def token(event: klavier.Event, name: str) -> klavier.Request:
        tokens = [{"token": name, "platform": "ios", "vendor": "apns"}]
        push = {"marketing": {"consent": "SUBSCRIBED"}, "tokens": tokens, "anonymous_id": "a1"}
        attributes = {"email": f"{event.user_id}@shop.test", "subscriptions": {"push": push}}
        job = {"profiles": {"data": [{"type": "profile", "attributes": attributes}]}}
        body = {"type": "profile-subscription-bulk-create-job", "attributes": job}
        return post("/api/profile-subscription-bulk-create-jobs", body)

    def one_of(name: str) -> PlainVendor:
        return PlainVendor(more=lambda event: [token(event, name)] if event.message_id == "i0" else [])

    found = compare(events(), one_of("t1"), one_of("t2"), opt_in="single_opt_in")
    assert rows(found) == [("consent", "changed", "push tokens", "", 1, 3)]
    assert [(case.left, case.right) for case in found.consent[0].cases] == [("ios t1", "ios t2")]


@pytest.mark.parametrize(
    ("left", "right", "similarity"),
    [("product_id", "ProductID", 1.0), ("zip", "zip_code", 0.5), ("gift", "priority", 0.0), ("a", "b", 0.0)],
)
def test_names_are_similar_that_have_letter_pairs_in_common(left: str, right: str, similarity: float) -> None:
    assert names(left, right) == names(right, left) == pytest.approx(similarity)


def test_single_opt_in_makes_members() -> None:
    asks = PlainVendor(more=lambda event: [subscribe(event)] if event.type == "identify" else [])
    found = compare(events(), PlainVendor(), asks, opt_in="single_opt_in")
    assert sorted(rows(found)) == [
        ("consent", "only_right", "email marketing", "", 3, 3),
        ("lists", "only_right", "XUepkK", "", 3, 3),
    ]
    assert (found.left.lists, found.right.lists) == ({}, {"XUepkK": 3})


def test_profiles_of_one_side_count_once_and_on_their_lists() -> None:
    asks = {"more": lambda event: [subscribe(event)] if event.type == "identify" else []}
    found = compare(
        events(),
        PlainVendor(**asks),
        PlainVendor(**asks, drops=lambda event: event.user_id == "u2"),
        opt_in="single_opt_in",
    )
    assert [row[:3] for row in rows(found) if row[0] in ("people", "lists", "consent", "properties")] == [
        ("consent", "only_left", "email marketing"),
        ("people", "only_left", "people"),
        ("lists", "only_left", "XUepkK"),
    ]


def test_cases_name_event_profile_and_values() -> None:
    found = compare(events(), PlainVendor(), PlainVendor(properties=renamed(order_id="OrderId")))
    (row,) = found.event_properties
    assert row.where == "Bought"
    assert row.cases[1] == Case(5, "email:u1@shop.test", "o-1", "o-1")
    few = compare(events(), PlainVendor(), PlainVendor(properties=renamed(order_id="OrderId")), most_cases=2)
    assert (few.event_properties[0].count, len(few.event_properties[0].cases)) == (3, 2)
    sides = PlainVendor(), PlainVendor(drops=only_seen)
    assert compare(events(1), *sides).outcomes[0].cases == (Case(3, "", "delivered", "rejected"),)
    assert compare(events(1), *sides[::-1]).outcomes[0].cases == (Case(3, "", "rejected", "delivered"),)


def test_products_pair_with_their_own_counterparts() -> None:
    """An order becomes an event of its own and one for each product, in another order and under other names."""

    def products(name: str, sku: str, *, is_reversed: bool) -> Any:
        def more(event: klavier.Event) -> list[klavier.Request]:
            if getattr(event, "event", "") != "Bought":
                return []
            vendor = PlainVendor(
                metric=lambda _: name,
                event=lambda given: given | {"unique_id": f"{given['unique_id']}:{given['properties'][sku]}"},
            )
            given = event.payload["properties"]
            items = [{sku: f"{given['order_id']}-{n}", "price": n, "colour": f"c{n}"} for n in (1, 2, 3)]
            return [
                vendor._request(parse_event({**event.payload, "properties": item}))
                for item in (items[::-1] if is_reversed else items)
            ]

        return more

    found = compare(
        events(),
        PlainVendor(more=products("Ordered Product", "sku", is_reversed=False)),
        PlainVendor(more=products("Bought Item", "SKU", is_reversed=True)),
    )
    assert rows(found) == [
        ("metrics", "renamed", "Ordered Product", "Bought Item", 9, 9),
        ("event_properties", "renamed", "sku", "SKU", 9, 9),
    ]


def test_headlines_name_lists_by_their_members_or_without() -> None:
    def vip(event: klavier.Event) -> list[klavier.Request]:
        return [new_list()] if event.message_id == "i0" else []

    def both(event: klavier.Event) -> list[klavier.Request]:
        return [*vip(event), *([subscribe(event)] if event.type == "identify" else [])]

    empty = compare(events(), PlainVendor(), PlainVendor(more=vip))
    assert headlines(empty) == ["Lists that differ without a member: VIP."]
    full = compare(events(), PlainVendor(), PlainVendor(more=both), opt_in="single_opt_in")
    lists = ["List XUepkK: 3 more members.", "Lists that differ without a member: VIP."]
    assert headlines(full) == ["Consent would differ 3 times.", *lists]


def test_what_is_no_vendor_or_event_is_named() -> None:
    with pytest.raises(klavier.UsageError, match=r"left: must be a vendor .*, not a string"):
        compare([], "little", PlainVendor())  # type: ignore[arg-type]  # what is tested
    with pytest.raises(klavier.UsageError, match="events: number 1 is an object, not an event"):
        compare([{}], PlainVendor(), PlainVendor())  # type: ignore[list-item]  # what is tested
    with pytest.raises(klavier.UsageError, match="events: must be a list of events, not a number"):
        compare(3, PlainVendor(), PlainVendor())  # type: ignore[arg-type]  # what is tested


def test_calls_and_minutes() -> None:
    many = [parse_event({"type": "identify", "userId": f"u{n}", "messageId": f"m{n}"}) for n in range(1600)]
    found = compare(many, PlainVendor(), PlainVendor(drops=lambda _: True))
    (calls,) = found.left.calls
    assert (calls.operation, calls.count, found.right.calls) == ("create_or_update_profile", 1600, ())
    # 750 a minute: the first two minutes are full, then 75 a second.
    assert found.left.minutes == pytest.approx(2 + 1 / 60)
    assert found.right.minutes == 0


def test_a_call_that_klaviyo_does_not_have_is_counted_as_unknown() -> None:
    odd = klavier.Request("POST", "/api/nothing", json={})
    found = compare(events(1), PlainVendor(), PlainVendor(more=lambda _: [odd]))
    assert [(row.operation, row.path, row.count) for row in found.right.calls if row.operation == "unknown"] == [
        ("unknown", "another path", 3)
    ]


def test_batches_of_a_real_vendor_leave_the_same() -> None:
    """Profiles and subscriptions in bulk; what is counted otherwise is the calls."""
    mappings = [{"action": "upsertProfile"}, {"action": "trackEvent"}]
    batched = [{**mapping, "fields": {"enable_batching": True}} for mapping in mappings]
    singly, together = (
        klavier.load_vendor("segment-actions", {"api_key": "pk_any", "mappings": found})
        for found in (mappings, batched)
    )
    assert together.batch_size > singly.batch_size
    named = [
        parse_event({**event.payload, "context": {"traits": {"email": f"{event.user_id}@shop.test"}}})
        for event in events(40)
    ]
    found = compare(named, singly, together)
    assert found.differences == ()
    assert (found.left.people, found.right.people) == (40, 40)
    assert sum(calls.count for calls in found.right.calls) < sum(calls.count for calls in found.left.calls)
    bent = compare(named, PlainVendor(), together)
    assert bent.metrics == bent.people == ()


def test_no_repr_shows_anybody() -> None:
    found = compare(events(), PlainVendor(), PlainVendor(traits=renamed(friends="Friends")))
    assert "shop.test" not in repr(found)
    assert found.as_json()["differences"][0]["cases"][0]["person"] == "email:u0@shop.test"
