"""Parses triggers as Segment's implementation does, including its defects.

Words that begin no condition are ignored, the last `and` or `or` of a level applies to the whole level, a parenthesis
ends at the first closing one, and `match` without a star at its end drops the first character of its argument.
"""

from collections import deque
from typing import Final

from klavier_segment_actions.javascript.values import to_number, to_text
from klavier_segment_actions.triggers import conditions as on
from klavier_segment_actions.triggers.conditions import NESTED_FIELDS, PLAIN_FIELDS, Condition, Test
from klavier_segment_actions.triggers.tokens import Token, TriggerError, tokenize

_FUNCTIONS: Final = ("contains", "match")
_FUNCTION_FIELDS: Final = ("event", "name", "userId")
_BOOLEANS: Final = {"true": 1.0, "false": 0.0}


def read_trigger(text: str) -> Condition:
    """Compile a trigger; raises `TriggerError` where the implementation fails."""
    tokens = deque(_joined(tokenize(text)))
    return _group(tokens, len(text))


def _joined(tokens: list[Token]) -> list[Token]:
    """Join names and dots to one name, which a number ends."""
    joined: list[Token] = []
    index = 0
    while index < len(tokens):
        token, following = tokens[index], tokens[index + 1 : index + 2]
        dotted = token.kind == "dot" and joined and joined[-1].kind == "ident"
        if dotted and following and following[0].kind == "ident":
            before = joined.pop()
            joined.append(Token("ident", f"{before.text}.{following[0].text}", before.place))
            index += 2
        else:
            joined.append(token)
            index += 1
    return joined


def _group(tokens: deque[Token], end: int) -> Condition:
    found: list[Condition] = []
    either = False
    while tokens and (token := tokens.popleft()).kind != "end":
        if token.kind == "ident":
            _field(token, tokens, found)
            if token.text in _FUNCTIONS:
                _function(token, tokens, found, negated=False)
        elif token.kind == "operator" and token.text == "!":
            if tokens and tokens[0].kind == "ident" and tokens[0].text in _FUNCTIONS:
                _function(tokens.popleft(), tokens, found, negated=True)
        elif token.text == "(":
            found.append(_parenthesis(tokens, token, end))
        elif token.kind == "conditional":
            either = token.text == "or"
    if not found:
        raise TriggerError("Segment finds no condition", end)
    return on.any_of(found) if either else on.all_of(found)


def _parenthesis(tokens: deque[Token], opening: Token, end: int) -> Condition:
    inside: deque[Token] = deque()
    while tokens:
        token = tokens.popleft()
        if token.text == ")" and token.kind == "paren":
            inside.append(Token("end", "eos", token.place))
            return _group(inside, token.place)
        inside.append(token)
    raise TriggerError("the parenthesis is never closed", min(opening.place, end))


def _field(token: Token, tokens: deque[Token], found: list[Condition]) -> None:
    root, _, path = token.text.partition(".")
    if root not in PLAIN_FIELDS and root not in NESTED_FIELDS:
        return
    if not tokens:
        raise TriggerError("an operator is missing", token.place + len(token.text))
    operator = tokens.popleft()
    if not tokens:
        raise TriggerError("a value is missing", operator.place)
    value = tokens.popleft()
    test = _test(root, operator, value)
    found.append(on.field_condition(root, None if root in PLAIN_FIELDS else path or root, test))


def _test(root: str, operator: Token, value: Token) -> Test:
    nullable = root not in ("type", "event")
    if nullable and value.text == "null" and operator.text in ("=", "!="):
        return on.missing if operator.text == "=" else on.exists
    if (root in NESTED_FIELDS or root == "userId") and operator.text == "=" and value.text in ("true", "false"):
        return on.is_true if value.text == "true" else on.is_false
    if operator.text in ("=", "!="):
        if root in NESTED_FIELDS and value.kind == "number":
            return on.compares("number_equals" if operator.text == "=" else "number_not_equals", to_number(value.text))
        return (on.EqualsText if operator.text == "=" else on.differs_from_text)(_text(value))
    if operator.text in ("<", "<=", ">", ">="):
        is_boolean = root in NESTED_FIELDS and value.text in _BOOLEANS
        return on.compares(operator.text, _BOOLEANS[value.text] if is_boolean else to_number(_text(value)))
    return on.never


def _function(name: Token, tokens: deque[Token], found: list[Condition], *, negated: bool) -> None:
    arguments = [tokens.popleft() if tokens else None for _ in range(5)]
    field, value = arguments[1], arguments[3]
    if field is None or value is None:
        raise TriggerError(f"{name.text}() takes a field and a value", name.place)
    if name.text == "contains":
        part = _text(value)
        test = on.text_test(lambda actual: part in actual, negated=negated)
    else:
        test = _match(value, negated=negated)
    root, _, path = field.text.partition(".")
    if field.text in _FUNCTION_FIELDS:
        found.append(on.field_condition(field.text, None, test))
    elif root in NESTED_FIELDS:
        found.append(on.field_condition(root, path or root, test))


def _match(value: Token, *, negated: bool) -> Test:
    if value.text.endswith('*"'):
        start = _text(value)[:-1]
        return on.text_test(lambda actual: actual.startswith(start), negated=negated)
    end = _text(value)[1:]
    return on.text_test(lambda actual: actual.endswith(end), negated=negated)


def _text(token: Token) -> str:
    """Return a token as a string: without double quotes, with single ones; numbers as JavaScript writes them."""
    if token.kind == "string":
        return token.text.removeprefix('"').removesuffix('"')
    if token.kind == "number":
        return to_text(to_number(token.text))
    return token.text
