"""Settings: what they hide, what they declare, and what their mistakes are called."""

import datetime as dt
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

import klavier
from klavier import ConfigError, setting
from klavier.settings import describe, fill_from_klaviyo, structure


def begins(value: str) -> None:
    if not value.startswith("pk_"):
        raise ValueError(f"must start with pk_, not {value}; copy it again")


def odd(value: int) -> None:
    if value % 2 == 0:
        raise ValueError(f"{value} is even")


@frozen
class Account:
    name: str = setting(doc="What it is called.")
    key: str = setting("pk_", doc="Its key.", secret=True, validator=begins)


@frozen
class Full:
    key: str = setting(doc="The key.", secret=True, validator=begins, klaviyo="private_api_key")
    site: str = setting("", doc="The site.", klaviyo="public_api_key")
    pin: int = setting(1, doc="A short secret.", secret=True, validator=odd)
    looked_up: str = setting("a", doc="Found in a table.", converter=lambda value: {"a": "A"}[value])
    accounts: tuple[Account, ...] = setting((), doc="Accounts.")
    share: float = setting(0.5, doc="A part of all.")
    plain: Any = setting(None, doc="Plain JSON.")
    items: list[Any] = setting((), doc="Plain JSON, many times.")
    table: dict[str, Any] = setting(doc="Plain JSON by name.", default=())
    words: Mapping[str, str] = setting(doc="Words by name.", default=())
    choice: Literal["one", 2, True] = setting("one", doc="One of three.")
    mixed: int | str | None = setting(None, doc="A number or a string.")


def problems_of(data: Any, place: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        structure(Full, data, place)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "key: required; set it"),
        ({"key": "pk_1", "accounts": [{"name": "a"}, {}]}, "accounts[1].name: required; set it"),
        ({"key": "pk_1", "looked_up": "b"}, "looked_up: cannot be used (KeyError)"),
        ({"key": "pk_1", "share": math.nan}, "share: must be a number, not NaN or infinity"),
        ({"key": "pk_1", "share": True}, "share: must be a number, not a boolean"),
        ({"key": "pk_1", "share": "1"}, "share: must be a number, not a string"),
        ({"key": "pk_1", "pin": 1.0}, "pin: must be an integer, not a number"),
        ({"key": None}, "key: must be a string, not null"),
        ({"key": "pk_1", "words": {"a": "b", "c": {"d": 1}}}, "words.c: must be a string, not an object"),
        ({"key": "pk_1", "words": {1: "b"}}, "words: a key that is a number; keys are strings"),
        ({"key": "pk_1", "plain": [1, {"a": math.inf}]}, "plain[1].a: NaN or infinity is not JSON;"),
        ({"key": "pk_1", "plain": {1}}, "plain: a Python set is not JSON;"),
        ({"key": "pk_1", "items": [1, {"a": [2**64]}]}, "items[1].a[0]: an integer beyond 64 bits;"),
        ({"key": "pk_1", "table": {"t": {"a": b"x"}}}, "table.t.a: a Python bytes is not JSON;"),
        ({"key": "pk_1", "choice": "two"}, "choice: must be one of 'one', 2, True"),
        ({"key": "pk_1", "choice": "onne"}, "choice: must be one of 'one', 2, True; did you mean 'one'?"),
        ({"key": "pk_1", "choice": 2.0}, "choice: must be one of 'one', 2, True"),
        ({"key": "pk_1", "choice": 1}, "choice: must be one of 'one', 2, True"),
        ({"key": "pk_1", "mixed": True}, "mixed: must be integer or string, not a boolean"),
        ({"key": "pk_1", "kee": 1}, "kee: unknown setting; did you mean 'key'?"),
        ({"key": "pk_1", "zzzzz": 1}, "zzzzz: unknown setting; known are key, site, pin,"),
        ({"key": "pk_1", 7: 1}, "7: unknown setting; known are"),
        ([], "settings: must be a table, not an array"),
        (None, "settings: must be a table, not null"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(data: Any, problem: str) -> None:
    (found,) = problems_of(data)
    assert found.startswith(problem)
    if isinstance(data, dict):
        assert problems_of(data, "vendors.full") == [f"vendors.full.{found}"]


def test_all_mistakes_are_named_at_once() -> None:
    found = problems_of({"site": 1, "accounts": [{"nam": "a"}, 5], None: 1, "share": "x", "a b": 2})
    assert [problem.split(":")[0] for problem in found] == [
        "key",
        "site",
        "accounts[0].name",
        "accounts[0].nam",
        "accounts[1]",
        "share",
        "None",
        "a b",
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"key": "sk_s3cret"}, "key: must start with pk_, not (secret); copy it again"),
        ({"key": "s"}, "key: cannot be used (ValueError)"),
        ({"key": "pk_1", "pin": 2}, "pin: cannot be used (ValueError)"),
        ({"key": "pk_1", "pin": 123456}, "pin: (secret) is even"),
        (
            {"key": "pk_1", "accounts": [{"name": "a", "key": "s3cret"}]},
            "accounts[0].key: must start with pk_, not (secret)",
        ),
        ({"key": ["s3cret"]}, "key: must be a string, not an array"),
    ],
)
def test_the_value_of_a_secret_is_never_shown(data: dict[str, Any], problem: str) -> None:
    (found,) = problems_of(data)
    assert found.startswith(problem)
    assert "s3cret" not in found


