"""How the console writes numbers, times and JSON; masked JSON shows its shape and no value."""

import re
import time
from typing import Any

import orjson
from markupsafe import Markup, escape

from klavier.errors import EventError
from klavier.pages.environment import visible
from klavier.redaction import redact_json
from klavier.strictjson import read_text

_SPANS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_LONGEST_JSON = 200_000
"""Characters of JSON that a page shows."""

_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*')
_MASKED = re.compile(r'"\((str|int|float|bool|secret)\)"')
_MASKED_NULL = '"null"'
"""How null is masked; a text would be masked by its kind."""
_KINDS = {"str": "text", "int": "number", "float": "number", "bool": "yes/no", "secret": "secret"}


def span(seconds: float) -> str:
    """Return a time span in its largest whole unit, such as `5 min`."""
    unit, length = next(((unit, length) for unit, length in _SPANS if seconds >= length), ("s", 1))
    return f"{max(0, int(seconds // length))} {unit}"


def duration(seconds: float) -> str:
    """Return how long something took: in milliseconds below a second, else as a time span."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s" if seconds < 10 else span(seconds)  # noqa: PLR2004 -- two digits are enough


def clock(at: float) -> str:
    """Return the time of day in UTC, such as `14:05:09`."""
    return time.strftime("%H:%M:%S", time.gmtime(at))


def moment(at: float) -> str:
    """Return a time in UTC, such as `2026-11-30 14:05:09`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def number(value: float) -> str:
    """Return a number with separators."""
    return f"{value:,}"


def size(value: int) -> str:
    """Return a number of bytes in megabytes or gigabytes."""
    return f"{value / 1e9:,.1f} GB" if value >= 1e9 else f"{value / 1e6:,.1f} MB"  # noqa: PLR2004 -- a gigabyte


def draw_json(value: Any, *, masked: bool) -> Markup:
    """Return JSON as HTML, its parts marked for coloring; masked, each value is replaced by its kind."""
    try:
        text = orjson.dumps(redact_json(value) if masked else value, option=orjson.OPT_INDENT_2, default=str).decode()
    except (RecursionError, TypeError):  # what is no event may be nested as deeply as somebody likes
        return Markup("nested too deeply to be shown")
    pieces: list[str] = []
    end = 0
    for found in _TOKEN.finditer(text, 0, _LONGEST_JSON):
        pieces += [escape(text[end : found.start()]), _draw_token(found, masked=masked)]
        end = found.end()
    pieces.append(escape(text[end:_LONGEST_JSON]))
    if len(text) > _LONGEST_JSON:
        pieces.append("\n…")
    return Markup("").join(pieces)


def pretty(payload: bytes) -> Markup:
    """Return a JSON payload indented, to be edited; escaped for HTML, and else as it is."""
    try:
        text = orjson.dumps(read_text(payload), option=orjson.OPT_INDENT_2).decode()
    except EventError:  # no JSON, or such as loses something when it is read
        text = payload.decode("utf-8", "backslashreplace")
    return escape(text)


def _draw_token(found: "re.Match[str]", *, masked: bool) -> Markup:
    mask = _MASKED.fullmatch(found[0]) if masked else None
    if mask is not None:
        return Markup('<span class="mask">{}</span>').format(_KINDS[mask[1]])
    is_null = masked and not found[2] and found[0] == _MASKED_NULL
    kind = "number" if found[1] is None or is_null else "name" if found[2] else "text"
    text = "null" if is_null else visible(found[1] or found[0])
    return Markup('<span class="json-{}">{}</span>{}').format(kind, text, found[2] or "")
