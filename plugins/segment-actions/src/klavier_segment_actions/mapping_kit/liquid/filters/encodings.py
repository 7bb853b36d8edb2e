"""Filters that encode: HTML, URLs, slugs, JSON, Base64 and digests."""

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.javascript.values import SPACE, is_truthy, to_json
from klavier_segment_actions.mapping_kit.liquid.values import Special, to_plain, write

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"})
_ENTITY = re.compile("&(amp|lt|gt|#34|#39);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "#34": '"', "#39": "'"}
_BLOCKS = (("<script", "</script>"), ("<style", "</style>"), ("<!--", "-->"), ("<", ">"))
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_COMPONENT = "-_.!~*'()"
"""The characters that `encodeURIComponent` keeps, besides letters and digits."""
_ADDRESS = _COMPONENT + ";/?:@&=+$,#[]"
"""The characters that `encodeURI` keeps, and the brackets that the filter restores."""
_LATIN = {
    "àáâãäå": "a", "æ": "ae", "ç": "c", "èéêë": "e", "ìíîï": "i", "ð": "d", "ñ": "n", "òóôõöø": "o", "ùúûü": "u",
    "ýÿ": "y", "ß": "ss", "œ": "oe", "þ": "th", "ẞ": "SS", "Œ": "OE", "Þ": "TH",
}  # fmt: skip
_WITHOUT_ACCENTS = str.maketrans({letter: plain for letters, plain in _LATIN.items() for letter in letters})
_WIDEST_INDENT = 10
"""The most that `JSON.stringify` indents."""


def _escape(_context: Any, value: Any) -> str:
    return write(value).translate(_ESCAPED)


def _escape_once(context: Any, value: Any) -> str:
    return _escape(context, _ENTITY.sub(lambda found: _CHARACTERS[found[1]], write(value)))


def _strip_html(_context: Any, value: Any) -> str:
    """Remove tags, comments, scripts and styles, in time linear in the string."""
    text = write(value)
    parts: list[str] = []
    blocks = dict(_BLOCKS)
    at = 0
    while (opening := text.find("<", at)) >= 0:
        parts.append(text[at:opening])
        at = opening
        for start, end in tuple(blocks.items()):
            if text.startswith(start, opening):
                found = text.find(end, opening + len(start))
                if found >= 0:
                    at = found + len(end)
                    break
                del blocks[start]  # there is no further end, so later starts need no search
        if at == opening:
            break
    return "".join([*parts, text[at:]])


def _url_decode(_context: Any, value: Any) -> str:
    text = write(value)
    if _BAD_ESCAPE.search(text):
        raise ValueError
    return unquote_to_bytes(text).decode().replace("+", " ")


def _url_encode(_context: Any, value: Any) -> str:
    return quote(write(value), safe=_COMPONENT + " ").replace(" ", "+")


def _cgi_escape(_context: Any, value: Any) -> str:
    return quote(write(value), safe="-_.~ ").replace(" ", "+")


def _uri_escape(_context: Any, value: Any) -> str:
    return quote(write(value), safe=_ADDRESS)


_SLUG_KEEPS: Mapping[str, Callable[[str], bool]] = {
    "raw": lambda char: char not in SPACE,
    "default": lambda char: unicodedata.category(char)[0] in "ML" or unicodedata.category(char) == "Nd",
    "pretty": lambda char: (
        unicodedata.category(char)[0] in "ML" or unicodedata.category(char) == "Nd" or char in "._~!$&'()+,;=@"
    ),
    "ascii": lambda char: char.isascii() and char.isalnum(),
}


def _slugify(_context: Any, value: Any, mode: Any = MISSING, cased: Any = None) -> str:
    text = write(value)
    name = "default" if mode is MISSING else mode
    if name == "latin":
        text, name = text.translate(_WITHOUT_ACCENTS), "default"
    keeps = _SLUG_KEEPS.get(name) if isinstance(name, str) else None
    if keeps is not None:
        marked = "".join(char if keeps(char) else "\n" for char in text)
        text = re.sub("\n+", "-", marked).removeprefix("-").removesuffix("-")
    return text if is_truthy(to_plain(cased)) else text.lower()


def _json(context: Any, value: Any, space: Any = None) -> Any:
    indent: str | None = None
    space = to_plain(space)
    if isinstance(space, str) and space:
        indent = space[:_WIDEST_INDENT]
    elif isinstance(space, (int, float)) and not isinstance(space, bool) and space > 0:
        indent = " " * int(min(space, _WIDEST_INDENT))
    if indent:
        context.budget.use(_indentation(value, len(indent), 1))
    return to_json(_without_literals(value), indent)


def _without_literals(value: Any) -> Any:
    """Return a value whose literals, such as `nil`, are written as the empty objects that they are in JavaScript."""
    if isinstance(value, list) and any(isinstance(item, (Special, list)) for item in value):
        return [_without_literals(item) for item in value]
    return {} if isinstance(value, Special) else value


def _indentation(value: Any, indent: int, depth: int) -> int:
    """Return the characters that indentation adds."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(indent * depth + _indentation(item, indent, depth + 1) for item in items)


def _base64_decode(_context: Any, value: Any) -> str:
    """Decode as Node's `Buffer`: other characters are ignored, padding is optional, URL-safe letters are accepted."""
    text = re.sub("[^A-Za-z0-9+/]", "", write(value).partition("=")[0].translate(str.maketrans("-_", "+/")))
    text = text[: len(text) - (len(text) % 4 == 1)]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _hmac_sha256(_context: Any, value: Any, key: Any = MISSING) -> str:
    return hmac.new(write(key).encode(), write(value).encode(), hashlib.sha256).hexdigest()


ENCODING_FILTERS: Mapping[str, Callable[..., Any]] = {
    "base64_decode": _base64_decode,
    "base64_encode": lambda _context, value: base64.b64encode(write(value).encode()).decode(),
    "cgi_escape": _cgi_escape,
    "escape": _escape,
    "escape_once": _escape_once,
    "hmac_sha256": _hmac_sha256,
    "inspect": _json,
    "json": _json,
    "jsonify": _json,
    "sha256": lambda _context, value: hashlib.sha256(write(value).encode()).hexdigest(),
    "slugify": _slugify,
    "strip_html": _strip_html,
    "uri_escape": _uri_escape,
    "url_decode": _url_decode,
    "url_encode": _url_encode,
    "xml_escape": _escape,
}
