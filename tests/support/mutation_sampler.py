"""Seed single faults into modules and count how many of them the tests notice.

    python -m tests.support.mutation_sampler core/src/klavier/worker --tests tests/worker tests/relay --count 50

A fault is one changed place of the syntax tree: a comparison, a boolean, a number, a branch, a statement that is left
out.  Each is tried alone in a copy of the repository, with the tests that reach its line, the quickest first, until one
fails.  What survives is printed with its line: either a test is missing, or the fault is equivalent (the program does
the same with it), which a person has to judge.
"""

import argparse
import ast
import contextlib
import difflib
import importlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from attrs import asdict, frozen

from tests.support.reach import Notes, Reach

ROOT = Path(__file__).parents[2]
COPIED = ("conftest.py", "pyproject.toml", "README.md", "core", "plugins", "tests", "docs")
LOADED = ("aiohttp", "httpx_aiohttp", "inline_snapshot.pytest_plugin", "rich", "sybil", "uvicorn")
"""What the tests load of other libraries, loaded once."""

BUDGET = 60.0
"""Seconds of the tests that are tried for one fault: those that take longer are left out, so what they would notice
counts as survived."""

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Break: ast.Continue, ast.Continue: ast.Break,
}  # fmt: skip
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_STATEMENTS = (ast.Expr, ast.Assign, ast.AugAssign, ast.Delete, ast.Raise)
_FAILURES = ("FAILED tests", "ERROR tests")
_EQUIVALENT = ("annotation", "returns", "keywords:strict", "keywords:daemon")
"""Where a fault changes nothing: types, and `zip(strict=True)` and threads whose end nobody awaits."""


@frozen
class Fault:
    """One fault: where it is, and the module's text with it."""

    module: Path
    number: int
    lines: range
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.module}:{self.number} line {self.lines[0]}"

    def show(self) -> list[str]:
        """Return the changed lines, without comments."""
        diff = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), n=0)
        return [line for line in diff if not line.startswith(("---", "+++", "@@"))]


def replace_node(node: ast.AST) -> Iterator[ast.AST]:
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
    elif isinstance(node, ast.Return) and (node.value and ast.unparse(node.value)) not in (None, "None", "False"):
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
        name = f"keywords:{parent.arg}" if isinstance(parent, ast.keyword) else ""
        for field, value in ast.iter_fields(parent):
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if id(child) not in inside or field in _EQUIVALENT or name in _EQUIVALENT:
                    continue
                if "_log." not in ast.unparse(child):
                    for fault in replace_node(child):
                        yield parent, field, index, fault


def read_fault(module: Path, number: int, text: str) -> Fault:
    """Return the fault of a module that has this number."""
    tree = ast.parse(text)
    before = ast.unparse(tree)
    parent, field, index, fault = list(sites(tree))[number]
    children = getattr(parent, field)
    child = children if index is None else children[index]
    lines = _lines_around(tree, getattr(child, "lineno", getattr(parent, "lineno", 1)))
    if index is None:
        setattr(parent, field, fault)
    else:
        children[index] = fault
    return Fault(module, number, lines, before, ast.unparse(ast.fix_missing_locations(tree)))


def _lines_around(tree: ast.Module, line: int) -> range:
    """Return the lines of the statement around a line, of one with a body its head."""
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    around = [node for node in statements if node.lineno <= line <= (node.end_lineno or node.lineno)]
    inner = max(around, key=lambda node: node.lineno)
    body = getattr(inner, "body", None)
    end = max(inner.lineno, body[0].lineno - 1) if body else inner.end_lineno or inner.lineno
    return range(inner.lineno, end + 1)


def run_tests(copy: Path, arguments: list[str], seconds: float, notes: Path | None = None) -> tuple[bool, str]:
    """Run pytest in a copy of the repository; returns whether all passed in time, and what it printed.

    It runs in a fork of this process, which has loaded what takes long. With `notes`, what it reaches is written there.
    """
    with tempfile.TemporaryFile() as output:
        process = multiprocessing.get_context("fork").Process(
            target=_run, args=(copy, arguments, output.fileno(), notes)
        )
        process.start()
        process.join(seconds)
        with contextlib.suppress(ProcessLookupError):  # and with it what a test has started
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
        output.seek(0)
        return process.exitcode == 0, output.read().decode(errors="replace")


