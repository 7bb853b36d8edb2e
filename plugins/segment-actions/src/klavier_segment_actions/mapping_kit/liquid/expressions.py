"""Expressions of templates: values, operators and filters, parsed to functions of the render context.

Source: the documentation of liquidjs (operators, literals, filters), and observed behavior.  An expression is a row of
operands and operators; the first value that remains is the result, so a superfluous operand is ignored.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from liquid import RenderContext
from liquid.exceptions import LiquidError, LiquidSyntaxError
from liquid.token import Token

from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.javascript.values import SPACE, to_number, to_text
from klavier_segment_actions.mapping_kit.liquid import values
from klavier_segment_actions.mapping_kit.liquid.values import Budget

Expression = Callable[["Context"], Any]
"""From the render context to a value."""

FilterFunction = Callable[..., Any]
"""A filter: takes a `Context`, the value and its arguments."""

_PRECEDENCE: Final = {
    **dict.fromkeys(("==", "!=", ">", "<", ">=", "<=", "contains"), 2),
    "not": 1,
    "and": 0,
    "or": 0,
}
"""Operators that bind closer have a higher number; those of one number group from the right."""

_SYMBOLS: Final = ("==", "!=", ">=", "<=", ">", "<")
_WORDS: Final = ("contains", "not", "and", "or")
_LITERALS: Final[dict[str, Any]] = {
    "true": True,
    "false": False,
    "nil": values.NIL,
    "null": values.NIL,
    "empty": values.EMPTY,
    "blank": values.BLANK,
}
_BLANKS: Final = frozenset(SPACE) - {"\ufeff"} | {"\u180e"}
_NOT_WORD: Final = _BLANKS | frozenset("\u201c\u201d")
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LONGEST_NAME: Final = 40
"""Characters of an unknown filter's name in a message."""
_MOST_RANGE: Final = 100_000
"""Items of a range; more could not be written within the limit of the output."""


class Context(RenderContext):
    """A render context with a work budget."""

    __slots__ = ("budget",)

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        self.budget = Budget()

    def look_up(self, name: str) -> Any:
        """Return a variable: one that was assigned, a counter, or a member of the event."""
        if name in self.locals:
            return self.locals[name]
        if name in self.counters:
            return self.counters[name]
        return self.globals[name] if name in self.globals else values.read_member({}, name)


def is_word(char: str) -> bool:
    """Return whether a character may be part of a name."""
    if char >= "\x80":
        return char not in _NOT_WORD
    return char.isalnum() or (char != "" and char in "_-?")


