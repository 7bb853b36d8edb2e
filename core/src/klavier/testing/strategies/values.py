"""JSON values: the usual ones, and every odd one that JSON allows."""

from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

INT64 = 2**63

_WORDS = ("plan", "Gold", "signup", "newsletter", "Ada", "Paris", "blue", "XL", "true story", "two  spaces")
_UNICODE = ("李", "Zoë", "naïve café", "שלום", "👩‍👩‍👧", "e\u0301", "\u2028line", "\u0000nul", "ﬁn", "İstanbul")
_MISLEADING = ("null", "undefined", "true", "false", "0", "-1", "1e3", "0x10", "007", "NaN", "[object Object]", "{}")
_AMOUNTS = ("12.50", "$1,200.50", "5 USD", "€9,99", " 42 ", ".5", "1e400", "-0")
_DATES = ("2014-05-06", "2024-02-30", "2024-06-30T12:00:00.999999Z", "2022-02-02T02:02:02.000+05:30", "yesterday")
_HOSTILE = (
    "../lists/x",
    "a/b?c#d",
    "%2e%2e%2f",
    "{{x}}",
    "$.traits.email",
    '"or(1=1)',
    "<b>&amp;</b>",
    "__proto__",
    "..",
)
_ODD_IDS = (
    "../../lists/x",
    "a/b",
    "..",
    ".",
    "x?y=1",
    "#",
    "%2e",
    "a b",
    "O'Brien",
    'a",b',
    "é",
    "ada@shop.test",
    7,
    0,
    "",
)
_BLANK = ("", " ", "\t\n", "\u00a0")

_KEYS = ("plan", "Custom Key", "snake_key", "camelKey", "a.b", "$dollar", "a[0]", "@path", "", " ", "__proto__", "ключ")
_LONG = ("x" * 300, "long words " * 60, "é" * 1000)


@cache
def texts() -> SearchStrategy[str]:
    """Return strings: words, Unicode, numbers and dates as text, path and template characters, blanks, long ones."""
    listed = st.sampled_from(_WORDS + _UNICODE + _MISLEADING + _AMOUNTS + _DATES + _HOSTILE + _BLANK + _LONG)
    return st.one_of(listed, st.text(st.characters(codec="utf-8"), max_size=20))


@cache
def numbers() -> SearchStrategy[int | float]:
    """Return numbers that a 64-bit reader of JSON can hold: small, huge, fractional, negative zero."""
    odd = st.sampled_from((0, 1, -1, -0.0, 0.1, 12.5, 1.0, 2**53, 2**53 + 1, INT64 - 1, -INT64, 1e21, 5e-324, 1.7e308))
    integers = st.integers(min_value=-INT64, max_value=INT64 - 1)
    return st.one_of(odd, st.integers(-1000, 1000), integers, st.floats(allow_nan=False, allow_infinity=False))


@cache
def scalars() -> SearchStrategy[Any]:
    """Return every kind of JSON value that holds no other."""
    return st.one_of(st.none(), st.booleans(), numbers(), texts())


@cache
def odd_ids() -> SearchStrategy[Any]:
    """Return what must be quoted in a path or a filter, is no string, or names somebody else's place."""
    return st.sampled_from(_ODD_IDS)


@cache
def keys() -> SearchStrategy[str]:
    """Return keys of custom members: plain ones, and ones with dots, dollars, spaces, brackets or nothing in them."""
    return st.one_of(st.sampled_from(_KEYS), st.text(st.characters(codec="utf-8"), max_size=12))


@cache
def json_values(max_leaves: int = 6) -> SearchStrategy[Any]:
    """Return any JSON value of up to `max_leaves` scalars."""
    return st.recursive(scalars(), _containers, max_leaves=max_leaves)


@cache
def json_objects(max_size: int = 4) -> SearchStrategy[dict[str, Any]]:
    """Return any JSON object of up to `max_size` members."""
    return st.dictionaries(keys(), json_values(), max_size=max_size)


@cache
def deep_values() -> SearchStrategy[Any]:
    """Return values nested to just under and just over what Klaviyo takes (10 levels)."""
    return st.builds(_nest, st.integers(5, 20), st.booleans())


def _containers(members: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(st.lists(members, max_size=3), st.dictionaries(keys(), members, max_size=3))


def _nest(depth: int, lists: bool) -> Any:  # noqa: FBT001 -- hypothesis fills it
    value: Any = "bottom"
    for level in range(depth):
        value = [value] if lists and level % 2 else {"next": value}
    return value
