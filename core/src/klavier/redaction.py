"""Keep personal data and secrets out of what people read: messages, logs, dead letters."""

import re
from typing import Any

_EMAIL = re.compile(r"[^\s\"'<>:,;()\[\]{}=]+@[^\s\"'<>:,;()\[\]{}=]+")
_PHONE = re.compile(r"(?<![\w-])\+?\d[\d .()/-]{6,}\d(?![\w-])")
_KEY = re.compile(r"\b(?:pk|ck)_[A-Za-z0-9_]+")
_SECRET_MEMBERS = frozenset({"api_key", "token", "private_api_key", "authorization"})


def redact_text(text: str) -> str:
    """Replace e-mail addresses, phone numbers and private keys in a text, such as the detail of an API error."""
    text = _KEY.sub("(key)", text)
    text = _EMAIL.sub("(email)", text)
    return _PHONE.sub("(number)", text)


def redact_json(value: Any) -> Any:
    """Give the shape of a JSON value: the same keys, each leaf replaced by its kind."""
    if isinstance(value, dict):
        return {key: "(secret)" if key in _SECRET_MEMBERS else redact_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [redact_json(item) for item in value]
    return "null" if value is None else f"({type(value).__name__})"
