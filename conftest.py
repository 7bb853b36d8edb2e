"""Every block of Python in the README and the documentation runs as a test; TOML and JSON are read."""

import json
import tomllib
from collections.abc import Callable
from typing import Any

from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser


def read_with(read: Callable[[str], Any]) -> Callable[[Example], None]:
    """Take an example for good when it can be read."""

    def evaluate(example: Example) -> None:
        read(example.parsed)

    return evaluate


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser("toml", read_with(tomllib.loads)),
        CodeBlockParser("json", read_with(json.loads)),
    ],
    patterns=["*.md", "docs/*.md", "docs/**/*.md", "plugins/*/*.md"],
).pytest()
