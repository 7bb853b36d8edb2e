"""Settings on the command line: `--set NAME=VALUE`."""

import tomllib
from collections.abc import Sequence
from typing import Any

from klavier.cli.wording import plain
from klavier.errors import UsageError


def read_assignments(given: Sequence[str]) -> dict[str, Any]:
    """Read `NAME=VALUE`: a value as TOML has it, or else a text; dots in the name reach into tables."""
    found: dict[str, Any] = {}
    for change in given:
        name, equals, text = change.partition("=")
        if not equals or not name.strip():
            raise UsageError("--set: write NAME=VALUE, such as api_version=v3")
        *outer, last = name.strip().split(".")
        table = found
        for step in outer:
            table = table.setdefault(step, {})
            if not isinstance(table, dict):
                raise UsageError(f"--set: {plain(step)} is set twice, as a value and as a table")
        if isinstance(table.get(last), dict):
            raise UsageError(f"--set: {plain(last)} is set twice, as a table and as a value")
        table[last] = _value(text.strip())
    return found


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError, ValueError, RecursionError):
        return text
