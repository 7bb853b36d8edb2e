"""The public names: written three times in `klavier/__init__.py` for three readers, so compared here."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import klavier
from tests.support.repository import ROOT, pages

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
    """Return whether the home of a name documents it: a docstring, or a string under the assignment."""
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


def names_on_the_pages() -> dict[str, list[str]]:
    """List the names of klavier that the pages import or use, with the pages."""
    found: dict[str, list[str]] = {}
    for page in pages():
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            for name in names_of(ast.parse(block)):
                found.setdefault(name, []).append(page.relative_to(ROOT).as_posix())
    return found


def names_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "klavier":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("klavier."))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "klavier":
            yield f"klavier.{node.attr}"


def test_names_that_the_pages_use_are_public() -> None:
    documented = set(re.findall(r"^\.\. [\w:]+:: (klavier\.[\w.]+)$", API, re.MULTILINE))
    decorators = {"klavier.hookimpl", "klavier.Event", "klavier.Flow"}  # their directives name them otherwise
    missing = {name: where for name, where in names_on_the_pages().items() if name not in documented | decorators}
    assert missing == {}
