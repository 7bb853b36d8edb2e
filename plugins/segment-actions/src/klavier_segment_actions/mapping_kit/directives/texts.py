"""Directives that build strings: `@template`, `@case`, `@replace` and `@liquid`."""

import re
from collections.abc import Callable
from typing import Any

from klavier.jsvalues import to_string, truthy
from klavier.strictjson import kind_of
from klavier.vendor import RejectEvent
from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.mapping_kit.bounds import check_length
from klavier_segment_actions.mapping_kit.compiler import Compiler, Resolver, mapping_error, nothing
from klavier_segment_actions.mapping_kit.options import (
    as_object,
    check_boolean,
    check_string,
    check_text_or_directive,
    require,
)
from klavier_segment_actions.mapping_kit.templates import Template, compile_template

LONGEST = 10
"""The characters that a pattern or replacement of `@replace` may have."""

_CASES: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper}
_DOLLARS = re.compile(r"\$([$&`'])")


def template(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@template`: a string with `{{path}}` placeholders; nothing is escaped."""
    check_text_or_directive(compiler, value)
    passes, place = compiler.fidelity.template_passes, compiler.place
    if isinstance(value, str):
        return _named(compile_template(value, passes), place)
    return _from_text(compiler, value, lambda text: compile_template(text, passes))


def liquid(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@liquid`: a Liquid template without loops, includes and the filters that Segment disabled."""
    if not isinstance(value, str):
        return compiler.problem(f"must be a string, not {kind_of(value)}")
    from klavier_segment_actions.mapping_kit.liquid import compile_liquid  # noqa: PLC0415 -- the library loads slowly

    try:
        render = compile_liquid(value)
    except ValueError as error:
        return compiler.problem(str(error))
    place = compiler.place

    def rendered(event: Any) -> str:
        try:
            return render(event)
        except ValueError as error:
            raise mapping_error(place, str(error)) from None

    return rendered


def case(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@case`: a string in upper or lower case; other values stay unchanged."""
    options = as_object(compiler, value)
    if options is None or not require(compiler, options, "operator"):
        return nothing
    subject = _subject(compiler, options)
    convert = _CASES.get(options["operator"]) if isinstance(options["operator"], str) else None
    if convert is None:
        with compiler.at("operator"):
            return compiler.problem("must be 'lower' or 'upper'")

    def convert_text(event: Any) -> Any:
        found = subject(event)
        return convert(found) if isinstance(found, str) else found

    return convert_text


def replace(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@replace`: replaces literal text, all occurrences unless `global` is false, up to two patterns."""
    options = as_object(compiler, value)
    if options is None or not require(compiler, options, "pattern"):
        return nothing
    for key in ("pattern", "replacement", "pattern2", "replacement2"):
        if options.get(key) is not None:
            check_string(compiler, options, key, LONGEST)
    for key in ("ignorecase", "global"):
        check_boolean(compiler, options, key)
    if "value" not in options:
        return compiler.problem("requires 'value'; add it")
    subject = _subject(compiler, options)
    if not truthy(options["value"]):
        return nothing
    steps = [
        _replacer(compiler, options, options[f"pattern{n}"], options.get(f"replacement{n}") or "")
        for n in ("", "2")
        if isinstance(options.get(f"pattern{n}"), str) and options[f"pattern{n}"]
    ]

    def replace_text(event: Any) -> str:
        found = subject(event)
        if not isinstance(found, (str, bool, int, float)):
            return ""
        text = to_string(found)
        for step in steps:
            text = step(text)
        return text

    return replace_text


def _subject(compiler: Compiler, options: dict[str, Any]) -> Resolver:
    if "value" in options:
        with compiler.at("value"):
            check_text_or_directive(compiler, options["value"])
    return compiler.member(options, "value") if truthy(options.get("value")) else nothing


def _replacer(compiler: Compiler, options: dict[str, Any], pattern: str, replacement: Any) -> Callable[[str], str]:
    flags = re.IGNORECASE if options.get("ignorecase") is True else 0
    expression = re.compile(re.escape(pattern), flags)
    once, place = options.get("global") is False, compiler.place
    text = replacement if isinstance(replacement, str) else ""
    expand = compiler.fidelity.replacement_patterns and "$" in text

    def replace_all(subject: str) -> str:
        parts: list[str] = []
        end = length = 0
        for match in expression.finditer(subject):
            parts += (subject[end : match.start()], _expanded(text, match) if expand else text)
            length += len(parts[-1])
            check_length(length, place)
            end = match.end()
            if once:
                break
        return "".join([*parts, subject[end:]])

    return replace_all


def _expanded(replacement: str, match: re.Match[str]) -> str:
    """Expand `$$`, `$&`, `` $` `` and `$'` as JavaScript does."""
    parts = {"$": "$", "&": match[0], "`": match.string[: match.start()], "'": match.string[match.end() :]}
    return _DOLLARS.sub(lambda found: parts[found[1]], replacement)


def _from_text(compiler: Compiler, value: Any, make: Callable[[str], Template]) -> Resolver:
    resolve, place = compiler.compile(value), compiler.place

    def render(event: Any) -> Any:
        text = resolve(event)
        if not isinstance(text, str):
            found = "nothing" if text is MISSING else kind_of(text)
            raise mapping_error(place, f"the template must resolve to a string, not {found}")
        return _named(make(text), place)(event)

    return render


def _named(template: Template, place: str) -> Resolver:
    """Return a template whose errors contain its path in the mapping."""

    def render(event: Any) -> str:
        try:
            return template(event)
        except RejectEvent as refusal:
            raise mapping_error(place, str(refusal)) from None

    return render