class Parser:
    """Parses the text of one tag or output; raises `LiquidSyntaxError`."""

    def __init__(self, text: str, token: Token, filters: Mapping[str, FilterFunction | None]) -> None:
        self.text = text
        self.token = token
        self.filters = filters
        self.at = 0

    @property
    def is_at_end(self) -> bool:
        """Whether all of the text is read."""
        return self.at >= len(self.text)

    def peek(self, offset: int = 0) -> str:
        """Return the character at an offset, an empty string beyond the end."""
        return self.text[self.at + offset : self.at + offset + 1]

    def skip_blanks(self) -> None:
        """Go to the next character that is no white space."""
        while self.peek() and self.peek() in _BLANKS:
            self.at += 1

    def error(self, problem: str) -> LiquidSyntaxError:
        """Return an error at the current place."""
        return LiquidSyntaxError(problem, token=self.token)

    def filtered(self) -> Expression:
        """Parse an expression and its filters, to the end of the text."""
        value = self._expression()
        if value is None:
            raise self.error("a value is missing")
        while (step := self._filter()) is not None:
            value = _apply(value, *step)
        return value

    def identifier(self) -> str:
        """Parse a name; empty where there is none."""
        self.skip_blanks()
        start = self.at
        while is_word(self.peek()):
            self.at += 1
        return self.text[start : self.at]

    def value(self) -> Expression | None:
        """Parse a literal, string, number, range or variable with its members; None where there is none."""
        self.skip_blanks()
        text = self.quoted()
        start = self._literal() or self._number() or self._range() if text is None else _constant(text)
        members = self._members(is_variable=start is None)
        if not members:
            return start
        return _member_of(start, members)

    def _expression(self) -> Expression | None:
        """Parse operands and operators; returns None where there is no operand and no operator."""
        output: list[Expression | str] = []
        operators: list[str] = []
        while not self.is_at_end:
            operator = self._operator()
            if operator is not None:
                while operators and _PRECEDENCE[operators[-1]] > _PRECEDENCE[operator]:
                    output.append(operators.pop())
                operators.append(operator)
                continue
            operand = self.value()
            if operand is None:
                break
            output.append(operand)
        output.extend(reversed(operators))
        return _evaluate(output) if output else None

    def _operator(self) -> str | None:
        self.skip_blanks()
        for symbol in _SYMBOLS:
            if self.text.startswith(symbol, self.at):
                self.at += len(symbol)
                return symbol
        return self._word(_WORDS)

    def _word(self, words: tuple[str, ...]) -> str | None:
        """Parse one of some words, where no other character of a name follows."""
        for word in words:
            if self.text.startswith(word, self.at) and not is_word(self.peek(len(word))):
                self.at += len(word)
                return word
        return None

    def _literal(self) -> Expression | None:
        word = self._word(tuple(_LITERALS))
        return None if word is None else _constant(_LITERALS[word])

    def quoted(self) -> str | None:
        """Parse a string in quotes; None where there is none."""
        quote = self.peek()
        if quote not in ('"', "'") or not quote:
            return None
        end = self.at + 1
        while end < len(self.text) and self.text[end] != quote:
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self.error("a string has no closing quote, or contains the end of its tag")
        text = unescape(self.text[self.at + 1 : end])
        self.at = end + 1
        return text

    def _number(self) -> Expression | None:
        length = 1 if self.peek() and self.peek() in "+-" else 0
        digits = points = 0
        while char := self.peek(length):
            if char.isascii() and char.isdigit():
                digits += 1
            elif char == "." and self.peek(length + 1) != ".":
                if points or not digits:
                    return None
                points += 1
            else:
                break
            length += 1
        if not digits or is_word(self.peek(length)):
            return None
        number = float(self.text[self.at : self.at + length])
        self.at += length
        return _constant(number)

    def _range(self) -> Expression | None:
        if self.peek() != "(":
            return None
        self.at += 1
        low = self.value()
        self.skip_blanks()
        if low is None or self.text[self.at : self.at + 2] != "..":
            raise self.error("a range is written as (1..5)")
        self.at += 2
        high = self.value()
        self.skip_blanks()
        if high is None or self.peek() != ")":
            raise self.error("a range is written as (1..5)")
        self.at += 1
        return _range_of(low, high)

    def _members(self, *, is_variable: bool) -> list[Expression]:
        found: list[Expression] = []
        while True:
            if self.peek() == "[":
                self.at += 1
                found.append(self.value() or _constant(""))
                end = self.text.find("]", self.at)
                if end < 0:
                    raise self.error("a bracket is not closed")
                self.at = end + 1
            elif is_variable and not found and (name := self.identifier()):
                found.append(_constant(name))
            elif self.peek() == "." and self.peek(1) != ".":
                self.at += 1
                name = self.identifier()
                if not name:
                    return found
                found.append(_constant(name))
            else:
                return found

    def _filter(self) -> tuple[FilterFunction, list[Expression]] | None:
        self.skip_blanks()
        if self.is_at_end:
            return None
        if self.peek() != "|":
            raise self.error("expected '|' before a filter")
        self.at += 1
        name = self.identifier()
        if not name:
            if self.is_at_end:
                return None
            raise self.error("expected the name of a filter after '|'")
        self.skip_blanks()
        arguments: list[Expression] = []
        if self.peek() == ":":
            arguments = self._arguments()
        elif self.peek() not in ("|", ""):
            raise self.error("expected ':' after the name of a filter")
        return self._function(name), arguments

    def _arguments(self) -> list[Expression]:
        found: list[Expression] = []
        while True:
            self.at += 1
            argument = self._argument()
            if argument is not None:
                found.append(argument)
            self.skip_blanks()
            if self.peek() not in (",", "|", ""):
                raise self.error("expected ',' between the arguments of a filter")
            if self.peek() != ",":
                return found

    def _argument(self) -> Expression | None:
        self.skip_blanks()
        start = self.at
        argument = self.value()
        if argument is None:
            return None
        name = self.text[start : self.at]
        self.skip_blanks()
        if self.peek() != ":":
            return argument
        self.at += 1
        value = self.value() or _constant(MISSING)
        return lambda context: [name, value(context)]

    def _function(self, name: str) -> FilterFunction:
        function = self.filters.get(name)
        if function is None:
            shown = repr(name[:_LONGEST_NAME])
            raise self.error(f"filter {shown} is disabled" if name in self.filters else f"unknown filter {shown}")
        return function


