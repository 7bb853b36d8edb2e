"""Klaviyo's filter language: `any(email,["a@b.co"])`, `greater-than(created,2026-11-01T00:00:00Z)`, `has(metric)`.

Source: Klaviyo's filtering guide.  Text stands in double or single quotes, and a backslash escapes; times, numbers and
booleans stand without quotes, and quoting a time is an error (community.klaviyo.com, 14473).  Several conditions are
joined by commas or by `and(...)`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from attrs import define, frozen

from klavier.sandbox.errors import RefusedError
from klavier.sandbox.times import read_time

Kind = Literal["text", "address", "time", "number", "boolean", "relationship"]
"""The type of a field's values; an address is text that compares in lower case."""

Value = str | float | bool

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
EXACT = frozenset({"any", "equals"})
RANGE = frozenset(_COMPARISONS)


@frozen
class Field:
    """A field that can be filtered: its operators, the type of its values, and how to read it from a row.

    `read` returns None for a row without a value, and a list where a row has several.  `since` is the first revision
    that can filter by it.
    """

    kind: Kind
    operators: frozenset[str]
    read: Callable[[Any], Any]
    since: str = ""


@frozen
class Condition:
    """One condition: an operator, the name of a field, and the values to compare with (none for `has`)."""

    operator: str
    name: str
    values: tuple[Value, ...]
    field: Field

    def holds(self, row: Any) -> bool:
        """Return whether a row meets the condition; one of several values suffices."""
        held = self.field.read(row)
        if self.operator == "has":
            return held is not None
        return any(self._matches(item) for item in (held if isinstance(held, list) else [held]))

    def _matches(self, held: Any) -> bool:
        if held is None:
            return False
        if self.operator in _COMPARISONS:
            return _COMPARISONS[self.operator](held, self.values[0])
        return (held.lower() if self.field.kind == "address" else held) in self.values


def read_filter(text: str | None, fields: Mapping[str, Field]) -> list[Condition]:
    """Read the parameter `filter`; raises `RefusedError` (400) for a malformed one, and for fields not in `fields`."""
    if text is None:
        return []
    return [_checked(condition, fields) for condition in _Reader(text).conditions()]


def select(rows: Iterable[Any], conditions: Iterable[Condition]) -> list[Any]:
    """Return the rows that meet all conditions."""
    required = list(conditions)
    return [row for row in rows if all(condition.holds(row) for condition in required)]


@frozen
class _Literal:
    text: str
    is_quoted: bool


@frozen
class _Parsed:
    operator: str
    name: str
    values: tuple[_Literal, ...]


def _checked(parsed: _Parsed, fields: Mapping[str, Field]) -> Condition:
    field = fields.get(parsed.name)
    if field is None:
        raise _invalid(f"'{parsed.name}' is not a filterable field for this resource.")
    if parsed.operator not in field.operators:
        raise _invalid(f"The operator '{parsed.operator}' is not supported for the field '{parsed.name}'.")
    if (parsed.operator == "has") != (not parsed.values):
        raise _invalid(f"The operator '{parsed.operator}' has the wrong number of values.")
    values = tuple(_typed(literal, field.kind, parsed.name) for literal in parsed.values)
    return Condition(parsed.operator, parsed.name, values, field)


def _typed(literal: _Literal, kind: Kind, name: str) -> Value:
    if kind in ("text", "address"):
        if not literal.is_quoted:
            raise _invalid(f"The value of '{name}' is text: put it in quotes.")
        return literal.text.lower() if kind == "address" else literal.text
    found = None if literal.is_quoted else _UNQUOTED[kind](literal.text)
    if found is None:
        raise _invalid(f"The value of '{name}' must be a {kind} without quotes.")
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_UNQUOTED: Mapping[str, Callable[[str], Value | None]] = {
    "time": read_time,
    "number": _number,
    "boolean": {"true": True, "false": False}.get,
}


def _invalid(detail: str) -> RefusedError:
    return RefusedError(400, f"Invalid filter provided. {detail}", parameter="filter")


@define
class _Reader:
    text: str
    place: int = 0

    def conditions(self) -> list[_Parsed]:
        found = self._condition()
        while self._skip(","):
            found += self._condition()
        self._spaces()
        if self.place != len(self.text):
            raise _invalid(f"Unexpected text at character {self.place + 1}.")
        return found

    def _condition(self, depth: int = 0) -> list[_Parsed]:
        operator = self._take(_NAME, "an operator")[0]
        self._need("(")
        if operator == "and" and not depth:
            found = self._condition(1)
            while self._skip(","):
                found += self._condition(1)
            self._need(")")
            return found
        name = self._take(_NAME, "a field")[0]
        values: tuple[_Literal, ...] = ()
        if self._skip(","):
            values = self._values() if operator == "any" else (self._value(),)
        self._need(")")
        return [_Parsed(operator, name, values)]

    def _values(self) -> tuple[_Literal, ...]:
        self._need("[")
        found = [self._value()]
        while self._skip(","):
            found.append(self._value())
        self._need("]")
        return tuple(found)

    def _value(self) -> _Literal:
        self._spaces()
        quoted = _STRING.match(self.text, self.place)
        if quoted is None:
            return _Literal(self._take(_BARE, "a value")[0], is_quoted=False)
        self.place = quoted.end()
        inner = quoted[1] if quoted[1] is not None else quoted[2]
        return _Literal(_ESCAPE.sub(r"\1", inner), is_quoted=True)

    def _take(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        self._spaces()
        found = pattern.match(self.text, self.place)
        if found is None:
            raise _invalid(f"Expected {expected} at character {self.place + 1}.")
        self.place = found.end()
        return found

    def _need(self, mark: str) -> None:
        if not self._skip(mark):
            raise _invalid(f"Expected '{mark}' at character {self.place + 1}.")

    def _skip(self, mark: str) -> bool:
        self._spaces()
        if self.text.startswith(mark, self.place):
            self.place += len(mark)
            return True
        return False

    def _spaces(self) -> None:
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
