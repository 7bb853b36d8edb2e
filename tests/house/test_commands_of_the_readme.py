"""The README, the contributors' guide and .ci/run install and test in the same words."""

import re
from pathlib import Path

import pytest

from tests.support.repository import ROOT

INSTALL = (
    "python3 -m venv --without-pip .venv",
    "python3 -m pip --python .venv/bin/python install -r requirements-dev.txt",
)
TEST = (".venv/bin/python -m pytest -n auto",)


def commands(path: Path) -> list[str]:
    """List the commands of a page or script, one for each side of `&&`, prompts left out."""
    lines = path.read_text("utf-8").splitlines()
    return [part.strip().removeprefix("$ ") for line in lines for part in re.split(r"&&", line)]


@pytest.mark.parametrize("page", ["README.md", ".ci/run", "CONTRIBUTING.md"])
def test_pages_give_the_commands_that_ci_runs(page: str) -> None:
    assert [command for command in commands(ROOT / page) if command in INSTALL + TEST][-3:] == [*INSTALL, *TEST]
