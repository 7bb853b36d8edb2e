"""Parses triggers as Segment's implementation does, including its defects.

Words that begin no condition are ignored, the last `and` or `or` of a level applies to the whole level, a parenthesis
ends at the first closing one, names such as `contains` and `starts_with` are operators too, and `match` without a star
at its end drops the first character of its argument.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from klavier_segment_actions.javascript.values import to_number, to_text
from klavier_segment_actions.triggers import conditions as on
from klavier_segment_actions.triggers.conditions import NESTED_FIELDS, PLAIN_FIELDS, Condition, Test
from klavier_segment_actions.triggers.tokens import Token, TriggerError, tokenize

_FUNCTIONS: Final = ("contains", "match")
_FUNCTION_FIELDS: Final = ("event", "name", "userId")
_BOOLEANS: Final = {"true": 1.0, "false": 0.0}
_COMPARISONS: Final = ("<", "<=", ">", ">=", "number_equals", "number_not_equals")
_KINDS: Final = {"exists": on.exists, "not_exists": on.missing, "is_true": on.is_true, "is_false": on.is_false}
_PARTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "contains": str.__contains__,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}


def read_trigger(text: str) -> Condition:
    """Compile a trigger; raises `TriggerError` where the implementation fails."""
    tokens = deque(_joined(tokenize(text)))
    found = _group(tokens, len(text))
    if found is None:
        raise TriggerError("Segment finds no condition", len(text))
    return found


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


def _group(tokens: deque[Token], end: int) -> Condition | None:
    """Read the conditions of a level; None where there is none."""
    found: list[Condition | None] = []
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
    known = [condition for condition in found[: _first_empty(found)] if condition is not None]
    if not known or (len(known) < len(found) and not either):
        return None
    return on.any_of(known) if either else on.all_of(known)


def _first_empty(found: list[Condition | None]) -> int:
    """Return the index of the first parenthesis without a condition: the implementation reads nothing after it."""
    return found.index(None) if None in found else len(found)


def _parenthesis(tokens: deque[Token], opening: Token, end: int) -> Condition | None:
    inside: deque[Token] = deque()
    while tokens:
        token = tokens.popleft()
        if token.text == ")" and token.kind == "paren":
            inside.append(Token("end", "eos", token.place))
            return _group(inside, token.place)
        inside.append(token)
    raise TriggerError("the parenthesis is never closed", min(opening.place, end))


def _field(token: Token, tokens: deque[Token], found: list[Condition | None]) -> None:
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
    if operator.text in _COMPARISONS:
        is_boolean = root in NESTED_FIELDS and value.text in _BOOLEANS
        return on.compares(operator.text, _BOOLEANS[value.text] if is_boolean else to_number(_text(value)))
    return _named_test(operator.text, _text(value))


def _named_test(name: str, part: str) -> Test:
    """Return a test by the name that the implementation has for it, such as `starts_with`."""
    if name in _KINDS:
        return _KINDS[name]
    check = _PARTS.get(name.removeprefix("not_"))
    return on.text_test(lambda actual: check(actual, part), negated=name.startswith("not_")) if check else on.never


def _function(name: Token, tokens: deque[Token], found: list[Condition | None], *, negated: bool) -> None:
    arguments = [tokens.popleft() if tokens else None for _ in range(5)]
    field, value = arguments[1], arguments[3]
    if field is None or value is None:
        raise TriggerError(f"{name.text}() takes a field and a value", name.place)
    if name.text == "contains":
        test = _named_test("not_contains" if negated else "contains", _text(value))
    else:
        test = _match(value, negated=negated)
    root, _, path = field.text.partition(".")
    if field.text in _FUNCTION_FIELDS:
        found.append(on.field_condition(field.text, None, test))
    elif nested := next((name for name in NESTED_FIELDS if field.text.startswith(name)), None):
        found.append(on.field_condition(nested, path if path and root == nested else field.text, test))


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