def _run(copy: Path, arguments: list[str], output: int, notes: Path | None) -> None:
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(copy)
    paths = [str(copy), str(copy / "core/src"), *map(str, sorted(copy.glob("plugins/*/src")))]
    sys.path[:0] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join(paths[1:])  # for what the tests start
    plugin = Notes(copy, "core/src")
    for name in list(sys.modules):
        if name.partition(".")[0] == "tests":
            del sys.modules[name]
    if notes is not None:
        plugin.start()
    status = pytest.main(["-q", "-p", "no:cacheprovider", "--assert=plain", *arguments], [plugin] if notes else [])
    if notes is not None:
        notes.write_text(json.dumps(asdict(plugin.stop())), "utf-8")
    sys.stdout.flush()
    os._exit(int(status))


def measure_reach(copy: Path, tests: list[str], notes: Path) -> None:
    """Run all tests once without a fault, and note which lines each reaches; names those that fail already."""
    passed, output = run_tests(copy, ["-o", "timeout=0", *tests], 36_000, notes)
    if not passed:
        failed = [line for line in output.splitlines() if line.startswith(_FAILURES)]
        _print("\n".join(["left out, since they fail without any fault:", *failed] if failed else [output[-4000:]]))
    if not notes.exists():
        sys.exit("the tests did not run")


def try_fault(copy: Path, fault: Fault, reach: Reach) -> str:
    """Seed one fault into a copy of the repository; returns what noticed it, empty for nothing."""
    tests = reach.choose_tests(str(fault.module), fault.lines, BUDGET)
    (copy / "tests.txt").write_text("\n".join(tests))
    times = [reach.seconds[test] for test in tests]
    limit, all_limit = 20 + 5 * max(times), 60 + 5 * sum(times)  # the machine may be busy
    path = copy / fault.module
    text, before = path.read_text(), path.stat()
    path.write_text(fault.after)
    os.utime(path, (fault.number, fault.number))  # bytecode is stored with its time in whole seconds
    passed, output = run_tests(copy, ["-x", "-o", f"timeout={limit:.0f}", "@tests.txt"], all_limit)
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    if "ERROR: not found:" in output:
        sys.exit("the file of --reach is about other tests: delete it")
    failures = [line for line in output.splitlines() if line.startswith(_FAILURES)]
    return "" if passed else (failures or ["no end in time"])[0]


def copy_repository(copy: Path) -> None:
    """Copy what the tests need."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "_build"))
        else:
            shutil.copy(ROOT / name, copy / name)


def main() -> None:
    """Try a sample of faults, and report how many were noticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, nargs="+", help="folders or modules to seed faults into")
    parser.add_argument("--tests", nargs="+", default=["tests"], help="tests to choose from")
    parser.add_argument("--count", type=int, default=50, help="how many faults")
    parser.add_argument("--seed", type=int, default=1, help="which faults")
    parser.add_argument("--again", nargs="*", metavar="MODULE:NUMBER", help="these faults instead, as printed before")
    parser.add_argument("--reach", type=Path, metavar="FILE", help="keep there which test reaches which line")
    chosen = parser.parse_args()
    found = [sorted(path.rglob("*.py")) if path.is_dir() else [path] for path in chosen.package]
    modules = [module.resolve().relative_to(ROOT) for each in found for module in each]
    for library in LOADED:
        importlib.import_module(library)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_repository(copy)
        places = [(m, n) for m in modules for n in range(len(list(sites(ast.parse((copy / m).read_text())))))]
        sample = random.Random(chosen.seed).sample(places, min(chosen.count, len(places)))  # noqa: S311 -- repeatable
        if chosen.again:
            sample = [place for place in places if f"{place[0]}:{place[1]}" in chosen.again]
        notes = chosen.reach or copy / "reach.json"
        if not notes.exists():
            measure_reach(copy, chosen.tests, notes)
        reach = Reach(**json.loads(notes.read_text("utf-8")))
        noticed = 0
        for module, number in sample:
            fault = read_fault(module, number, (copy / module).read_text())
            by = try_fault(copy, fault, reach)
            noticed += bool(by)
            _print(f"noticed  {fault} {by}" if by else "\n    ".join([f"SURVIVED {fault}", *fault.show()]))
    _print(f"{noticed} of {len(sample)} faults noticed: {noticed / len(sample):.0%}")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
