"""What a reader may count on: short functions, small modules, a reason beside each exception from a rule."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository import ROOT, modules, name, pages

LONGEST_FUNCTION = 50
LONGEST_MODULE = 400

_SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no cover)")
_REASONED = re.compile(
    r"#\s*noqa: [A-Z0-9, ]+ -- \S"
    r"|#\s*type: ignore\[[\w, -]+\]\s+#\s*(?!noqa)\S"
    r"|#\s*pragma: no cover -- \S"
)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def comments(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def unexplained(path: Path) -> list[str]:
    if not _SUPPRESSION.search(path.read_text("utf-8")):
        return []
    return [
        f"{name(path)}:{line}: {comment}"
        for line, comment in comments(path)
        if _SUPPRESSION.search(comment) and not _REASONED.search(comment)
    ]


def test_modules_are_small() -> None:
    lengths = {name(path): len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_functions_are_short() -> None:
    lengths = {f"{name(path)}:{node.name}": length(node) for path in modules() for node in functions(path)}
    assert {function: length for function, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_every_suppression_has_a_reason() -> None:
    """Write `noqa: CODE -- reason`, or `type: ignore[code]  # reason`."""
    assert [line for path in modules() for line in unexplained(path)] == []


@pytest.mark.parametrize("comment", ["# noqa: E501", "# noqa", "# type: ignore[arg-type]", "# type: ignore  # why"])
def test_a_suppression_without_a_reason_is_noticed(comment: str) -> None:
    assert _SUPPRESSION.search(comment)
    assert not _REASONED.search(comment)


def test_every_rule_that_ruff_ignores_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (section,) = re.findall(
        r"^\[tool\.ruff\.lint\]\n(.*?)^\[tool\.ruff\.lint\.pydocstyle\]", text, re.MULTILINE | re.DOTALL
    )
    codes = [line for line in section.splitlines() if re.search(r'"[A-Z]+\d*"', line) and "select" not in line]
    assert codes
    assert [line for line in codes if "#" not in line] == []


def test_files_name_no_machine() -> None:
    """A path of somebody's machine works nowhere else."""
    path_of_a_machine = re.compile(r"(?<![\w.>])/(?:home|root|Users|work)/\w+")
    files = [*modules(), *pages(), ROOT / "pyproject.toml", ROOT / "constraints.txt", ROOT / "requirements-dev.txt"]
    assert {name(path): found for path in files if (found := path_of_a_machine.findall(path.read_text("utf-8")))} == {}


def test_no_lock_file_is_kept() -> None:
    """Lock files name the registry that somebody happened to use; constraints.txt pins the same versions."""
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "uv.lock" in ignored
