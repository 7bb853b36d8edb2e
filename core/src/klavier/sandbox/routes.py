"""From a method and a path to an endpoint."""

from urllib.parse import unquote

from klavier.klaviyo.operations import OPERATIONS, Operation
from klavier.sandbox.operations import HANDLERS
from klavier.sandbox.refused import RefusedError

SERVED = tuple(row for row in OPERATIONS if row.name in HANDLERS)

_EXACT = {(row.method, row.path): row for row in SERVED if "{id}" not in row.path}
_WITH_ID = {(row.method, *row.path.split("{id}")): row for row in SERVED if "{id}" in row.path}
_PREFIXES = {(row.path.count("/"), row.path.split("{id}")[0], row.path.split("{id}")[1]) for row in _WITH_ID.values()}
_KNOWN = {row.path for row in _EXACT.values()}


def find_route(method: str, path: str) -> tuple[Operation, str]:
    """Give the endpoint and the unquoted id in its path; a trailing slash is allowed, as old revisions had one.

    Raises `RefusedError`: 404 for an unknown path, 405 for a method that the path does not take.
    """
    path = path.rstrip("/")
    found = _EXACT.get((method, path))
    if found is not None:
        return found, ""
    slashes, known = path.count("/"), path in _KNOWN
    for depth, before, after in _PREFIXES:
        if depth != slashes or not path.startswith(before) or not path.endswith(after):
            continue
        middle = path[len(before) : len(path) - len(after)]
        if middle and "/" not in middle:
            found, known = _WITH_ID.get((method, before, after)), True
            if found is not None:
                return found, unquote(middle)
    if known:
        raise RefusedError(405, f"Method {method} is not allowed for this path.")
    raise RefusedError(404, "The path does not exist.")
