"""Strings with placeholders: `{{path}}` and `{{{path}}}` are equal, since nothing is escaped."""

import re
from collections.abc import Callable
from typing import Any

from klavier.jsvalues import to_string
from klavier_segment_actions.mapping_kit.missing import MISSING
from klavier_segment_actions.mapping_kit.paths import reader, split_mapping_path

_PLACEHOLDER = re.compile(r"\{\{\{(?P<three>[^}]+)\}\}\}|\{\{(?P<two>[^}]+)\}\}")
_THREE = re.compile(r"\{\{\{(?P<three>[^}]+)\}\}\}")
_TWO = re.compile(r"\{\{(?P<two>[^}]+)\}\}")

Template = Callable[[Any], str]
"""From an event to the expanded string."""


def compile_template(text: str, passes: int) -> Template:
    """Compile a template; with two passes, placeholders that a `{{{value}}}` brought in are expanded too."""
    if passes == 1 or "{{{" not in text:
        return _compiled(text, _PLACEHOLDER)
    first = _compiled(text, _THREE)
    return lambda event: _compiled(first(event), _TWO)(event)


def _compiled(text: str, placeholder: re.Pattern[str]) -> Template:
    parts: list[str | Callable[[Any], Any]] = []
    end = 0
    for match in placeholder.finditer(text):
        parts.append(text[end : match.start()])
        keys = split_mapping_path(match[match.lastgroup or 0].strip())
        parts.append(reader(keys) if keys is not None else lambda _event: MISSING)
        end = match.end()
    parts.append(text[end:])
    return lambda event: "".join(part if isinstance(part, str) else _shown(part(event)) for part in parts)


def _shown(value: Any) -> str:
    return "" if value is None or value is MISSING else to_string(value)
