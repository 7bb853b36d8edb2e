"""Klaviyo's published request schemas, where this checkout has them beside it (`shared/`, or KLAVIER_SHARED)."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest


@lru_cache(maxsize=1)
def shared_folder() -> Path | None:
    """Find the folder of vectors and schemas: named by the environment, or beside one of this file's parents."""
    named = os.environ.get("KLAVIER_SHARED")
    candidates = [Path(named)] if named else [parent / "shared" for parent in Path(__file__).resolve().parents]
    return next((folder for folder in candidates if (folder / "klaviyo-schemas").is_dir()), None)


@lru_cache(maxsize=64)
def schema(operation: str, revision: str) -> Any:
    """Return the strict validator of an operation's body; skips the test where the schemas are absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("Klaviyo's schemas are not beside this checkout (set KLAVIER_SHARED)")
    text = (folder / "klaviyo-schemas" / "strict" / revision / f"{operation}.json").read_text()
    found = json.loads(text)
    found.pop("$id", None)  # some are no URI, which the validator insists on
    return jsonschema_rs.validator_for(found, validate_formats=True)


def assert_valid(operation: str, revision: str, body: Any) -> None:
    """Fail with every error of a body that Klaviyo's schema does not take."""
    problems = [
        f"/{'/'.join(map(str, e.instance_path))}: {e.message}" for e in schema(operation, revision).iter_errors(body)
    ]
    assert not problems, problems
