"""Conditional directives: `@if` and `@excludeWhenNull`."""

from typing import Any

from klavier.jsvalues import truthy
from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.javascript.values import is_loosely_empty
from klavier_segment_actions.mapping_kit.compiler import Compiler, Resolver
from klavier_segment_actions.mapping_kit.options import as_object


def if_(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@if`: `exists` (neither missing nor null), or `blank` (not empty, contrary to its name)."""
    options = as_object(compiler, value)
    if options is None:
        return compiler.compile(None)
    if not truthy(options.get("exists")) and not truthy(options.get("blank")):
        return compiler.problem("requires 'exists' or 'blank'; add one")
    by_existence = "exists" in options
    subject = compiler.member(options, "exists" if by_existence else "blank")
    then, otherwise = compiler.member(options, "then"), compiler.member(options, "else")
    has_else = truthy(options.get("else"))

    def choose(event: Any) -> Any:
        found = subject(event)
        if found is not None and found is not MISSING and (by_existence or not is_loosely_empty(found)):
            return then(event)
        return otherwise(event) if has_else else MISSING

    return choose


def exclude_when_null(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@excludeWhenNull`: null is removed, also inside objects."""
    resolve = compiler.compile(value)
    return lambda event: _without_nulls(resolve(event))


def _without_nulls(value: Any) -> Any:
    if value is None:
        return MISSING
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
