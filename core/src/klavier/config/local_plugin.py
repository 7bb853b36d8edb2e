"""A file `klavier_plugin.py` beside the configuration is a plugin, with nothing to install."""

import hashlib
import importlib.util
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from klavier.errors import PluginError
from klavier.plugins import Plugins

PLUGIN_FILE = "klavier_plugin.py"

FORBIDDEN_VARIABLE = "KLAVIER_NO_LOCAL_PLUGIN"
"""The environment variable that forbids plugin files, whatever the configuration says, if it is set and not empty."""

_log = logging.getLogger("klavier.config")


def is_allowed(data: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Return whether the plugin file may be loaded: `[plugins] local` of the configuration, and the environment."""
    section = data.get("plugins")
    is_local = section.get("local", True) if isinstance(section, Mapping) else True
    return is_local is not False and not environ.get(FORBIDDEN_VARIABLE)


def discover_with_local(folder: Path, *, allowed: bool) -> Plugins:
    """Return the installed plugins and the plugin file of a folder; broken ones are listed in `broken`."""
    plugins = Plugins.discover()
    if allowed:
        load_local(plugins, folder)
    return plugins


def load_local(plugins: Plugins, folder: Path) -> None:
    """Load the plugin file of a folder, if there is one; a broken one is listed in `plugins.broken`."""
    file = folder / PLUGIN_FILE
    if file.is_file():
        _log.info("loading the plugin file %s", file)
        try:
            plugins.register(_import_file(file), PLUGIN_FILE)
        except PluginError as error:
            plugins.set_aside(PLUGIN_FILE, error)


def _import_file(path: Path) -> ModuleType:
    """Import a file under a name of its own, so that the files of two folders are two modules."""
    name = f"klavier_plugin_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:  # pragma: no cover -- the name ends in .py, so there is a loader
        raise PluginError(f"plugin {PLUGIN_FILE}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # classes in it look themselves up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        what = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
        raise PluginError(f"plugin {PLUGIN_FILE}: {type(error).__name__}: {what}") from error
    return module
