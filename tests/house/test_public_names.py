"""The public names: written three times in `klavier/__init__.py` for three readers, so compared here."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import klavier
from tests.support.repository import ROOT

API = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")


def imported_for_type_checkers() -> dict[str, str]:
    """Read what mypy and pyright see: the imports under `if TYPE_CHECKING`."""
    tree = ast.parse(Path(inspect.getfile(klavier)).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_names_agree() -> None:
    assert imported_for_type_checkers() == klavier._HOME_OF
    assert sorted(klavier.__all__) == sorted(klavier._HOME_OF)
    assert set(klavier.__all__) <= set(dir(klavier))


@pytest.mark.parametrize("name", klavier.__all__)
def test_a_name_is_what_its_home_defines(name: str) -> None:
    assert getattr(klavier, name) is getattr(importlib.import_module(klavier._HOME_OF[name]), name)


def test_other_names_are_missing_as_usual() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        klavier.no_such_name  # noqa: B018 -- the access is the test


def documented(name: str) -> bool:
    """Tell whether the home of a name documents it: a docstring, or a string under the assignment."""
    tree = ast.parse(Path(inspect.getfile(importlib.import_module(klavier._HOME_OF[name]))).read_text("utf-8"))
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            return bool(ast.get_docstring(node))
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    return False


@pytest.mark.parametrize("name", klavier.__all__)
def test_every_name_is_documented(name: str) -> None:
    assert documented(name), f"{klavier._HOME_OF[name]}.{name} has no docstring"
    assert f":: klavier.{name}\n" in API, "docs/reference/api.md lacks it"


def test_import_klavier_imports_little() -> None:
    """Heavy modules wait until they are used: `import klavier` alone stays quick."""
    heavy = {"aiohttp", "attrs", "cattrs", "click", "httpx", "orjson", "pluggy", "rich"}
    code = f"import sys, klavier; print(sorted({heavy!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 -- our own code
    assert run.stdout.strip() == "[]"
