"""pyright sees what mypy sees: the public interface is typed for the people who use another checker.

pyright itself comes from the distribution basedpyright, which brings its own engine and so needs no network.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository import ROOT

PROGRAM = ROOT / "tests" / "typing" / "host_program.py"
RULES = {
    "typeCheckingMode": "strict",
    "reportUnnecessaryTypeIgnoreComment": "error",
    "enableTypeIgnoreComments": False,
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the program without the comments that hide something."""
    program = tmp_path_factory.mktemp("bare") / "program.py"
    lines = PROGRAM.read_text("utf-8").splitlines()
    program.write_text("\n".join(line.partition("  # type: ignore")[0] for line in lines), "utf-8")
    return program


@pytest.fixture(scope="module")
def said(bare: Path) -> Callable[[Path], list[dict[str, Any]]]:
    """Check both programs by strict rules, at one go, and give what is said of each."""
    folder = bare.parent
    project = folder / "pyrightconfig.json"
    project.write_text(json.dumps(RULES | {"include": [str(PROGRAM), str(bare)]}), "utf-8")
    command = [sys.executable, "-m", "basedpyright", "--project", str(project), "--pythonpath", sys.executable]
    run = subprocess.run([*command, "--outputjson"], capture_output=True, text=True, check=False, cwd=folder)  # noqa: S603 -- a checker of ours
    reply = json.loads(run.stdout)
    assert reply["summary"]["filesAnalyzed"] == 2, reply
    return lambda program: [found for found in reply["generalDiagnostics"] if Path(found["file"]) == program]


def test_the_public_interface_is_typed(said: Callable[[Path], list[dict[str, Any]]]) -> None:
    assert [(found["range"]["start"]["line"] + 1, found["message"]) for found in said(PROGRAM)] == []


def test_wrong_uses_are_seen(said: Callable[[Path], list[dict[str, Any]]], bare: Path) -> None:
    """The comments on wrong uses hide something: without them, each is an error."""
    lines = PROGRAM.read_text("utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if "# type: ignore" in line}
    assert wrong == {found["range"]["start"]["line"] + 1 for found in said(bare)}
