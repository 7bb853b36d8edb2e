"""The plugins of one program: found by entry point or registered by hand, the broken ones set aside with their reason.

One typed class wraps pluggy, so that the rest of klavier never sees an untyped hook caller.
"""

import difflib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy
from attrs import frozen

from klavier.errors import ConfigError, PluginError
from klavier.events.model import Event
from klavier.hookspecs import PROJECT, Hooks
from klavier.outcome import Outcome, failed
from klavier.vendor import VendorSpec

if TYPE_CHECKING:
    import click

KNOWN_PLUGINS = "klavier-{name}"
"""Distributions are named after their vendor, so that an unknown one can be said to be installable."""


@frozen
class BrokenPlugin:
    """A plugin that was set aside, and why; the others work on."""

    name: str
    reason: str


class Plugins:
    """All plugins of one program and what they registered."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        self._broken: list[BrokenPlugin] = []
        self._vendors: dict[str, VendorSpec] = {}

    @classmethod
    def discover(cls, found: Iterable[EntryPoint] | None = None) -> "Plugins":
        """Load every plugin that is installed with an entry point in the group `klavier`, one at a time."""
        plugins = cls()
        for point in sorted(entry_points(group=PROJECT) if found is None else found, key=lambda p: p.name):
            plugins._load(point)
        return plugins

    def register(self, plugin: object, name: str | None = None) -> None:
        """Register a module or object as a plugin; raises `PluginError` that names it where it breaks the contract."""
        shown = name or str(getattr(plugin, "__name__", type(plugin).__name__))
        try:
            self._manager.register(plugin, shown)
            self._manager.check_pending()
            self._collect(plugin, shown)
        except PluginError:
            self._drop(plugin)
            raise
        except Exception as error:
            self._drop(plugin)
            raise PluginError(f"plugin {shown}: {type(error).__name__}: {_first_line(error)}") from error

    @property
    def vendors(self) -> dict[str, VendorSpec]:
        """The registered vendors by name."""
        return dict(self._vendors)

    @property
    def broken(self) -> tuple[BrokenPlugin, ...]:
        """The plugins that were set aside, with reasons."""
        return tuple(self._broken)

    def vendor(self, name: str) -> VendorSpec:
        """Give a vendor by name; raises `ConfigError` that says which are installed and what to install."""
        if name in self._vendors:
            return self._vendors[name]
        raise ConfigError(f"vendor: {_unknown(name, sorted(self._vendors), self._broken)}")

    def transform(self, event: Event, vendor: str) -> Event | Outcome:
        """Run every transformation in turn; an outcome drops the event, also the `failed` one of a broken plugin."""
        for implementation in self._manager.hook.klavier_transform_event.get_hookimpls():
            given: dict[str, Any] = {"event": event, "vendor": vendor}
            try:
                result: Any = implementation.function(*(given[name] for name in implementation.argnames))
            except Exception as error:  # noqa: BLE001 -- a plugin may raise anything, and the event needs its outcome
                return failed(f"plugin {implementation.plugin_name} raised {type(error).__name__} in a transformation")
            if isinstance(result, Outcome):
                return result
            event = event if result is None else result
        return event

    def observe(self, event: Event, vendor: str, outcome: Outcome) -> None:
        """Show an outcome to every observer; raises `PluginError` that names the one that fails."""
        hook = self._manager.hook.klavier_event_outcome
        for implementation in hook.get_hookimpls():
            given = {"event": event, "vendor": vendor, "outcome": outcome}
            try:
                implementation.function(*(given[name] for name in implementation.argnames))
            except Exception as error:
                raise PluginError(
                    f"plugin {implementation.plugin_name} raised {type(error).__name__} on an outcome"
                ) from error

    def add_commands(self, group: "click.Group") -> None:
        """Let plugins add their commands; one that fails is set aside as broken."""
        for implementation in self._manager.hook.klavier_commands.get_hookimpls():
            try:
                implementation.function(group)
            except Exception as error:  # noqa: BLE001 -- the other commands must stay usable
                self.set_aside(implementation.plugin_name, error)

    def set_aside(self, name: str, error: Exception) -> None:
        """Report a plugin as broken, with what it raised; the others work on."""
        reason = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {_first_line(error)}"
        self._broken.append(BrokenPlugin(name, reason))

    def _load(self, point: EntryPoint) -> None:
        try:
            self.register(point.load(), point.name)
        except Exception as error:  # noqa: BLE001 -- importing a plugin may raise anything
            self.set_aside(point.name, error)

    def _collect(self, plugin: object, shown: str) -> None:
        for spec in _specs(self._manager, plugin):
            if not isinstance(spec, VendorSpec):
                raise PluginError(f"plugin {shown}: klavier_vendors gave a {type(spec).__name__}, not a VendorSpec")
            if spec.name in self._vendors:
                raise PluginError(f"plugin {shown}: vendor {spec.name!r} is registered already; rename one")
            self._vendors[spec.name] = spec

    def _drop(self, plugin: object) -> None:
        if self._manager.is_registered(plugin):
            self._manager.unregister(plugin)


@lru_cache(maxsize=1)
def installed_plugins() -> Plugins:
    """Discover the installed plugins once a process."""
    return Plugins.discover()


def _specs(manager: pluggy.PluginManager, plugin: object) -> Iterator[Any]:
    for implementation in manager.hook.klavier_vendors.get_hookimpls():
        if implementation.plugin is plugin:
            found: Any = implementation.function()
            yield from found


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else "no message"


def _unknown(name: str, installed: list[str], broken: list[BrokenPlugin]) -> str:
    for plugin in broken:
        if plugin.name == name:
            return f"the plugin of {name!r} is broken: {plugin.reason}"
    close = difflib.get_close_matches(name, installed, n=1)
    if close:
        return f"{name!r} is not known; did you mean {close[0]!r}?"
    here = f"installed are {', '.join(installed)}" if installed else "no vendor is installed"
    return f"{name!r} is not known; {here}; try: pip install {KNOWN_PLUGINS.format(name=name)}"
