"""Redaction: removes personal data and secrets from messages, logs and dead letters."""

import re
from collections.abc import Collection
from typing import Any

SECRET = "(secret)"  # noqa: S105 -- what replaces one

_WORD = re.compile(r"[^\s\"<>(),:;\[\]\\]+")
"""What an e-mail address consists of; looked at word by word, since a search for one would be quadratic."""
_AT = ("@", "%40", "\uff20")

_SEPARATORS = r"[ \t.()/\u00a0\u2009\u2010-\u2015-]{0,3}"
_NUMBER = re.compile(
    r"(?P<uuid>(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f]))"
    rf"|\+?\d(?:{_SEPARATORS}\d){{8,}}"  # nine digits, wherever they stand
    r"|(?<![\w-])\+?\d[\d .()/-]{6,}\d(?![\w-])",  # fewer, standing alone
    re.IGNORECASE,
)

_KEY = re.compile(r"(?<![A-Za-z0-9])(?:pk|ck)_[A-Za-z0-9_-]+|(?i:\b(?:bearer|klaviyo-api-key))\s+[^\s\"',]+")
_SECRET_MEMBERS = frozenset(
    {"api_key", "token", "access_token", "private_api_key", "authorization", "password", "secret"}
)


def redact_text(text: str) -> str:
    """Replace e-mail addresses, phone numbers and private keys in a text, such as the detail of an API error.

    Numbers of nine digits and more, and shorter ones that stand alone, count as phone numbers; UUIDs are kept.
    """
    return _NUMBER.sub(lambda found: found[0] if found["uuid"] else "(number)", redact_secrets(text))


def redact_secrets(text: str) -> str:
    """Replace private keys and e-mail addresses in a text whose numbers are bounds of settings."""
    text = _KEY.sub("(key)", text)
    return _WORD.sub(_address, text) if any(sign in text for sign in _AT) else text


def redact_json(value: Any) -> Any:
    """Return the shape of a JSON value: its keys, redacted where they are data too, each leaf replaced by its kind."""
    if isinstance(value, dict):
        return {
            redact_text(str(key)): "(secret)" if str(key).lower() in _SECRET_MEMBERS else redact_json(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redact_json(item) for item in value]
    return "null" if value is None else f"({type(value).__name__})"


def hide_secrets(value: Any, secrets: Collection[str]) -> Any:
    """Return a JSON value with every string that holds one of the secrets replaced, at any depth."""
    if isinstance(value, dict):
        return {hide_secrets(key, secrets): hide_secrets(member, secrets) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [hide_secrets(item, secrets) for item in value]
    return SECRET if isinstance(value, str) and any(secret in value for secret in secrets) else value


def _address(found: re.Match[str]) -> str:
    word = found[0]
    if not any(sign in word for sign in _AT):
        return word
    bare = word.strip("'")
    return word.replace(bare, "(email)") if bare else word
