"""Strings with placeholders: `{{path}}` and `{{{path}}}` are equal, since nothing is escaped."""

from collections.abc import Callable, Iterator
from typing import Any

from klavier.jsvalues import to_string
from klavier.vendor import RejectEvent
from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.mapping_kit.paths import reader, split_mapping_path

OUTPUT = 100_000
"""Characters that a template may expand to: what Klaviyo accepts for one string."""

Template = Callable[[Any], str]
"""From an event to the expanded string; raises `RejectEvent` for one that is too long."""


def compile_template(text: str, passes: int) -> Template:
    """Compile a template; with two passes, placeholders that a `{{{value}}}` brought in are expanded too."""
    if passes == 1 or "{{{" not in text:
        return _compile(text, (3, 2))
    first = _compile(text, (3,))
    return lambda event: _compile(first(event), (2,))(event)


def _compile(text: str, widths: tuple[int, ...]) -> Template:
    parts: list[str | Callable[[Any], Any]] = []
    end = 0
    for start, stop, path in _placeholders(text, widths):
        parts.append(text[end:start])
        keys = split_mapping_path(path.strip())
        parts.append(reader(keys) if keys is not None else lambda _event: MISSING)
        end = stop
    parts.append(text[end:])

    def expand(event: Any) -> str:
        expanded = [part if isinstance(part, str) else _to_text(part(event)) for part in parts]
        if sum(map(len, expanded)) > OUTPUT:
            raise RejectEvent(f"the template expands to more than {OUTPUT} characters")
        return "".join(expanded)

    return expand


def _placeholders(text: str, widths: tuple[int, ...]) -> Iterator[tuple[int, int, str]]:
    """Return start, end and path of each placeholder with so many braces, the first possible width first.

    Linear in the text: the next closing brace is looked up once for all the opening ones before it.
    """
    start, close = text.find("{{"), -1
    while start >= 0:
        if close < start:
            close = text.find("}", start)
        if close < 0:
            return
        for width in widths:
            is_open = text.startswith("{" * width, start) and close > start + width
            if is_open and text.startswith("}" * width, close):
                yield start, close + width, text[start + width : close]
                start = close + width - 1
                break
        start = text.find("{{", start + 1)


def _to_text(value: Any) -> str:
    return "" if value is None or value is MISSING else to_string(value)
