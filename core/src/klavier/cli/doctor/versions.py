"""Check that the installed distributions fit together."""

import platform
import sqlite3
from collections.abc import Iterator
from importlib.metadata import distributions
from importlib.util import find_spec

from klavier import __version__
from klavier.cli.doctor.check import Check
from klavier.config.model import Config

_EXTRAS = {"server": ("starlette", "uvicorn")}
"""The modules of an extra that a section of the configuration needs."""


def check_versions() -> Iterator[Check]:
    """Check that all distributions of klavier have one version."""
    shown = f"klavier {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    yield Check("versions", "ok", shown)
    for name, version in sorted(_released_together()):
        if version != __version__:
            found = f"{name} is of version {version}, klavier of {__version__}"
            yield Check("versions", "wrong", found, f"pip install {name}=={__version__}")


def check_extras(config: Config) -> Iterator[Check]:
    """Check that what the configuration uses is installed."""
    missing = [module for module in _EXTRAS["server"] if find_spec(module) is None]
    if config.gateway.sources and missing:
        found = f"[gateway.sources] needs {' and '.join(missing)}, not installed here"
        yield Check("versions", "wrong", found, "pip install 'klavier[server]'")


def _released_together() -> Iterator[tuple[str, str]]:
    """Yield the names and versions of klavier's own distributions: those with the author of the core."""
    found = [(item.metadata.json, item) for item in distributions()]
    author = next((data.get("author") for data, _ in found if data.get("name") == "klavier"), None)
    for data, item in found:
        if str(data.get("name")).startswith("klavier-") and data.get("author") == author:
            yield str(data["name"]), item.version
