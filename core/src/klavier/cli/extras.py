"""The commands of plugins; to list them only those plugins are imported that may have some, so that it is quick."""

import importlib.util
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click

from klavier.cli.where import find_config

_GROUP = "klavier"
_HOOK = b"klavier_commands"
_PLUGIN_FILE = "klavier_plugin.py"
_LISTED, _ALL = "klavier.listed", "klavier.all"


def listed_commands(ctx: click.Context) -> Mapping[str, click.Command]:
    """Give the commands of the plugins whose file names the hook for commands.

    A plugin that only imports its hook by a star is not seen here; its commands run all the same.
    """
    if _LISTED not in ctx.meta:
        points = [point for point in entry_points(group=_GROUP) if any(map(_names_hook, _sources(point.module)))]
        file = find_config()
        has_file = file is not None and _names_hook(file.parent / _PLUGIN_FILE)
        ctx.meta[_LISTED] = _ask(points, file.parent if file and has_file else None) if points or has_file else {}
    found: Mapping[str, click.Command] = ctx.meta[_LISTED]
    return found


def all_commands(ctx: click.Context) -> Mapping[str, click.Command]:
    """Give the commands of all plugins."""
    if _ALL not in ctx.meta:
        file = find_config()
        ctx.meta[_ALL] = _ask(None, file and file.parent)
    found: Mapping[str, click.Command] = ctx.meta[_ALL]
    return found


def _ask(points: list[EntryPoint] | None, folder: Path | None) -> Mapping[str, click.Command]:
    from klavier.plugins import Plugins  # noqa: PLC0415 -- loading plugins takes its time

    plugins = Plugins.discover(points, vendors=False)
    if folder is not None:
        from klavier.config.local_plugin import load_beside  # noqa: PLC0415 -- as above

        load_beside(plugins, folder)
    group = click.Group()
    plugins.add_commands(group)
    return group.commands


def _names_hook(source: Path) -> bool:
    try:
        return _HOOK in source.read_bytes()
    except OSError:
        return False


def _sources(module: str) -> Iterator[Path]:
    """Find the file of a module, on the way that importing it would go, without importing its packages."""
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
