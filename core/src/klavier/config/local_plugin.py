"""A file `klavier_plugin.py` beside the configuration is a plugin, with nothing to install."""

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from klavier.errors import PluginError
from klavier.plugins import Plugins

PLUGIN_FILE = "klavier_plugin.py"


def discover_beside(folder: Path) -> Plugins:
    """Discover the installed plugins and the plugin file of a folder; a broken one is set aside with its reason."""
    plugins = Plugins.discover()
    load_beside(plugins, folder)
    return plugins


def load_beside(plugins: Plugins, folder: Path) -> None:
    """Load the plugin file of a folder, where it has one; a broken one is set aside with its reason."""
    file = folder / PLUGIN_FILE
    if file.is_file():
        try:
            plugins.register(_import_file(file), PLUGIN_FILE)
        except PluginError as error:
            plugins.set_aside(PLUGIN_FILE, error)


def _import_file(path: Path) -> ModuleType:
    """Import a file under a name of its own, so that two folders do not get in each other's way."""
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
