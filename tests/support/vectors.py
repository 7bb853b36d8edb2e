"""Recorded behavior of the vendors, where this checkout has it beside it (`shared/`, or KLAVIER_SHARED)."""

import json
from functools import lru_cache
from typing import Any

import pytest

from tests.support.schemas import shared_folder


@lru_cache(maxsize=8)
def recorded(name: str, folder: str = "vectors") -> list[dict[str, Any]]:
    """Read the recorded cases of one file, such as `rudderstack.jsonl`; skips the test where they are absent."""
    shared = shared_folder()
    if shared is None or not (shared / folder / name).is_file():
        pytest.skip("the recorded cases are not beside this checkout (set KLAVIER_SHARED)")
    return [json.loads(line) for line in (shared / folder / name).read_text("utf-8").splitlines()]
