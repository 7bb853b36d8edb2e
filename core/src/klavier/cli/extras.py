"""The commands of plugins.  Only plugins that may have commands are imported to list them, so that this is fast."""

import ast
import importlib.util
import os
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click

from klavier.config.location import find_config

_GROUP = "klavier"
_HOOK = "klavier_commands"
_PLUGIN_FILE = "klavier_plugin.py"
_LISTED, _INSTALLED, _LOCAL = "klavier.listed", "klavier.installed", "klavier.local"


def listed_commands(ctx: click.Context) -> Mapping[str, click.Command]:
    """Return the commands of the plugins whose file names the hook for commands.

    A plugin that only imports its hook by a star is not found here; its commands run all the same.
    """
    if _LISTED not in ctx.meta:
        points = [point for point in entry_points(group=_GROUP) if any(map(_names_hook, _sources(point.module)))]
        local = _local_file()
        ctx.meta[_LISTED] = {
            **(_load_commands(points, None) if points else {}),
            **(_local_commands(ctx) if local is not None and _names_hook(local) else {}),
        }
    found: Mapping[str, click.Command] = ctx.meta[_LISTED]
    return found


def find_command(ctx: click.Context, name: str) -> click.Command | None:
    """Return the command of this name that a plugin adds.

    The plugin file beside the configuration is run only if its text shows that it may add this command: not for a
    mistyped one.
    """
    installed = installed_commands(ctx)
    if name in installed:
        return installed[name]
    local = _local_file()
    return _local_commands(ctx).get(name) if local is not None and _may_add(local, name) else None


def installed_commands(ctx: click.Context) -> Mapping[str, click.Command]:
    """Return the commands of all installed plugins."""
    if _INSTALLED not in ctx.meta:
        ctx.meta[_INSTALLED] = _load_commands(None, None)
    found: Mapping[str, click.Command] = ctx.meta[_INSTALLED]
    return found


def _local_commands(ctx: click.Context) -> Mapping[str, click.Command]:
    if _LOCAL not in ctx.meta:
        file = _local_file()
        ctx.meta[_LOCAL] = _load_commands([], file and file.parent)
    found: Mapping[str, click.Command] = ctx.meta[_LOCAL]
    return found


def _load_commands(points: list[EntryPoint] | None, folder: Path | None) -> Mapping[str, click.Command]:
    """Return the commands of these entry points (all if None) and of the plugin file of a folder."""
    from klavier.plugins import Plugins  # noqa: PLC0415 -- loading plugins takes its time

    plugins = Plugins.discover(points, vendors=False)
    if folder is not None:
        from klavier.config.local_plugin import load_local  # noqa: PLC0415 -- as above

        load_local(plugins, folder)
    group = click.Group()
    plugins.add_commands(group)
    return group.commands


def _local_file() -> Path | None:
    """Return the plugin file beside the configuration, if there is one and it is allowed."""
    config = find_config()
    file = config and config.parent / _PLUGIN_FILE
    if config is None or file is None or not file.is_file():
        return None
    from klavier.config.local_plugin import is_allowed  # noqa: PLC0415 -- loads what loads plugins

    try:
        data = tomllib.loads(config.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):  # whoever needs the configuration reports what is wrong with it
        return None
    return file if is_allowed(data, os.environ) else None


def _may_add(source: Path, name: str) -> bool:
    """Return whether a plugin's text names the hook for commands, and this command as a string or a function."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False
    names = {node.name.replace("_", "-") for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return _names_hook(source) and name in names | texts


def _names_hook(source: Path) -> bool:
    try:
        return _HOOK.encode() in source.read_bytes()
    except OSError:
        return False


def _sources(module: str) -> Iterator[Path]:
    """Yield where the file of a module may be, without importing its packages."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    if not rest and spec.origin:
        yield Path(spec.origin)
    for folder in spec.submodule_search_locations or ():
        place = Path(folder, *rest)
        yield place.with_suffix(".py")
        yield place / "__init__.py"
