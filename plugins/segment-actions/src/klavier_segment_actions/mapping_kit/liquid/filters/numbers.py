"""Filters of numbers, with JavaScript's arithmetic: no filter raises, and division by zero is Infinity."""

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

from klavier_segment_actions.javascript.values import to_number
from klavier_segment_actions.mapping_kit.liquid.values import number_of, read_member, to_items, to_plain, write

Numeric = Callable[..., float]


def _numeric(function: Numeric, arguments: int = 0) -> Callable[..., float]:
    """Return a filter whose value and arguments are converted to numbers; a missing argument is NaN."""

    def run(_context: Any, *values: Any) -> float:
        numbers = [number_of(value) for value in values[: arguments + 1]]
        return function(*numbers, *[math.nan] * (arguments + 1 - len(numbers)))

    return run


def divide(dividend: float, divisor: float) -> float:
    """Return a quotient; a division by zero is Infinity or NaN."""
    if divisor:
        return dividend / divisor
    if not dividend or math.isnan(dividend) or math.isnan(divisor):
        return math.nan
    return math.copysign(math.inf, dividend) * math.copysign(1.0, divisor)


def _divided_by(_context: Any, value: Any, *arguments: Any) -> float:
    """Divide; a second argument that is no zero requests an integer."""
    quotient = divide(number_of(value), number_of(arguments[0]) if arguments else math.nan)
    return _floor(quotient) if len(arguments) > 1 and number_of(arguments[1]) else quotient


def _floor(number: float) -> float:
    return float(math.floor(number)) if math.isfinite(number) else number


def _ceil(number: float) -> float:
    return float(math.ceil(number)) if math.isfinite(number) else number


def round_half_up(number: float) -> float:
    """Return the nearest integer as `Math.round`: a half is rounded towards positive infinity."""
    if not math.isfinite(number) or abs(number) >= 2**52:
        return number
    below = math.floor(number)
    return float(below + 1 if number - below >= 0.5 else below)  # noqa: PLR2004 -- a half


def _round(_context: Any, value: Any, digits: Any = 0) -> float:
    try:
        scale = math.pow(10.0, number_of(digits))
    except OverflowError:
        scale = math.inf
    # Slightly beyond the half, so that 1.005 with two digits is 1.01.
    scaled = number_of(value) * scale * (1 + sys.float_info.epsilon)
    return divide(round_half_up(scaled), scale)


def _remainder(dividend: float, divisor: float) -> float:
    if not divisor or not math.isfinite(dividend) or math.isnan(divisor):
        return math.nan
    return math.fmod(math.fmod(dividend, divisor) + divisor, divisor) if math.isfinite(divisor) else math.nan


def _extreme(choose: Callable[[float, float], float]) -> Callable[..., float]:
    def run(_context: Any, *values: Any) -> float:
        numbers = [number_of(value) for value in values]
        result = numbers[0]
        for number in numbers[1:]:
            result = choose(result, number)
        return result

    return run


def _to_integer(_context: Any, value: Any) -> float:
    return to_number(to_plain(value))


def _sum(_context: Any, value: Any, name: Any = None) -> float:
    total = 0.0
    for item in to_items(value):
        found = _at_path(item, write(name)) if name else item
        number = to_number(to_plain(found))
        total += 0.0 if math.isnan(number) else number
    return total


def _at_path(item: Any, path: str) -> Any:
    for key in path.split("."):
        item = read_member(item, key)
    return item


NUMBER_FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": _numeric(abs),
    "at_least": _extreme(max),
    "at_most": _extreme(min),
    "ceil": _numeric(_ceil),
    "divided_by": _divided_by,
    "floor": _numeric(_floor),
    "minus": _numeric(lambda left, right: left - right, 1),
    "modulo": _numeric(_remainder, 1),
    "plus": _numeric(lambda left, right: left + right, 1),
    "round": _round,
    "sum": _sum,
    "times": _numeric(lambda left, right: left * right, 1),
    "to_integer": _to_integer,
}
