"""pyright sees what mypy sees: the public interface is typed for the people who use another checker.

pyright itself comes from the distribution basedpyright, which brings its own engine and so needs no network.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.repository import ROOT

PROGRAM = ROOT / "tests" / "typing" / "host_program.py"
RULES = {
    "include": [str(PROGRAM)],
    "typeCheckingMode": "strict",
    "reportUnnecessaryTypeIgnoreComment": "error",
    "enableTypeIgnoreComments": False,
}


def pyright(folder: Path, program: Path) -> list[dict[str, Any]]:
    """Check a program by strict rules, and give what is said of it."""
    project = folder / "pyrightconfig.json"
    project.write_text(json.dumps(RULES | {"include": [str(program)]}), "utf-8")
    command = [sys.executable, "-m", "basedpyright", "--project", str(project), "--pythonpath", sys.executable]
    run = subprocess.run([*command, "--outputjson"], capture_output=True, text=True, check=False, cwd=folder)  # noqa: S603 -- a checker of ours
    found: list[dict[str, Any]] = json.loads(run.stdout)["generalDiagnostics"]
    return found


def test_the_public_interface_is_typed(tmp_path: Path) -> None:
    assert [(found["range"]["start"]["line"] + 1, found["message"]) for found in pyright(tmp_path, PROGRAM)] == []


def test_wrong_uses_are_seen(tmp_path: Path) -> None:
    """The comments on wrong uses hide something: without them, each is an error."""
    program = tmp_path / "program.py"
    lines = PROGRAM.read_text("utf-8").splitlines()
    program.write_text("\n".join(line.partition("  # type: ignore")[0] for line in lines), "utf-8")
    wrong = {number for number, line in enumerate(lines, 1) if "# type: ignore" in line}
    assert wrong == {found["range"]["start"]["line"] + 1 for found in pyright(tmp_path, program)}
