"""Klaviyo's filter language, as far as profiles and lists use it: `any(email,["a@b.co"])`, `equals(name,"VIP")`.

Source: Klaviyo's filtering guide.  Strings stand in double or single quotes, a backslash escapes; several conditions
are joined by commas or by `and(...)`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, frozen

from klavier.sandbox.refused import RefusedError
from klavier.sandbox.times import read_time

_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', re.DOTALL)
_BARE = re.compile(r"[^\s,()\[\]\"']+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "greater-than": lambda held, given: held > given,
    "greater-or-equal": lambda held, given: held >= given,
    "less-than": lambda held, given: held < given,
    "less-or-equal": lambda held, given: held <= given,
}


@frozen
class Condition:
    """One condition: an operator, a field, and the values it is held against."""

    operator: str
    field: str
    values: tuple[str, ...]

    def holds(self, held: Any) -> bool:
        """Tell whether a resource's field meets the condition."""
        if self.operator in _COMPARISONS:
            given = read_time(self.values[0])
            return given is not None and isinstance(held, int) and _COMPARISONS[self.operator](held, given)
        return str(held) in self.values if held is not None else False


def read_filter(text: str | None, allowed: Mapping[str, frozenset[str]]) -> list[Condition]:
    """Read a filter; `allowed` gives the operators of each field.  Raises `RefusedError` (400) for a bad one."""
    if text is None:
        return []
    conditions = _Reader(text).conditions()
    for condition in conditions:
        operators = allowed.get(condition.field)
        if operators is None:
            raise _bad(f"'{condition.field}' is not a filterable field for this resource.")
        if condition.operator not in operators:
            raise _bad(f"The operator '{condition.operator}' is not supported for the field '{condition.field}'.")
    return conditions


def _bad(detail: str) -> RefusedError:
    return RefusedError(400, f"Invalid filter provided. {detail}", parameter="filter")


@define
class _Reader:
    text: str
    place: int = 0

    def conditions(self) -> list[Condition]:
        found = self._condition()
        while self._skip(","):
            found += self._condition()
        self._spaces()
        if self.place != len(self.text):
            raise _bad(f"Unexpected text at character {self.place + 1}.")
        return found

    def _condition(self) -> list[Condition]:
        operator = self._take(_NAME, "an operator")[0]
        self._need("(")
        if operator == "and":
            found = self._condition()
            while self._skip(","):
                found += self._condition()
            self._need(")")
            return found
        name = self._take(_NAME, "a field")[0]
        self._need(",")
        values = self._values() if operator == "any" else (self._value(),)
        self._need(")")
        return [Condition(operator, name, values)]

    def _values(self) -> tuple[str, ...]:
        self._need("[")
        found = [self._value()]
        while self._skip(","):
            found.append(self._value())
        self._need("]")
        return tuple(found)

    def _value(self) -> str:
        self._spaces()
        quoted = _STRING.match(self.text, self.place)
        if quoted is None:
            return self._take(_BARE, "a value")[0]
        self.place = quoted.end()
        inner = quoted[1] if quoted[1] is not None else quoted[2]
        return _ESCAPE.sub(r"\1", inner)

    def _take(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        self._spaces()
        found = pattern.match(self.text, self.place)
        if found is None:
            raise _bad(f"Expected {expected} at character {self.place + 1}.")
        self.place = found.end()
        return found

    def _need(self, mark: str) -> None:
        if not self._skip(mark):
            raise _bad(f"Expected '{mark}' at character {self.place + 1}.")

    def _skip(self, mark: str) -> bool:
        self._spaces()
        if self.text.startswith(mark, self.place):
            self.place += len(mark)
            return True
        return False

    def _spaces(self) -> None:
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
