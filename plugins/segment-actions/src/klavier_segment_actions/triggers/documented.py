"""Parses triggers with the usual rules: `and` binds closer than `or`, parentheses nest, `!` negates what follows.

A word that begins no condition, and a field or function that the language does not have, is an error with its column.
"""

import difflib
from collections.abc import Callable
from typing import Final

from klavier_segment_actions.triggers import conditions as on
from klavier_segment_actions.triggers.conditions import NESTED_FIELDS, PLAIN_FIELDS, Condition, Test
from klavier_segment_actions.triggers.tokens import Token, TriggerError, tokenize

_FUNCTIONS: Final = ("contains", "match")
_FIELDS: Final = ("type", "event", "name", "userId", "properties.*", "traits.*", "context.*")
_DEEPEST: Final = 50


def read_trigger(text: str) -> Condition:
    """Compile a trigger; raises `TriggerError`."""
    parser = _Parser(tokenize(text))
    condition = parser.either()
    parser.finish()
    return condition


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def finish(self) -> None:
        if self.next.kind != "end":
            raise TriggerError(f"expected 'and', 'or' or the end, not {_shown(self.next)}", self.next.place)

    def either(self) -> Condition:
        found = [self.both()]
        while self._takes("or"):
            found.append(self.both())
        return on.any_of(found)

    def both(self) -> Condition:
        found = [self.single()]
        while self._takes("and"):
            found.append(self.single())
        return on.all_of(found)

    def single(self) -> Condition:
        if self.next.text == "!" or (self.next.kind == "ident" and self.next.text.lower() == "not"):
            self.take()
            if self.next.kind == "ident" and self.next.text in _FUNCTIONS:
                return self.function(negated=True)
            inner = self._deeper()
            return lambda event: not inner(event)
        return self._deeper() if self.next.text == "(" else self.condition()

    def condition(self) -> Condition:
        if self.next.kind == "ident" and self.next.text in _FUNCTIONS and self.tokens[self.at + 1].text == "(":
            return self.function(negated=False)
        root, path = self.field()
        operator = self.take()
        if operator.kind != "operator" or operator.text == "!":
            raise TriggerError(f"expected =, !=, <, <=, > or >=, not {_shown(operator)}", operator.place)
        return on.field_condition(root, path, _test(operator, self.value()))

    def function(self, *, negated: bool) -> Condition:
        name = self.take()
        self._expect("(", f"{name.text} is followed by '('")
        place = self.next.place
        root, path = self.field()
        if root == "type":
            raise TriggerError(f"{name.text}() does not work on type; compare it with =", place)
        self._expect(",", f"{name.text}() takes a field, a comma and a string")
        value = self.take()
        if value.kind != "string":
            raise TriggerError(f"{name.text}() takes a string in quotes, not {_shown(value)}", value.place)
        self._expect(")", f"{name.text}() ends with ')'")
        text = value.text[1:-1]
        if name.text == "contains":
            return on.field_condition(root, path, on.text_test(lambda actual: text in actual, negated=negated))
        return on.field_condition(root, path, on.text_test(_glob(text), negated=negated))

    def field(self) -> tuple[str, str | None]:
        root = self.take()
        if root.kind != "ident":
            raise TriggerError(f"expected a field, not {_shown(root)}; fields are {', '.join(_FIELDS)}", root.place)
        if root.text in PLAIN_FIELDS:
            return root.text, None
        if root.text not in NESTED_FIELDS:
            raise TriggerError(f"{_shown(root)} is no field{_suggestion(root.text)}", root.place)
        keys: list[str] = []
        while self.next.kind == "dot":
            self.take()
            keys.append(self._key())
        if not keys:
            raise TriggerError(f"{root.text} is followed by a dot and a name, like {root.text}.plan", root.place)
        return root.text, ".".join(keys)

    def value(self) -> Token:
        token = self.take()
        known = token.kind in ("string", "number", "null") or token.text in ("true", "false")
        if not known:
            raise TriggerError(
                f"expected a string in quotes, a number, true, false or null, not {_shown(token)}", token.place
            )
        if token.kind == "number" and not any(char.isdigit() for char in token.text):
            raise TriggerError("a number has digits", token.place)
        return token

    def _deeper(self) -> Condition:
        if self.next.text != "(":
            return self.condition()
        opening = self.take()
        self.depth += 1
        if self.depth > _DEEPEST:
            raise TriggerError(f"parentheses nest deeper than {_DEEPEST} levels", opening.place)
        inner = self.either()
        self.depth -= 1
        if self.next.text != ")":
            raise TriggerError(f"expected 'and', 'or' or ')', not {_shown(self.next)}", self.next.place)
        self.take()
        return inner

    def _key(self) -> str:
        """Read one key of a path: a name, a number, or both without a space, as in an id."""
        first = self.take()
        if first.kind not in ("ident", "number", "null", "conditional"):
            raise TriggerError(f"expected a name after the dot, not {_shown(first)}", first.place)
        text, end = first.text, first.place + len(first.text)
        while self.next.kind in ("ident", "number") and self.next.place == end:
            end += len(self.next.text)
            text += self.take().text
        return text

    def _takes(self, word: str) -> bool:
        if self.next.kind in ("conditional", "ident") and self.next.text.lower() == word:
            self.take()
            return True
        return False

    def _expect(self, text: str, otherwise: str) -> None:
        if self.next.text != text or self.next.kind == "string":
            raise TriggerError(f"{otherwise}, not {_shown(self.next)}", self.next.place)
        self.take()


def _test(operator: Token, value: Token) -> Test:
    equal = operator.text == "="
    if operator.text not in ("=", "!="):
        if value.kind != "number":
            raise TriggerError(f"{operator.text} compares with a number, not {_shown(value)}", value.place)
        return on.compares(operator.text, float(value.text))
    if value.kind == "null":
        return on.missing if equal else on.exists
    if value.kind == "number":
        return on.compares("number_equals" if equal else "number_not_equals", float(value.text))
    if value.kind == "string":
        return (on.EqualsText if equal else on.differs_from_text)(value.text[1:-1])
    test = on.is_true if value.text == "true" else on.is_false
    return test if equal else lambda actual: not test(actual)


def _glob(pattern: str) -> Callable[[str], bool]:
    """Compile the pattern of match(), in which a star matches any characters, to a search from left to right."""
    start, *rest = pattern.split("*")
    if not rest:
        return lambda actual: actual == pattern
    *middle, end = rest

    def matches(actual: str) -> bool:
        at, stop = len(start), len(actual) - len(end)
        if stop < at or not (actual.startswith(start) and actual.endswith(end)):
            return False
        for part in middle:
            found = actual.find(part, at, stop)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return matches


def _shown(token: Token) -> str:
    if token.kind == "end":
        return "the end"
    if token.kind == "string":
        return "a string"
    return repr(token.text) if len(token.text) <= 30 else f"a {token.kind}"  # noqa: PLR2004 -- longer ones may be a customer's text


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name, [*PLAIN_FIELDS, *NESTED_FIELDS, *_FUNCTIONS], n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; fields are {', '.join(_FIELDS)}"
