"""The tokens of the trigger language (FQL), each with its index in the text.

The rules are exactly those of Segment's own lexer, so that text which it refuses is refused here too.
"""

from typing import Literal

from attrs import frozen

Kind = Literal[
    "ident", "dot", "operator", "conditional", "string", "number", "null", "bracket", "paren", "comma", "end"
]

_SPACE = frozenset(" \t\n")
_CLOSING = frozenset(" \t\n,])")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_NAME = _LETTERS | _DIGITS | frozenset("_-\\")
_AFTER_NAME = _CLOSING | frozenset(".(=!")
_SINGLE: dict[str, Kind] = {".": "dot", "[": "bracket", "]": "bracket", ",": "comma", "(": "paren", ")": "paren"}


@frozen
class Token:
    """One token; `place` is the index of its first character. Strings keep their quotes, as in Segment's lexer."""

    kind: Kind
    text: str
    place: int


class TriggerError(Exception):
    """A trigger that cannot be parsed; `place` is the index of the first wrong character.

    It does not leave this package: `compile_trigger` raises `ConfigError` instead.
    """

    def __init__(self, problem: str, place: int) -> None:
        self.problem = problem
        self.place = place
        super().__init__(problem, place)


def tokenize(text: str) -> list[Token]:
    """Split a trigger into tokens, an `end` last; raises `TriggerError`."""
    return _Lexer(text).tokens()


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def tokens(self) -> list[Token]:
        found: list[Token] = []
        while self.at < len(self.text):
            if self.text[self.at] in _SPACE:
                self.at += 1
            else:
                found.append(self._token())
        return [*found, Token("end", "eos", len(self.text))]

    def _token(self) -> Token:
        start, char = self.at, self.text[self.at]
        self.at += 1
        if char == "!" and (self._peek() in _LETTERS or self._peek() == "("):
            return Token("operator", "!", start)
        if char in _LETTERS or char in "_\\":
            return self._word(char, start)
        if char in "!=<>":
            return self._operator(char, start)
        if char in _DIGITS or char in "+-":
            return self._number(start)
        if char in "\"'":
            return self._string(char, start)
        if char in _SINGLE:
            return Token(_SINGLE[char], char, start)
        raise TriggerError("unexpected character", start)

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _operator(self, char: str, start: int) -> Token:
        if char == "=":
            return Token("operator", "=", start)
        if self._accept("="):
            return Token("operator", char + "=", start)
        if char == "!":
            raise TriggerError("after '!' comes '=' and a space, a name or '('", start)
        return Token("operator", char, start)

    def _word(self, char: str, start: int) -> Token:
        if char == "a" and self._accept("nd"):
            return Token("conditional", "and", start)
        if char == "o" and self._accept("r"):
            return Token("conditional", "or", start)
        if char == "n" and self._accept("ull"):
            return Token("null", "null", start)
        self.at = start
        name = []
        while self._peek() in _NAME and self._peek():
            if self._peek() == "\\":
                self.at += 1
                if not self._peek():
                    raise TriggerError("a backslash escapes the character after it, and there is none", self.at - 1)
            name.append(self._peek())
            self.at += 1
        if self._peek() and self._peek() not in _AFTER_NAME:
            raise TriggerError("a name ends with a space, '.', '(', '=', '!', ',' or ')'", self.at)
        return Token("ident", "".join(name), start)

    def _number(self, start: int) -> Token:
        decimal = False
        while self._peek() and (self._peek() in _DIGITS or self._peek() == "."):
            if self._peek() == ".":
                if self.text[self.at + 1 : self.at + 2] in _CLOSING or self.at + 1 == len(self.text):
                    raise TriggerError("a number does not end with a decimal point", self.at)
                if decimal:
                    raise TriggerError("a number has one decimal point", self.at)
                decimal = True
            self.at += 1
        return Token("number", self.text[start : self.at], start)

    def _string(self, quote: str, start: int) -> Token:
        end = self.text.find(quote, self.at)
        if end < 0:
            raise TriggerError("the string has no closing quote", start)
        text = self.text[start : end + 1]
        self.at = end
        self._accept(quote)  # where none of " ,])" follows, Segment's lexer leaves the quote and fails at it
        return Token("string", text, start)

    def _accept(self, expected: str) -> bool:
        """Consume the expected characters where a closing character or the end follows them."""
        end = self.at + len(expected)
        if self.text[self.at : end] != expected or not (end == len(self.text) or self.text[end] in _CLOSING):
            return False
        self.at = end
        return True
