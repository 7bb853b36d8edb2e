"""The content of a request as plain data, whatever its encoding: JSON, form, base64 in a query, ids in a path."""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.request import Request


def decode(request: Request) -> dict[str, Any]:
    """Return the content of a request as one JSON object: its `ids`, `params`, `form` and `json` if any.

    A legacy `data` parameter (base64 JSON) and form fields that hold JSON text are decoded. `ids` are the quoted
    segments of the path, unquoted.
    """
    parts = {
        "ids": path_ids(request),
        "params": {name: _decoded(name, value) for name, value in (request.params or {}).items()},
        "form": {name: _read(value) for name, value in (request.form or {}).items()},
    }
    found = {name: part for name, part in parts.items() if part}
    return found if request.json is None else {**found, "json": request.json}


def path_ids(request: Request) -> list[str]:
    """Return the ids in a path, unquoted; none for a path that no endpoint has."""
    operation = find_operation(request.method, request.path)
    if operation is None:
        return []
    pairs = zip(operation.path.split("/"), request.path.rstrip("/").split("/"), strict=True)
    return [unquote(segment) for pattern, segment in pairs if pattern == "{id}"]


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Return every scalar of a JSON value with its place, such as `traits.tags[0]`, in the order of the text."""
    found: list[tuple[str, Any]] = []
    _gather(value, place, found)
    return iter(found)


def _gather(value: Any, place: str, found: list[tuple[str, Any]]) -> None:
    # A list that is passed on, since generators inside generators take three times as long.
    if isinstance(value, dict):
        for key, member in value.items():
            _gather(member, f"{place}.{key}" if place else str(key), found)
    elif isinstance(value, (list, tuple)):
        for index, member in enumerate(value):
            _gather(member, f"{place}[{index}]", found)
    else:
        found.append((place, value))


def _decoded(name: str, value: str) -> Any:
    if name != "data":
        return value
    try:
        return json.loads(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return value


def _read(value: str) -> Any:
    """Read a form field that holds JSON text; other text stays as it is, a number too."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