def test_secrets_are_not_shown_by_settings_made_by_hand() -> None:
    with pytest.raises(ValueError, match=r"must start with pk_, not \(secret\)"):
        Full(key="sk_s3cret")
    shown = repr(Full(key="pk_s3cret", accounts=(Account(name="a", key="pk_s3cret"),)))
    assert "s3cret" not in shown
    assert "site=''" in shown


def found_or_problems(data: Any) -> Full | tuple[str, ...]:
    try:
        found: Full = structure(Full, data)
    except ConfigError as error:
        return error.problems
    return found


@settings(max_examples=100)
@given(value=st.text(st.sampled_from("xyz_~0189é/"), min_size=4).filter(lambda text: not text.startswith("pk_")))
def test_no_secret_is_in_any_message(value: str) -> None:
    found = found_or_problems({"key": value})
    assert isinstance(found, tuple)
    assert value not in "".join(found)


def test_plain_json_is_copied_and_dates_become_strings() -> None:
    data: dict[str, Any] = {"a": [1, {"b": None}], "day": dt.date(2026, 1, 2)}
    found = structure(Full, {"key": "pk_1", "plain": data, "items": [data], "table": data})
    assert found.plain == {"a": [1, {"b": None}], "day": "2026-01-02"}
    assert found.items == [found.plain]
    assert found.table == found.plain
    data["a"].append("later")
    assert found.plain["a"] == [1, {"b": None}]


def test_problems_of_a_whole_class_keep_their_own_paths() -> None:
    @frozen
    class Pair:
        low: int = setting(0, doc="")
        high: int = setting(0, doc="")

        def __attrs_post_init__(self) -> None:
            if self.low > self.high:
                raise ConfigError(["low: is above high", "high: is below low"])

    with pytest.raises(ConfigError) as caught:
        structure(Pair, {"low": 2}, "range")
    assert caught.value.problems == ("range.low: is above high", "range.high: is below low")


def test_settings_describe_themselves() -> None:
    found = {info.name: info for info in describe(Full)}
    assert list(found)[:3] == ["key", "site", "pin"]
    key = found["key"]
    assert (key.type, key.required, key.secret, key.klaviyo, key.doc) == (
        "string",
        True,
        True,
        "private_api_key",
        "The key.",
    )
    assert (key.default, found["share"].default, found["share"].required) == (None, 0.5, False)
    assert {name: info.type for name, info in found.items()} == {
        "key": "string",
        "site": "string",
        "pin": "integer",
        "looked_up": "string",
        "accounts": "list of table",
        "share": "number",
        "plain": "anything",
        "items": "list of anything",
        "table": "table",
        "words": "table",
        "choice": '"one" or "2" or "True"',
        "mixed": "integer or string",
    }


def test_the_klaviyo_section_fills_what_is_not_set() -> None:
    section = {"private_api_key": "pk_shared", "public_api_key": None}
    assert fill_from_klaviyo(Full, {}, section) == {"key": "pk_shared"}
    assert fill_from_klaviyo(Full, {"key": "pk_own"}, section) == {"key": "pk_own"}


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.binary(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([info.name for info in describe(Full)]) | st.text(max_size=4)


@settings(max_examples=200, deadline=None)
@given(data=st.dictionaries(NAMES, JSONS, max_size=5) | JSONS)
def test_any_data_is_settings_or_a_config_error(data: Any) -> None:
    before = repr(data)
    found = found_or_problems(data)
    assert isinstance(found, Full) or (found and all(": " in problem for problem in found))
    assert repr(data) == before


@pytest.mark.parametrize("vendor", ["freshpaint", "rudderstack", "segment-actions", "segment-classic"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_data_is_a_vendor_or_a_config_error(vendor: str, data: st.DataObject) -> None:
    names = [info.name for info in describe(klavier.Plugins.discover().vendor(vendor).settings)]
    table = data.draw(st.dictionaries(st.sampled_from(names), JSONS, max_size=5))
    with suppress(ConfigError):
        assert klavier.load_vendor(vendor, table).name == vendor
