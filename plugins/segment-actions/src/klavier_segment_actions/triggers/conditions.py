"""The conditions of triggers: functions from an event to true or false."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.mapping_kit.paths import reader, split_trigger_path

Condition = Callable[[dict[str, Any]], bool]
"""From an event's payload to whether the condition is true."""

Test = Callable[[Any], bool]
"""From the value of a field to whether the test is true."""

PLAIN_FIELDS = ("type", "event", "name", "userId")
"""Fields without a path."""

NESTED_FIELDS = ("properties", "traits", "context")
"""Fields with a path."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "number_equals": operator.eq,
    "number_not_equals": operator.ne,
}


def field_condition(root: str, path: str | None, test: Test) -> Condition:
    """Return the condition that a field passes a test: one of `PLAIN_FIELDS`, or a path in one of `NESTED_FIELDS`."""
    if path is None:
        if isinstance(test, EqualsText):
            expected = test.expected
            return lambda event: event.get(root) == expected  # the most frequent trigger, in one step
        return lambda event: test(event.get(root, MISSING))
    keys = split_trigger_path(path)
    if not keys:
        return lambda _event: test(MISSING)
    read = reader([root, *keys])
    return lambda event: test(read(event))


@frozen
class EqualsText:
    """True for the same string; no other kind of value equals a string."""

    expected: str

    def __call__(self, actual: Any) -> bool:
        """Test a value."""
        return isinstance(actual, str) and actual == self.expected


def differs_from_text(expected: str) -> Test:
    """Return a test that is true for everything but the same string."""
    return lambda actual: not (isinstance(actual, str) and actual == expected)


def compares(symbol: str, expected: float) -> Test:
    """Return a test that compares numbers with a number; it is false for all other kinds."""
    relation = _COMPARE[symbol]
    return lambda actual: (
        isinstance(actual, (int, float)) and not isinstance(actual, bool) and relation(actual, expected)
    )


def exists(actual: Any) -> bool:
    """Return whether a value is neither missing nor null."""
    return actual is not None and actual is not MISSING


def missing(actual: Any) -> bool:
    """Return whether a value is missing or null."""
    return actual is None or actual is MISSING


def is_true(actual: Any) -> bool:
    """Return whether a value is true."""
    return actual is True


def is_false(actual: Any) -> bool:
    """Return whether a value is false."""
    return actual is False


def never(_actual: Any) -> bool:
    """Return False for every value."""
    return False


def text_test(check: Callable[[str], bool], *, negated: bool) -> Test:
    """Return a test of strings; for other kinds both the check and its negation are false."""
    return lambda actual: isinstance(actual, str) and check(actual) is not negated


def all_of(conditions: Sequence[Condition]) -> Condition:
    """Return the condition that all conditions are true."""
    if len(conditions) == 1:
        return conditions[0]
    if len(conditions) == 2:  # noqa: PLR2004 -- most triggers with several conditions have two
        first, second = conditions
        return lambda event: first(event) and second(event)
    return lambda event: all(condition(event) for condition in conditions)


def any_of(conditions: Sequence[Condition]) -> Condition:
    """Return the condition that at least one condition is true."""
    if len(conditions) == 1:
        return conditions[0]
    return lambda event: any(condition(event) for condition in conditions)
