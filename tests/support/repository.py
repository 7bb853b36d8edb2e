"""Where things stand in this repository."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
VENDORS = [plugin for plugin in PLUGINS if list(plugin.glob("src/*/vendor.py"))]
"""The plugins that bring a vendor; the others bring an outbox or an engine."""
DISTRIBUTIONS = [ROOT, *PLUGINS]

_CODE = ("core/src", "plugins/*/src", "tests", "docs")
_GENERATED = {"_build", "__pycache__", ".venv"}


def pyproject(folder: Path = ROOT) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))


def modules(*folders: str) -> list[Path]:
    """List the Python files under some folders (patterns), or all of them."""
    found = [path for pattern in folders or _CODE for folder in ROOT.glob(pattern) for path in folder.rglob("*.py")]
    return sorted(path for path in found if not _GENERATED & set(path.relative_to(ROOT).parts))


def pages() -> list[Path]:
    """List the Markdown pages that people read."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("plugins/*/*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(path for path in found if not _GENERATED & set(path.relative_to(ROOT).parts))


def name(path: Path) -> str:
    """Name a file by its path inside the repository."""
    return path.relative_to(ROOT).as_posix()
