"""Klaviyo's published schemas of request bodies, read from a folder `<revision>/<operation>.json`.

Klaviyo publishes its OpenAPI specification; the folder contains one self-contained JSON Schema for each revision and
operation of it. Judging needs the library jsonschema-rs.
"""

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from klavier.errors import UsageError
from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.request import Request
from klavier.strictjson import read_text

_MOST_FAULTS = 3


class Schemas:
    """A folder of schemas, ready to judge requests."""

    def __init__(self, folder: Path) -> None:
        try:
            self._library: Any = import_module("jsonschema_rs")
        except ImportError:
            raise UsageError(
                "judging requests by schemas needs jsonschema-rs; try: pip install 'klavier[schemas]'"
            ) from None
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder of schemas: pass one that contains <revision>/<operation>.json")
        self._revisions = sorted((path.name for path in folder.iterdir() if path.is_dir()), reverse=True)
        self._folder = folder
        self._validator = lru_cache(maxsize=None)(self._load)

    def faults(self, request: Request) -> list[str]:
        """Return what is wrong with a request's JSON body, each fault with its place; none where no schema is known.

        An operation that the request's revision does not list is judged by the newest revision before it that does.
        """
        operation = find_operation(request.method, request.path)
        if operation is None or request.json is None or request.revision is None:
            return []
        validator = self._validator(request.revision, operation.name)
        if validator is None:
            return []
        found = [f"{_place(error)}: {error.message}" for error in validator.iter_errors(request.json)]
        return found[:_MOST_FAULTS]

    def has_schema(self, request: Request) -> bool:
        """Return whether there is a schema for a request."""
        operation = find_operation(request.method, request.path)
        return operation is not None and self._validator(request.revision or "", operation.name) is not None

    def _load(self, revision: str, operation: str) -> Any:
        for name in self._revisions:
            path = self._folder / name / f"{operation}.json"
            if name <= revision and path.is_file():
                schema = read_text(path.read_bytes())
                schema.pop("$id", None)  # a name for people may be no URI, which the library insists on
                return self._library.validator_for(schema, validate_formats=True)
        return None


def _place(error: Any) -> str:
    return "/" + "/".join(map(str, error.instance_path))
