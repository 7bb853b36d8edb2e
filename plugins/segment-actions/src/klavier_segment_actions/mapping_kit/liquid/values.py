"""Values of templates: what `nil`, `empty` and `blank` equal, how values are written, and how members are read."""

from typing import Any, Final

from liquid.exceptions import LiquidError

from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.javascript.values import SPACE, is_identical, is_less, split_units, to_number, to_text

MOST_WORK: Final = 1_000_000
"""The characters and array items that one rendering may produce on the way: ten times the longest result, so that no
useful template reaches it, and little enough to take milliseconds."""

_LONGEST_INDEX = 10


class Budget:
    """Counts the characters and array items that a rendering produces; raises `LiquidError` beyond `MOST_WORK`."""

    def __init__(self) -> None:
        self.left = MOST_WORK

    def use(self, amount: float) -> None:
        """Count an amount before it is produced."""
        self.left -= max(int(amount), 0)
        if self.left < 0:
            raise LiquidError(f"the template produces more than {MOST_WORK} characters or items", token=None)


class Special:
    """One of the literals `nil`, `empty` and `blank`: they equal many values, and are less or greater than none."""

    def __init__(self, name: str) -> None:
        self.name = name

    def is_equal(self, value: Any) -> bool:
        """Return whether a value equals this literal."""
        plain = to_plain(value)
        if self.name == "nil":
            return is_nil(plain)
        if isinstance(value, Special) and value.name != "nil":
            return False
        if self.name == "blank" and (plain is False or is_nil(plain)):
            return True
        if isinstance(plain, str):
            return not (plain.strip(SPACE) if self.name == "blank" else plain)
        return isinstance(plain, (list, dict)) and not plain

    def __repr__(self) -> str:
        """Return the literal."""
        return self.name


NIL, EMPTY, BLANK = (Special(name) for name in ("nil", "empty", "blank"))


def to_plain(value: Any) -> Any:
    """Return the value of a literal, and any other value unchanged."""
    if isinstance(value, Special):
        return None if value.name == "nil" else ""
    return value


def is_nil(value: Any) -> bool:
    """Return whether a value is null or undefined."""
    return value is None or value is MISSING


def is_truthy(value: Any) -> bool:
    """Return whether a condition holds: for everything but false, null and undefined."""
    plain = to_plain(value)
    return not (plain is False or is_nil(plain))


def is_equal(left: Any, right: Any) -> bool:
    """Return whether two values are equal: strictly, arrays item by item, objects by identity."""
    if isinstance(left, Special):
        return left.is_equal(right)
    if isinstance(right, Special):
        return right.is_equal(left)
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(is_equal, left, right))
    return is_identical(left, right)


def compare(operator: str, left: Any, right: Any) -> bool:
    """Return the result of `<`, `<=`, `>` or `>=`."""
    if isinstance(left, Special) or isinstance(right, Special):
        return False
    if operator[0] == ">":
        left, right = right, left
    return is_less(left, right, or_equal=operator.endswith("="))


def contains(left: Any, right: Any) -> bool:
    """Return whether an array has an item, or a string a part."""
    left = to_plain(left)
    if isinstance(left, list):
        return any(is_equal(item, right) for item in left)
    return isinstance(left, str) and to_text(to_plain(right)) in left


def write(value: Any) -> str:
    """Return a value as output: nothing for null, the items of arrays without separator."""
    value = to_plain(value)
    if isinstance(value, str):
        return value
    if is_nil(value):
        return ""
    if isinstance(value, list):
        return "".join(write(item) for item in value)
    return to_text(value)


def number_of(value: Any) -> float:
    """Return the number of a filter's argument: 0 for what is no number, and for -0."""
    number = to_number(to_plain(value))
    return number if number and number == number else 0.0  # noqa: PLR0124 -- False for NaN only


def to_items(value: Any) -> list[Any]:
    """Return an array; any other value as its only item, null as none."""
    value = to_plain(value)
    if is_nil(value):
        return []
    return value if isinstance(value, list) else [value]


def length(value: Any) -> int:
    """Return the number of items of an array, or of UTF-16 units of a string."""
    return len(split_units(value) if isinstance(value, str) else value)


def read_member(value: Any, key: Any) -> Any:
    """Read a member: own members, then `size`, `first` and `last`; arrays also have negative indices."""
    value, key = to_plain(value), to_plain(key)
    if is_nil(value):
        return value
    if isinstance(value, list) and isinstance(key, (int, float)) and not isinstance(key, bool):
        return _item(value, key)
    name = to_text(key)
    found = _own_member(value, name)
    if found is not MISSING:
        return found
    if name == "size":
        return length(value) if isinstance(value, (str, list, dict)) else MISSING
    if name in ("first", "last") and isinstance(value, list):
        return _item(value, 0 if name == "first" else -1)
    return MISSING


def _own_member(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name, MISSING)
    if not isinstance(value, (str, list)):
        return MISSING
    if name == "length":
        return length(value)
    is_index = name.isascii() and name.isdigit() and len(name) < _LONGEST_INDEX and (name == "0" or name[0] != "0")
    if not is_index or int(name) >= len(value):
        return MISSING
    return split_units(value)[int(name)] if isinstance(value, str) else value[int(name)]


def _item(items: list[Any], index: float) -> Any:
    if index < 0:
        index += len(items)
    return items[int(index)] if index == int(index) and 0 <= index < len(items) else MISSING
