"""Settings are structured by kind: nothing is coerced, and each mistake is named in its own place."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest
from attrs import frozen

import klavier
from klavier.settings import structure


def _even(value: int) -> None:
    if value % 2:
        raise ValueError("must be even")


@frozen
class Inner:
    size: int = klavier.setting(2, doc="", validator=_even)


@frozen
class Everything:
    words: tuple[str, ...] = klavier.setting((), doc="")
    numbers: Sequence[int] = klavier.setting((), doc="")
    texts: dict[str, str] | None = klavier.setting(None, doc="")
    anything: Mapping[str, Any] | None = klavier.setting(None, doc="")
    either: str | tuple[str, ...] | None = klavier.setting(None, doc="")
    inner: Inner | None = klavier.setting(None, doc="")
    inners: tuple[Inner, ...] = klavier.setting((), doc="")
    choice: Literal["a", "b"] | None = klavier.setting(None, doc="")
    even: int = klavier.setting(0, doc="", validator=_even)
    halved: int = klavier.setting(0, doc="", converter=lambda value: value // 2, validator=_even)


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        ({"words": "email"}, ["v.words: must be a list, not a string"]),
        ({"words": {"a": 1}}, ["v.words: must be a list, not an object"]),
        (
            {"numbers": [1, "2", True]},
            ["[1]: must be an integer, not a string", "[2]: must be an integer, not a boolean"],
        ),
        ({"texts": []}, ["v.texts: must be a table, not an array"]),
        ({"anything": 3}, ["v.anything: must be a table, not a number"]),
        ({"either": 3}, ["v.either: must be string or list of string, not a number"]),
        ({"either": [1]}, ["v.either[0]: must be a string, not a number"]),
        ({"inner": []}, ["v.inner: must be a table, not an array"]),
        ({"inner": {"siz": 2}}, ["v.inner.siz: unknown setting; did you mean 'size'?"]),
        (
            {"inners": [{"size": 1}, 3]},
            ["inners[0].size: must be even", "inners[1]: must be a table, not a number"],
        ),
        ({"choice": "c"}, ["v.choice: must be one of 'a', 'b'"]),
        ({"even": 1, "halved": 2}, ["v.even: must be even", "v.halved: must be even"]),
    ],
)
def test_each_mistake_is_named_in_its_place(data: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(klavier.ConfigError) as caught:
        structure(Everything, data, "v")
    assert len(caught.value.problems) == len(problems)
    for found, expected in zip(caught.value.problems, problems, strict=True):
        assert found.endswith(expected)


def test_what_fits_is_taken_as_it_is() -> None:
    found = structure(
        Everything,
        {
            "words": ["a"],
            "numbers": [1, 2],
            "texts": {"a": "b"},
            "anything": {"a": [1, {"b": None}]},
            "either": ["a", "b"],
            "inner": {"size": 4},
            "inners": [{"size": 6}, {}],
            "choice": "b",
            "halved": 4,
        },
    )
    assert found == Everything(
        words=("a",),
        numbers=[1, 2],
        texts={"a": "b"},
        anything={"a": [1, {"b": None}]},
        either=("a", "b"),
        inner=Inner(size=4),
        inners=(Inner(size=6), Inner()),
        choice="b",
        halved=4,
    )
    assert structure(Everything, {"either": "a"}).either == "a"
