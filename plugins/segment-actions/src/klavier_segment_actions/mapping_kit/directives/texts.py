"""Directives that make text: `@template`, `@case`, `@replace` and `@liquid`."""

import re
from collections.abc import Callable
from typing import Any

from klavier.jsvalues import to_string, truthy
from klavier.strictjson import kind_of
from klavier_segment_actions.mapping_kit.compiler import Compiler, Resolver, fault, nothing
from klavier_segment_actions.mapping_kit.missing import MISSING
from klavier_segment_actions.mapping_kit.options import (
    as_object,
    check_boolean,
    check_string,
    check_text_or_directive,
    require,
)
from klavier_segment_actions.mapping_kit.templates import Template, template_of

LONGEST = 10
"""How long the texts of `@replace` may be."""

_CASES: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper}
_DOLLARS = re.compile(r"\$([$&`'])")


def template(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@template`: text with `{{path}}` placeholders; nothing is escaped."""
    check_text_or_directive(compiler, value)
    passes = compiler.rules.template_passes
    if isinstance(value, str):
        return template_of(value, passes)
    return _from_text(compiler, value, lambda text: template_of(text, passes))


def liquid(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@liquid`: a Liquid template without loops, includes and the filters that Segment switched off."""
    if not isinstance(value, str):
        return compiler.problem(f"must be a string, not {kind_of(value)}")
    from klavier_segment_actions.mapping_kit.liquid import liquid_of  # noqa: PLC0415 -- the library loads slowly

    try:
        render = liquid_of(value, lenient=compiler.rules.unknown_filters)
    except ValueError as error:
        return compiler.problem(str(error))
    place = compiler.place

    def rendered(event: Any) -> str:
        try:
            return render(event)
        except ValueError as error:
            raise fault(place, str(error)) from None

    return rendered


def case(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@case`: text in upper or lower case, other values as they are."""
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
    """Compile `@replace`: literal text for other text, everywhere unless `global` is false, up to two patterns."""
    options = as_object(compiler, value)
    if options is None or not require(compiler, options, "pattern"):
        return nothing
    for key in ("pattern", "replacement", "pattern2", "replacement2"):
        if options.get(key) is not None:
            check_string(compiler, options, key, LONGEST)
    for key in ("ignorecase", "global"):
        check_boolean(compiler, options, key)
    if "value" not in options:
        return compiler.problem("requires 'value'; give it")
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
    count = 1 if options.get("global") is False else 0
    text = replacement if isinstance(replacement, str) else ""
    expand = compiler.rules.replacement_patterns and "$" in text
    by: Callable[[re.Match[str]], str] = (lambda match: _expanded(text, match)) if expand else (lambda _: text)
    return lambda subject: expression.sub(by, subject, count=count)


def _expanded(replacement: str, match: re.Match[str]) -> str:
    """Fill in `$$`, `$&`, `` $` `` and `$'` as JavaScript does."""
    parts = {"$": "$", "&": match[0], "`": match.string[: match.start()], "'": match.string[match.end() :]}
    return _DOLLARS.sub(lambda found: parts[found[1]], replacement)


def _from_text(compiler: Compiler, value: Any, make: Callable[[str], Template]) -> Resolver:
    resolve, place = compiler.compile(value), compiler.place

    def render(event: Any) -> str:
        text = resolve(event)
        if not isinstance(text, str):
            found = "nothing" if text is MISSING else kind_of(text)
            raise fault(place, f"the template must resolve to a string, not {found}")
        return make(text)(event)

    return render
