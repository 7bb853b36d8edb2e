"""What the conditions of a trigger mean: functions from an event to true or false."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from klavier_segment_actions.mapping_kit.missing import MISSING
from klavier_segment_actions.mapping_kit.paths import keys_of, reader

Condition = Callable[[dict[str, Any]], bool]
"""From an event's payload to whether it fulfils the condition."""

Test = Callable[[Any], bool]
"""From the value of a field to whether it passes."""

PLAIN_FIELDS = ("type", "event", "name", "userId")
"""Fields that stand for themselves."""

NESTED_FIELDS = ("properties", "traits", "context")
"""Fields that are followed by a path."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "number_equals": operator.eq,
    "number_not_equals": operator.ne,
}


def field_condition(root: str, path: str | None, test: Test) -> Condition:
    """Test a field: one of `PLAIN_FIELDS`, or the path under one of `NESTED_FIELDS`."""
    if path is None:
        if isinstance(test, EqualsText):
            expected = test.expected
            return lambda event: event.get(root) == expected  # what nearly all triggers ask, so in one step
        return lambda event: test(event.get(root, MISSING))
    keys = keys_of(path)
    if not keys:
        return lambda _event: test(MISSING)
    read = reader([root, *keys])
    return lambda event: test(read(event))


@frozen
class EqualsText:
    """Passes the same text; no other kind of value is ever equal to text."""

    expected: str

    def __call__(self, actual: Any) -> bool:
        """Test a value."""
        return isinstance(actual, str) and actual == self.expected


def differs_from_text(expected: str) -> Test:
    """Pass everything but the same text."""
    return lambda actual: not (isinstance(actual, str) and actual == expected)


def compares(symbol: str, expected: float) -> Test:
    """Pass numbers in relation to a number; nothing else is compared."""
    relation = _COMPARE[symbol]
    return lambda actual: (
        isinstance(actual, (int, float)) and not isinstance(actual, bool) and relation(actual, expected)
    )


def exists(actual: Any) -> bool:
    """Pass what is neither missing nor null."""
    return actual is not None and actual is not MISSING


def missing(actual: Any) -> bool:
    """Pass what is missing or null."""
    return actual is None or actual is MISSING


def is_true(actual: Any) -> bool:
    """Pass true."""
    return actual is True


def is_false(actual: Any) -> bool:
    """Pass false."""
    return actual is False


def never(_actual: Any) -> bool:
    """Pass nothing."""
    return False


def text_test(check: Callable[[str], bool], *, negated: bool) -> Test:
    """Check texts only: other kinds of values pass neither the check nor its negation."""
    return lambda actual: isinstance(actual, str) and check(actual) is not negated


def all_of(conditions: Sequence[Condition]) -> Condition:
    """Fulfil every condition."""
    if len(conditions) == 1:
        return conditions[0]
    if len(conditions) == 2:  # noqa: PLR2004 -- most that have several have two
        first, second = conditions
        return lambda event: first(event) and second(event)
    return lambda event: all(condition(event) for condition in conditions)


def any_of(conditions: Sequence[Condition]) -> Condition:
    """Fulfil at least one condition."""
    if len(conditions) == 1:
        return conditions[0]
    return lambda event: any(condition(event) for condition in conditions)
