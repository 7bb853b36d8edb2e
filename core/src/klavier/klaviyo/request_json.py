"""A request as JSON data for people and other programs: without keys, and with what legacy calls encode decoded."""

import base64
from collections.abc import Collection
from typing import Any

import orjson

from klavier.klaviyo.request import Request
from klavier.redaction import SECRET, hide_secrets

_KEY_MEMBERS = frozenset({"token", "api_key"})
"""The members of a legacy call, at its top, that hold a key."""


def request_object(request: Request, secrets: Collection[str] = ()) -> dict[str, Any]:
    """Return a request as JSON data: method, path and revision, and its params, form and JSON body if it has them.

    Strings that hold a secret are replaced, and so are the keys in legacy calls; their `data` parameter, JSON in
    base64, is decoded.
    """
    found: dict[str, Any] = {"method": request.method, "path": request.path, "revision": request.revision}
    if request.params:
        found["params"] = _without_keys(_decoded(request.params))
    if request.form is not None:
        found["form"] = _without_keys(_decoded(request.form))
    if request.json is not None:
        found["json"] = _without_keys(request.json)
    return {name: hide_secrets(value, secrets) for name, value in found.items()} if secrets else found


def _without_keys(value: Any) -> Any:
    """Replace the keys that a legacy call carries at its top, or at the top of its `data`."""
    if not isinstance(value, dict):
        return value
    shown = {key: SECRET if key in _KEY_MEMBERS and member else member for key, member in value.items()}
    if isinstance(shown.get("data"), dict):
        shown["data"] = _without_keys(shown["data"])
    return shown


def _decoded(pairs: Any) -> dict[str, Any]:
    """Decode the `data` of legacy calls; it is left as it is where it holds no JSON."""
    found = dict(pairs)
    data = found.get("data", "")
    for reading in (base64.b64decode, str):
        try:
            return {**found, "data": orjson.loads(reading(data))}
        except (ValueError, TypeError):
            continue
    return found