def unescape(text: str) -> str:
    """Return the content of a quoted string, with its escapes resolved."""
    if "\\" not in text:
        return text
    parts: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char != "\\":
            parts.append(char)
            continue
        escaped = text[at : at + 1]
        if escaped in _ESCAPES:
            parts.append(_ESCAPES[escaped])
            at += 1
        elif escaped == "u":
            digits = _leading(text[at + 1 : at + 5], "0123456789abcdefABCDEF")
            parts.append(chr(int(digits, 16) if digits else 0))
            at += 1 + len(digits)
        elif digits := _leading(text[at : at + 3], "01234567"):
            parts.append(chr(int(digits, 8)))
            at += len(digits)
        else:
            parts.append(escaped)
            at += 1
    return "".join(parts)


def _leading(text: str, allowed: str) -> str:
    return text[: len(text) - len(text.lstrip(allowed))]


def _constant(value: Any) -> Expression:
    return lambda _context: value


def _member_of(start: Expression | None, members: list[Expression]) -> Expression:
    def read(context: Context) -> Any:
        keys = [member(context) for member in members]
        value = start(context) if start else context.look_up(to_text(values.to_plain(keys.pop(0))))
        for key in keys:
            value = values.read_member(value, key)
        return value

    return read


def _range_of(low: Expression, high: Expression) -> Expression:
    def build(context: Context) -> list[float]:
        first, last = (to_number(values.to_plain(end(context))) for end in (low, high))
        if not last + 1 > first:
            return []
        if not last - first < _MOST_RANGE:
            raise LiquidError(f"a range has at most {_MOST_RANGE} items", token=None)
        count = math.ceil(last + 1 - first)
        context.budget.use(count)
        return [first + step for step in range(count)]

    return build


def _evaluate(postfix: list[Expression | str]) -> Expression:
    """Return the function of operands and operators in postfix order; a missing operand is undefined."""
    if len(postfix) == 1 and not isinstance(postfix[0], str):
        return postfix[0]

    def run(context: Context) -> Any:
        stack: list[Any] = []
        for step in postfix:
            if not isinstance(step, str):
                stack.append(step(context))
                continue
            right = stack.pop() if stack else MISSING
            if step == "not":
                stack.append(not values.is_truthy(right))
                continue
            left = stack.pop() if stack else MISSING
            stack.append(_operate(step, left, right))
        return stack[0]

    return run


def _operate(operator: str, left: Any, right: Any) -> bool:
    if operator == "==":
        return values.is_equal(left, right)
    if operator == "!=":
        return not values.is_equal(left, right)
    if operator == "contains":
        return values.contains(left, right)
    if operator == "and":
        return values.is_truthy(left) and values.is_truthy(right)
    if operator == "or":
        return values.is_truthy(left) or values.is_truthy(right)
    return values.compare(operator, left, right)


def _apply(value: Expression, function: FilterFunction, arguments: list[Expression]) -> Expression:
    def run(context: Context) -> Any:
        subject = value(context)
        return function(context, subject, *[argument(context) for argument in arguments])

    return run
