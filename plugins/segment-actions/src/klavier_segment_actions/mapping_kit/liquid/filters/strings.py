"""Filters of strings; lengths and places count UTF-16 units, as in JavaScript."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from liquid.exceptions import LiquidError

from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.javascript.values import SPACE, is_truthy, join_units, split_units, to_number
from klavier_segment_actions.mapping_kit.liquid.values import Special, is_nil, to_plain, write

_SPACES = re.compile(f"[{re.escape(SPACE)}]+")
_NEWLINE = re.compile(r"\r?\n")
_CJK = "\u4e00-\u9fff\uf900-\ufaff\u3400-\u4dbf\u3040-\u309f\u30a0-\u30ff\uac00-\ud7af"
_CJK_CHARACTER = re.compile(f"[{_CJK}]")
_OTHER_WORD = re.compile(f"[^{_CJK}{re.escape(SPACE)}]+")


def _append(_context: Any, value: Any, *texts: Any) -> str:
    return write(value) + _only(texts)


def _prepend(_context: Any, value: Any, *texts: Any) -> str:
    return _only(texts) + write(value)


def _only(texts: tuple[Any, ...]) -> str:
    if len(texts) != 1:
        raise LiquidError("filters 'append' and 'prepend' take one argument", token=None)
    return write(texts[0])


def _strip(side: Callable[[str, str], str]) -> Callable[..., str]:
    def run(_context: Any, value: Any, characters: Any = MISSING) -> str:
        return side(write(value), write(characters) if is_truthy(characters) else SPACE)

    return run


def _capitalize(_context: Any, value: Any) -> str:
    text = write(value)
    return text[:1].upper() + text[1:].lower()


def _remove(_context: Any, value: Any, part: Any = MISSING) -> str:
    part = write(part)
    return write(value).replace(part, "") if part else write(value)


def _remove_first(_context: Any, value: Any, part: Any = MISSING) -> str:
    return write(value).replace(write(part), "", 1)


def _remove_last(context: Any, value: Any, part: Any = MISSING) -> str:
    return _replace_last(context, value, part, "")


def _replace(context: Any, value: Any, part: Any = MISSING, replacement: Any = MISSING) -> str:
    text, part, replacement = write(value), write(part), write(replacement)
    parts: Any = text.split(part) if part else list(split_units(text))
    context.budget.use(len(parts) + (len(parts) - 1) * len(replacement))
    return join_units(replacement.join(parts))


def _replace_first(_context: Any, value: Any, part: Any = MISSING, replacement: Any = MISSING) -> str:
    return write(value).replace(write(part), write(replacement), 1)


def _replace_last(_context: Any, value: Any, part: Any = MISSING, replacement: Any = MISSING) -> str:
    text, part = write(value), write(part)
    place = text.rfind(part)
    return text if place < 0 else text[:place] + write(replacement) + text[place + len(part) :]


def split(_context: Any, value: Any, separator: Any = MISSING) -> list[str]:
    """Return the parts of a string, without empty ones at the end."""
    text, separator = write(value), write(separator)
    parts = text.split(separator) if separator else [join_units(unit) for unit in split_units(text)]
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _slice_end(length: float, start: float) -> int:
    """Return an index of JavaScript's `substring`, within the string."""
    return int(min(max(start, 0), length)) if start == start else 0  # noqa: PLR0124 -- False for NaN only


def _truncate(_context: Any, value: Any, length: Any = MISSING, ending: Any = MISSING) -> Any:
    most = 50.0 if length is MISSING else to_number(to_plain(length))
    end = "..." if ending is MISSING else write(ending)
    text = split_units(write(value))
    if len(text) <= most:
        return value
    return join_units(text[: _slice_end(len(text), most - len(split_units(end)))] + end)


def _truncate_words(_context: Any, value: Any, count: Any = MISSING, ending: Any = MISSING) -> str:
    most = 15.0 if count is MISSING else to_number(to_plain(count))
    words = _SPACES.split(write(value))
    if most <= 0:
        most = 1.0
    kept = words[: _slice_end(len(words), most)]
    end = "..." if ending is MISSING else write(ending)
    return " ".join(kept) + (end if len(words) >= most else "")


def _normalize_whitespace(_context: Any, value: Any) -> str:
    return _SPACES.sub(" ", write(value))


def _squish(context: Any, value: Any) -> str:
    return _normalize_whitespace(context, value).strip(SPACE)


def _strip_newlines(_context: Any, value: Any) -> str:
    return _NEWLINE.sub("", write(value))


def _number_of_words(_context: Any, value: Any, mode: Any = MISSING) -> int:
    text = write(value).strip(SPACE)
    if not text:
        return 0
    characters = len(_CJK_CHARACTER.findall(text)) if mode in ("cjk", "auto") else 0
    if mode == "cjk" or characters:
        return characters + len(_OTHER_WORD.findall(text))
    return len(_SPACES.split(text))


def _default(_context: Any, value: Any, otherwise: Any = MISSING, *options: Any) -> Any:
    value = to_plain(value)
    if isinstance(value, (list, str)):
        return value or otherwise
    if value is False:
        return value if _is_allowed(dict(map(_entry, options)).get("allow_false", MISSING)) else otherwise
    return otherwise if is_nil(value) else value


def _entry(option: Any) -> tuple[str, Any]:
    """Return the name and value of an option, as JavaScript's `Map` reads an entry; raises TypeError for a scalar."""
    if isinstance(option, dict):
        name, setting = option.get("0", MISSING), option.get("1", MISSING)
    elif isinstance(option, list):
        name, setting = (*option, MISSING, MISSING)[:2]
    elif isinstance(option, Special):
        return "", MISSING
    else:
        raise TypeError
    return name if isinstance(name, str) else "", setting


def _is_allowed(setting: Any) -> bool:
    """Return whether a setting counts as true: as in JavaScript, the literals `nil`, `empty` and `blank` do."""
    return isinstance(setting, Special) or is_truthy(setting)


STRING_FILTERS: Mapping[str, Callable[..., Any]] = {
    "append": _append,
    "capitalize": _capitalize,
    "default": _default,
    "downcase": lambda _context, value: write(value).lower(),
    "lstrip": _strip(str.lstrip),
    "normalize_whitespace": _normalize_whitespace,
    "number_of_words": _number_of_words,
    "prepend": _prepend,
    "raw": lambda _context, value: value,
    "remove": _remove,
    "remove_first": _remove_first,
    "remove_last": _remove_last,
    "replace": _replace,
    "replace_first": _replace_first,
    "replace_last": _replace_last,
    "rstrip": _strip(str.rstrip),
    "split": split,
    "squish": _squish,
    "strip": _strip(str.strip),
    "strip_newlines": _strip_newlines,
    "truncate": _truncate,
    "truncatewords": _truncate_words,
    "upcase": lambda _context, value: write(value).upper(),
}
