"""How values and differences are written for a person."""

from typing import Any

import pytest

from klavier.migration import migrate
from klavier.migration.portable import Decision
from klavier.migration.terms import Term
from klavier.migration.texts import write_value
from klavier.migration.toml import write_toml


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (None, "nothing"),
        ("", "nothing"),
        ((), "nothing"),
        ({"subscribe": False, "otherwise": ["a", True]}, "subscribe = no, otherwise = a, yes"),
        ([False, "b"], "no, b"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 99 + "…"),
        (["x" * 49, "y" * 49], f"{'x' * 49}, {'y' * 49}"),
        (["x" * 49, "y" * 50, "z"], f"{'x' * 49} and 2 more"),
        (["x" * 101, "y"], f"{'x' * 101} and 1 more"),
    ],
)
def test_a_value_is_short_text(value: Any, text: str) -> None:
    assert write_value(value) == text


def test_a_difference_has_the_sentence_for_what_begins_ends_or_changes() -> None:
    term = Term("t", "what", "It changes.", (), new="It begins.", without="It ends.")
    assert [term.consequence(*values) for values in ((None, 1), (1, None), (1, 2))] == [
        "It begins.",
        "It ends.",
        "It changes.",
    ]
    plain = Term("t", "what", "It changes.", ())
    assert [plain.consequence(*values) for values in ((None, 1), (1, None))] == ["It changes."] * 2


def test_a_user_id_that_identifies_and_is_a_property_differs_in_the_property_alone() -> None:
    terms = {each.term for each in migrate("segment-classic", "rudderstack").not_carried}
    assert "custom_id" in terms
    assert "user_id" not in terms


def test_a_comment_is_wrapped_between_words() -> None:
    word = "https://shop.example/" + "x" * 100
    lines = write_toml("v", {}, {"a": 1}, [Decision("a", f"see {word} for more")]).splitlines()
    assert lines[-4:] == ["# decide: see", f"# {word}", "# for more", "a = 1"]
