"""The page: whole, in one file, and safe whatever events say."""

from html.parser import HTMLParser
from typing import Any

import pytest

from klavier import Comparison, compare, parse_event
from klavier.comparison.page import page
from klavier.comparison.report import Case, Difference
from tests.comparison.plain_vendor import PlainVendor

HOSTILE = "</script><img src=x onerror='alert(1)'> \"&\" \u202e \x00 \x1b[31m 李"


class Reader(HTMLParser):
    """Collects tags with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile() -> Comparison:
    event = {"type": "track", "userId": "u", "event": HOSTILE, "properties": {HOSTILE: HOSTILE}, "messageId": "m"}
    left, right = PlainVendor(), PlainVendor(properties=lambda _: {f"{HOSTILE}!": 1}, metric=lambda name: f"{name}?")
    return compare([parse_event(event)], left, right, names=(f"left {HOSTILE}", f"right {HOSTILE}"))


@pytest.mark.parametrize("values", [False, True])
def test_nothing_of_an_event_becomes_markup(values: bool) -> None:  # noqa: FBT001 -- drawn by the test
    found = Reader(page(hostile(), values=values))
    assert [tag for tag, _ in found.tags if tag in ("img", "script")] == ["script"]
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
    assert "</script><img src=x onerror='alert(1)'> \"&\" \\u202e \\x00 \\x1b[31m 李" in found.text


def test_half_a_character_is_shown_as_its_escape() -> None:
    """Names may come from anywhere once a plugin makes them."""
    found = hostile()
    row = Difference(
        "metrics", "only_left", "half \ud83c", where="\udfb9", count=1, cases=(Case(1, "\ud83c", "\ud83c"),)
    )
    text = page(Comparison(1, found.left, found.right, (row,)), values=True)
    assert "half \\ud83c" in text
    assert text.encode()


def test_nothing_is_fetched() -> None:
    text = page(hostile(), values=True)
    found = Reader(text)
    assert not [attributes for _, attributes in found.tags if {"src", "href", "action"} & attributes.keys()]
    assert "url(" not in text
    (policy,) = [a["content"] for tag, a in found.tags if tag == "meta" and "http-equiv" in a]
    assert policy.startswith("default-src 'none';")


def test_every_difference_is_a_row_without_scripts() -> None:
    found = hostile()
    rows = [a for tag, a in Reader(page(found)).tags if tag == "tr" and "data-kind" in a]
    assert len(rows) == len(found.differences) >= 3
    hidden = [tag for tag, a in Reader(page(found)).tags if "hidden" in a]
    assert hidden == ["form"]  # the filters, which need a script


def test_a_row_names_the_lines_of_its_cases() -> None:
    found = hostile()
    cases = tuple(Case(line, "email:u@shop.test", 1, 2) for line in (3, None, 5, 3))
    for count, text in ((4, "line 3, 5, …"), (2, "line 3, 5")):
        row = Difference("metrics", "only_left", "Seen", count=count, cases=cases)
        shown = Reader(page(Comparison(1, found.left, found.right, (row,)))).text
        assert text in shown
        assert "shop.test" not in shown
    assert "line 3, 5, …" not in shown


def test_a_report_without_differences_says_so() -> None:
    text = Reader(page(compare([], PlainVendor(), PlainVendor()))).text
    assert "Nothing changes" in text
    assert "All kinds" not in text
