"""What holds for any events and any two vendors: nothing is found that is not there, and nothing is missed."""

import zlib
from collections import Counter
from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from klavier import Comparison, Event, Vendor, load_vendor, parse_event
from klavier.cli.diff_table import table
from klavier.comparison.compare import Comparing, compare
from klavier.comparison.page import page
from klavier.comparison.report import Difference
from klavier.plugins import installed_plugins
from tests.support.searching import EXAMPLES, SINGLES, STREAMS
from tests.support.setups import Setup, setups

VENDORS = sorted(installed_plugins().vendors)
KEYS: dict[str, dict[str, Any]] = {
    "freshpaint": {"private_api_key": "pk_0123456789", "public_api_key": "PUBKEY"},
    "rudderstack": {"private_api_key": "pk_0123456789", "list_id": "XUepkK", "consent": ["email"]},
    "segment-actions": {"api_key": "pk_0123456789"},
    "segment-classic": {"api_key": "PUBKEY", "private_key": "pk_0123456789", "list_id": "XUepkK"},
}
MIRRORED = {"only_left": "only_right", "only_right": "only_left", "merged": "doubled", "doubled": "merged"}


ANY_VENDOR = st.sampled_from(setups()).flatmap(Setup.vendors)


def vendor(name: str) -> Vendor:
    return load_vendor(name, KEYS[name])


@pytest.mark.parametrize("setup", setups(), ids=str)
def test_a_vendor_against_itself_shows_no_difference(setup: Setup) -> None:
    @settings(max_examples=max(EXAMPLES // 3, 1))  # there are many setups
    @given(setup.vendors(), st.one_of(SINGLES, STREAMS))
    def holds(vendor: Vendor, payloads: list[dict[str, Any]]) -> None:
        found = compare([parse_event(payload) for payload in payloads], vendor, vendor)
        assert found.differences == ()
        assert found.left == found.right

    if settings().derandomize:  # each setup has examples of its own
        holds = seed(zlib.crc32(str(setup).encode()))(holds)
    holds()


PAIRS = [(left, right) for left, right in product(VENDORS, VENDORS) if left != right]


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_what_differs_is_found_and_nothing_else(left: str, right: str) -> None:
    @settings(max_examples=EXAMPLES)
    @given(STREAMS)
    def holds(payloads: list[dict[str, Any]]) -> None:
        found, is_same = compared(vendor(left), vendor(right), [parse_event(payload) for payload in payloads])
        assert is_same == (not [row for row in found.differences if row.part != "outcomes"])

    holds()


@pytest.mark.parametrize(("left", "right"), [pair for pair in PAIRS if pair[0] < pair[1]])
def test_swapping_the_sides_mirrors_the_report(left: str, right: str) -> None:
    @settings(max_examples=EXAMPLES)
    @given(STREAMS)
    def holds(payloads: list[dict[str, Any]]) -> None:
        events = [parse_event(payload) for payload in payloads]
        there = compare(events, vendor(left), vendor(right))
        back = compare(events, vendor(right), vendor(left))
        assert (there.left, there.right) == (back.right, back.left)
        assert rows(there.differences) == rows(mirror(row) for row in back.differences)

    holds()


@given(ANY_VENDOR, ANY_VENDOR, st.one_of(SINGLES, STREAMS))
def test_any_two_setups(one: Vendor, other: Vendor, payloads: list[dict[str, Any]]) -> None:
    events = [parse_event(payload) for payload in payloads]
    there, is_same = compared(one, other, events)
    assert is_same == (not [row for row in there.differences if row.part != "outcomes"])
    back = compare(events, other, one)
    assert rows(there.differences) == rows(mirror(row) for row in back.differences)
    assert orjson.loads(orjson.dumps(there.as_json()))["differs"] == there.differs
    assert page(there, values=True).encode()
    assert all(line.isprintable() for line in table(there, values=True))


def compared(left: Vendor, right: Vendor, events: list[Event]) -> tuple[Comparison, bool]:
    """Compare, and tell whether the sandboxes hold the same; lists without a member are there in any case."""
    comparing = Comparing(left, right)
    for number, event in enumerate(events, 1):
        comparing.add(number, event)
    found = comparing.finish()
    one, other = (side.sandbox.comparable() | {"lists": []} for side in (comparing.left, comparing.right))
    return found, one == other


def rows(differences: Any) -> Counter[Any]:
    return Counter(
        (row.part, row.kind, row.name, row.other, row.where, _outside(row.detail), row.count, row.of)
        for row in differences
    )


def _outside(detail: str) -> str:
    """Leave out what differs inside, which is text with words for each side; other tests hold it to them."""
    return detail.split(":", maxsplit=1)[0] if detail.startswith("inside: ") else detail


def mirror(row: Difference) -> Difference:
    kind = MIRRORED.get(row.kind, row.kind)
    name, other = (row.other, row.name) if row.kind == "renamed" else (row.name, row.other)
    arrow = " → "
    where, detail = (
        arrow.join(reversed(text.split(arrow))) if text.count(arrow) == 1 else text
        for text in (row.where, _outside(row.detail))
    )
    return Difference(row.part, kind, name, other, where, detail, row.count, row.of)  # type: ignore[arg-type]  # a kind again


def test_an_event_given_twice_counts_twice() -> None:
    event: Event = parse_event({"type": "track", "userId": "u", "event": "E", "messageId": "m"})
    found = compare([event, event], vendor("rudderstack"), vendor("rudderstack"))
    assert (found.events, found.left.outcomes["delivered"], found.left.events) == (2, 2, 1)
