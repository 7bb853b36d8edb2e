"""Which keys `klavier verify` takes: those that read an account, and no others."""

import re
from collections.abc import Mapping

from klavier.cli.setup import KEYS, PLACEHOLDERS, TOKEN_PLACEHOLDER
from klavier.errors import ConfigError

_PUBLIC_KEY = re.compile(r"[A-Za-z0-9]{6}")
_PRIVATE_KEY = re.compile(r"pk_[A-Za-z0-9_-]+")


def check_keys(keys: Mapping[str, str | None]) -> None:
    """Raise `ConfigError` for what is no private key and no access token; the message never quotes it."""
    key, token = keys["private_api_key"], keys["access_token"]
    remedy = f"pass a private key with read access only (pk_...) in {KEYS['private_api_key']}"
    if token is not None and token != TOKEN_PLACEHOLDER and not _PUBLIC_KEY.fullmatch(token):
        return
    if token is None and (not key or key == PLACEHOLDERS["private_api_key"]):
        raise ConfigError(f"no private key is configured, and reading the account needs one: {remedy}")
    name, key = ("access_token", token) if token is not None else ("private_api_key", key)
    if _PUBLIC_KEY.fullmatch(key or ""):
        raise ConfigError(f"{name}: is a public key (site id), which reads nothing: {remedy}")
    if not _PRIVATE_KEY.fullmatch(key or ""):
        what = f"{name}: is no private key of Klaviyo, but perhaps the write key of a platform"
        raise ConfigError(f"{what}: {remedy}")
