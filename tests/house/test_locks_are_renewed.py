"""Every lock is renewed in a forked process: one that another thread held at the fork would stay locked there."""

import ast

from tests.support.repository import ROOT, modules, name

NEVER_FORKED = {
    "core/src/klavier/console/recorder.py": "klavier serve, which starts no process, has it",
    "plugins/spark/src/klavier_spark/coordinator.py": "the driver of Spark and its tasks, which start no process",
}
"""Modules with locks of programs that do not fork, each with the reason."""
_LOCKS = {"Lock", "RLock", "Condition", "Semaphore", "Queue", "SimpleQueue", "LifoQueue"}
_LIBRARIES = {"threading", "queue"}
CODE = [path for path in [*modules("core/src"), *modules("plugins")] if "testing" not in path.parts]


def makes_lock(node: ast.AST, imported: set[str]) -> bool:
    """Return whether a call makes a lock or queue of threads."""
    if not isinstance(node, ast.Call):
        return False
    made = node.func
    if isinstance(made, ast.Attribute) and isinstance(made.value, ast.Name):
        return made.value.id in _LIBRARIES and made.attr in _LOCKS
    return isinstance(made, ast.Name) and made.id in imported


def unguarded(tree: ast.Module) -> list[int]:
    """Return the lines that make locks outside classes that are renewed after a fork."""
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in _LIBRARIES
        for alias in node.names
        if alias.name in _LOCKS
    }
    guarded = {
        id(inside)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any("ForkAware" in ast.unparse(base) for base in node.bases)
        for inside in ast.walk(node)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and makes_lock(node, imported) and id(node) not in guarded
    ]


def test_every_lock_is_renewed_in_a_child() -> None:
    found = {name(path): unguarded(ast.parse(path.read_text("utf-8"))) for path in CODE}
    assert {path: lines for path, lines in found.items() if lines}.keys() == NEVER_FORKED.keys()


def test_a_lock_that_is_not_renewed_is_found() -> None:
    source = "import threading\nfrom queue import Queue\nLOCK = threading.Lock()\nclass A:\n    x = Queue()\n"
    assert unguarded(ast.parse(source)) == [3, 5]
    assert unguarded(ast.parse(source.replace("class A", "class A(ForkAware)"))) == [3]
    assert (ROOT / next(iter(NEVER_FORKED))).is_file()
