"""Seed single faults into a package and count how many of them its tests notice.

    python -m tests.support.mutation_sampler core/src/klavier/worker --tests tests/worker tests/relay --count 50

A fault is one changed place of the syntax tree: a comparison, a boolean, a number, a branch, a statement that is left
out.  Each is tried alone in a copy of the repository, until the first test fails.  What survives is printed as a diff:
either a test is missing, or the fault is equivalent (the program does the same with it), which a person has to judge.
"""

import argparse
import ast
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("conftest.py", "pyproject.toml", "README.md", "core", "plugins", "tests", "docs")
NO_TIME = 900
"""Seconds after which a run counts as noticed: a fault may make the tests wait for ever."""

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Break: ast.Continue, ast.Continue: ast.Break,
}  # fmt: skip
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_STATEMENTS = (ast.Expr, ast.Assign, ast.AugAssign, ast.Delete, ast.Raise)


def faults_of(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in place of a node: the faults that are tried there."""
    if type(node) in _SWAPS:
        yield _SWAPS[type(node)]()
    elif isinstance(node, ast.Name) and node.id in _NAMES:
        yield ast.Name(_NAMES[node.id], node.ctx)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield ast.Constant(node.value + 1 if node.value < 10 else node.value * 2)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)) and not isinstance(node.test, ast.Constant):
        negated = deepcopy(node)
        negated.test = ast.UnaryOp(ast.Not(), node.test)
        yield negated
    elif isinstance(node, ast.Return) and not (node.value is None or ast.unparse(node.value) == "None"):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, _STATEMENTS) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        yield ast.Pass()


def sites(tree: ast.Module) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Yield each fault of a module as its parent, the field and index in it, and the node to put there.

    Left out are annotations, statements outside functions other than constants, and what only logs.
    """
    bodies = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    constants = [node for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None]
    roots: list[ast.AST] = [statement for function in bodies for statement in function.body]
    roots += [node.value for node in constants if isinstance(node.value, ast.Constant)]
    inside = {id(child) for root in roots for child in ast.walk(root)}
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if id(child) not in inside or field in ("annotation", "returns"):
                    continue
                if "_log." not in ast.unparse(child):
                    for fault in faults_of(child):
                        yield parent, field, index, fault


def apply(text: str, number: int) -> str:
    """Return the text of a module with its fault of this number; without comments, which the tests do not see."""
    tree = ast.parse(text)
    parent, field, index, fault = list(sites(tree))[number]
    if index is None:
        setattr(parent, field, fault)
    else:
        getattr(parent, field)[index] = fault
    return ast.unparse(ast.fix_missing_locations(tree))


def is_noticed(copy: Path, tests: list[str]) -> bool:
    """Return whether a test fails in a copy of the repository, or none comes to an end."""
    paths = [str(path) for path in sorted(copy.glob("plugins/*/src"))]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(copy / "core/src"), *paths])}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-o", "timeout=120", *tests]
    try:
        ended = subprocess.run(command, cwd=copy, env=environ, capture_output=True, timeout=NO_TIME, check=False)  # noqa: S603 -- our own tests
    except subprocess.TimeoutExpired:
        return True
    return ended.returncode != 0


def copy_repository(copy: Path) -> None:
    """Copy what the tests need."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "_build"))
        else:
            shutil.copy(ROOT / name, copy / name)


def is_found(copy: Path, module: Path, number: int, tests: list[str]) -> bool:
    """Seed one fault into a copy of the repository, and return whether a test fails; prints the fault that survives."""
    text = (copy / module).read_text()
    changed = apply(text, number)
    (copy / module).write_text(changed)
    found = is_noticed(copy, tests)
    (copy / module).write_text(text)
    _print(f"{'noticed ' if found else 'SURVIVED'} {module}:{number}")
    if not found:
        for line in difflib.unified_diff(ast.unparse(ast.parse(text)).splitlines(), changed.splitlines(), n=1):
            _print(f"    {line.rstrip()}")
    return found


def main() -> None:
    """Try a sample of faults, and report how many were noticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, nargs="+", help="folders or modules to seed faults into")
    parser.add_argument("--tests", nargs="+", default=["tests"], help="tests to run, the quickest first")
    parser.add_argument("--count", type=int, default=50, help="how many faults")
    parser.add_argument("--seed", type=int, default=1, help="which faults")
    parser.add_argument("--again", nargs="*", metavar="MODULE:NUMBER", help="these faults instead, as printed before")
    chosen = parser.parse_args()
    found = [sorted(path.rglob("*.py")) if path.is_dir() else [path] for path in chosen.package]
    modules = [module.resolve().relative_to(ROOT) for each in found for module in each]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_repository(copy)
        places = [(m, n) for m in modules for n in range(len(list(sites(ast.parse((copy / m).read_text())))))]
        sample = random.Random(chosen.seed).sample(places, min(chosen.count, len(places)))  # noqa: S311 -- repeatable
        if chosen.again:
            sample = [place for place in places if f"{place[0]}:{place[1]}" in chosen.again]
        if is_noticed(copy, chosen.tests):
            sys.exit("the tests fail without any fault")
        noticed = sum(is_found(copy, module, number, chosen.tests) for module, number in sample)
    _print(f"{noticed} of {len(sample)} faults noticed: {noticed / len(sample):.0%}")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
