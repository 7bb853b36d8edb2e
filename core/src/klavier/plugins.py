"""The plugins of one program: found by entry point or registered by hand, the broken ones set aside with their reason.

One typed class wraps pluggy, so that the rest of klavier never sees an untyped hook caller.
Events and vendors are imported where a plugin gives some, so that the list of commands does not wait for them.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from copy import copy
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points, requires
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from klavier.errors import ConfigError, EventError, KlavierError, PluginError
from klavier.hookspecs import PROJECT, VENDOR_NAME, Hooks

_POSTGRES = ("postgresql", "postgres")
"""The schemes of the outbox that klavier's own plugin opens."""

if TYPE_CHECKING:
    import click

    from klavier.events.model import Event
    from klavier.klaviyo.request import Request
    from klavier.klaviyo.response import Response
    from klavier.outbox.base import Outbox
    from klavier.outcome import Outcome
    from klavier.streams.lines import Line
    from klavier.vendor import VendorSpec

NO_VENDOR = "no vendor is installed; try: pip install 'klavier[rudderstack]'"


class BrokenPlugin(NamedTuple):
    """A plugin that was set aside, and why; the others work on."""

    name: str
    reason: str


class Plugins:
    """All plugins of one program and what they registered."""

    def __init__(self, *, vendors: bool = True) -> None:
        """Start without any plugin; where nobody will ask for `vendors`, no plugin is made to import its own."""
        self._asks_for_vendors = vendors
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        self._broken: list[BrokenPlugin] = []
        self._vendors: dict[str, VendorSpec] = {}
        self._known_calls: dict[str, list[_Call]] = {}

    @classmethod
    def discover(cls, found: Iterable[EntryPoint] | None = None, *, vendors: bool = True) -> "Plugins":
        """Load every plugin that is installed with an entry point in the group `klavier`, one at a time."""
        plugins = cls(vendors=vendors)
        for point in sorted(entry_points(group=PROJECT) if found is None else found, key=lambda p: p.name):
            plugins._load(point)
        return plugins

    def register(self, plugin: object, name: str | None = None) -> None:
        """Register a module or object as a plugin; raises `PluginError` that names it where it breaks the contract.

        A plugin that raises leaves nothing behind.
        """
        shown = name or str(getattr(plugin, "__name__", type(plugin).__name__))
        if self._manager.is_registered(plugin):
            raise PluginError(f"plugin {shown}: is registered already")
        try:
            self._known_calls.clear()
            self._manager.register(plugin, shown)
            self._manager.check_pending()
            self._check_wrappers(plugin, shown)
            self._check_markers(plugin, shown)
            if self._asks_for_vendors:
                self._vendors |= self._vendors_of(plugin, shown)
        except (Exception, SystemExit) as error:
            self._known_calls.clear()
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            if isinstance(error, PluginError):
                raise
            raise PluginError(f"plugin {shown}: {type(error).__name__}: {_first_line(error)}") from error

    @property
    def vendors(self) -> "dict[str, VendorSpec]":
        """The registered vendors by name."""
        return dict(self._vendors)

    @property
    def broken(self) -> tuple[BrokenPlugin, ...]:
        """The plugins that were set aside, with reasons."""
        return tuple(self._broken)

    def vendor(self, name: str) -> "VendorSpec":
        """Return a vendor by name; raises `ConfigError` that names the installed ones and what to install."""
        if isinstance(name, str) and name in self._vendors:
            return self._vendors[name]
        raise ConfigError(f"vendor: {_unknown(name, sorted(self._vendors), self._broken)}")

    def read(self, payload: dict[str, Any]) -> "Event | None":
        """Return the event that a plugin reads from a payload in a format of its own; None where no plugin knows it.

        Raises `EventError` where the plugin whose format it is refuses it, raises anything, or returns no event.
        """
        for call in self._calls("klavier_read_event"):
            from klavier.plugin_checks import fault_of_event  # noqa: PLC0415 -- see above

            try:
                event: Any = call.run(payload=payload)
                problem = fault_of_event(event, "reading") if event is not None else ""
            except EventError:
                raise
            except Exception as error:
                raise EventError(f"plugin {call.plugin} raised {type(error).__name__} in reading the event") from error
            if problem:
                raise EventError(f"plugin {call.plugin} {problem}")
            if event is not None:
                return event  # type: ignore[no-any-return]  # checked just now
        return None

    def read_rows(self, path: str, mode: str, id_column: str | None) -> "Iterator[Event | Line]":
        """Return the rows of a file as events, one at a time, read by the first plugin that can.

        Raises `PluginError` where none can or one fails, and `UsageError` for a file that the plugin cannot read.
        """
        for call in self._calls("klavier_read_rows"):
            try:
                found: Any = call.run(path=path, mode=mode, id_column=id_column)
            except (KlavierError, OSError):
                raise
            except Exception as error:
                raise _rows_failed(call, error) from error
            if found is not None:
                return _guarded_rows(call, found)
        raise PluginError(f"{path}: no installed plugin reads its rows; install one that does")

    def open_outbox(self, url: str, max_bytes: int | None, dead_letter_age: float | None) -> "Outbox":
        """Open the outbox at a URL with the first plugin that knows it.

        Raises `ConfigError` where none does, `PluginError` where the plugin fails, and the plugin's own `OutboxError`.
        """
        for call in self._calls("klavier_open_outbox"):
            try:
                found: Any = call.run(url=url, max_bytes=max_bytes, dead_letter_age=dead_letter_age)
            except KlavierError:
                raise
            except Exception as error:
                raise PluginError(f"plugin {call.plugin} raised {type(error).__name__} in opening an outbox") from error
            if found is not None:
                return found  # type: ignore[no-any-return]  # the plugin's promise, held by OutboxConformance
        scheme = url.partition("://")[0]
        remedy = "pip install 'klavier[postgres]'" if scheme in _POSTGRES else "install one that does"
        raise ConfigError(f"delivery.outbox: no installed plugin opens {scheme}:// outboxes; {remedy}")

    def transform(self, event: "Event", vendor: str) -> "Event | Outcome":
        """Run every transformation in turn; an outcome drops the event, also the `failed` one of a broken plugin."""
        for call in self._calls("klavier_transform_event"):
            from klavier.outcome import Outcome, failed  # noqa: PLC0415 -- see above
            from klavier.plugin_checks import fault_of_change  # noqa: PLC0415 -- see above

            try:
                result: Any = call.run(event=event, vendor=vendor)
                problem = fault_of_change(result)
            except Exception as error:  # noqa: BLE001 -- a plugin may raise anything, and the event needs its outcome
                return failed(f"plugin {call.plugin} raised {type(error).__name__} in a transformation")
            if problem:
                return failed(f"plugin {call.plugin} {problem}")
            if isinstance(result, Outcome):
                return result
            if result is not None and result is not event:
                # Outcomes are kept by the identity of events, and a plugin may return one object for many events.
                event = copy(result)
        return event

    def observe(self, event: "Event", vendor: str, outcome: "Outcome", accepted: float | None = None) -> None:
        """Show an outcome to every observer; raises `PluginError` that names the first that fails, after all had it.

        `accepted` is the Unix time at which the outbox accepted the event; None where there is no outbox.
        """
        arguments = {"event": event, "vendor": vendor, "outcome": outcome, "accepted": accepted}
        self._show("klavier_event_outcome", "an outcome", arguments)

    def observe_reply(self, request: "Request", reply: "Response", endpoint: str, seconds: float) -> None:
        """Show a reply to every observer; raises `PluginError` as `observe` does."""
        arguments = {"request": request, "reply": reply, "endpoint": endpoint, "seconds": seconds}
        self._show("klavier_reply", "a reply", arguments)

    def _show(self, hook: str, what: str, arguments: dict[str, Any]) -> None:
        broken: PluginError | None = None
        for call in self._calls(hook):
            try:
                call.run(**arguments)
            except Exception as error:  # noqa: BLE001 -- the other observers are called, too
                fault = PluginError(f"plugin {call.plugin} raised {type(error).__name__} on {what}")
                fault.__cause__ = error
                broken = broken or fault
        if broken is not None:
            raise broken

    def owners(self, hook: str) -> list[object]:
        """Return the objects whose functions or methods implement a hook."""
        return [call.owner_of_function for call in self._calls(hook)]

    def answers(self, hook: str) -> bool:
        """Return whether any plugin implements a hook of this name."""
        return any(True for _ in self._calls(hook))

    def add_commands(self, group: "click.Group") -> None:
        """Add the commands of plugins; one that fails is set aside as broken."""
        for call in self._calls("klavier_commands"):
            try:
                call.run(group=group)
            except (Exception, SystemExit) as error:  # noqa: BLE001 -- the other commands must stay usable
                self.set_aside(call.plugin, error)

    def set_aside(self, name: str, error: BaseException) -> None:
        """Report a plugin as broken, with what it raised; the others work on."""
        reason = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {_first_line(error)}"
        reason = reason.removeprefix(f"plugin {name}: ")  # whoever shows it shows the name too
        self._broken.append(BrokenPlugin(name, reason))

    def _calls(self, hook: str) -> "Iterator[_Call]":
        """Return the implementations of a hook in pluggy's order: those marked `tryfirst`, then the last registered."""
        found = self._known_calls.get(hook)
        if found is None:  # needed for every event; changes only with `register`
            implementations: list[pluggy.HookImpl] = getattr(self._manager.hook, hook).get_hookimpls()
            found = self._known_calls[hook] = [_Call(one) for one in reversed(implementations)]
        return iter(found)

    def _load(self, point: EntryPoint) -> None:
        try:
            self.register(point.load(), point.name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- importing a plugin may raise anything
            self.set_aside(point.name, error)

    def _check_wrappers(self, plugin: object, shown: str) -> None:
        """Refuse pluggy's wrappers: an event goes through transformations one by one, with nothing to wrap."""
        for caller in self._manager.get_hookcallers(plugin) or ():
            for implementation in caller.get_hookimpls():
                if implementation.plugin is plugin and (implementation.wrapper or implementation.hookwrapper):
                    raise PluginError(f"plugin {shown}: {caller.name} is a wrapper; make it a plain implementation")

    def _check_markers(self, plugin: object, shown: str) -> None:
        """Refuse a function with a hook's name that is not marked: pluggy would never call it."""
        implemented = {caller.name for caller in self._manager.get_hookcallers(plugin) or ()}
        for name in sorted(set(vars(Hooks)) - implemented):
            if name.startswith("klavier_") and callable(getattr(plugin, name, None)):
                raise PluginError(f"plugin {shown}: {name} is not marked; write @klavier.hookimpl above it")

    def _vendors_of(self, plugin: object, shown: str) -> "dict[str, VendorSpec]":
        found: dict[str, VendorSpec] = {}
        for call in self._calls("klavier_vendors"):
            from klavier.plugin_checks import fault_of_list, fault_of_spec  # noqa: PLC0415 -- see above

            specs = call.run() if call.owner is plugin else ()
            if problem := fault_of_list(specs):
                raise PluginError(f"plugin {shown}: {problem}")
            for spec in specs:
                if problem := fault_of_spec(spec, {**self._vendors, **found}):
                    raise PluginError(f"plugin {shown}: {problem}")
                found[spec.name] = spec
        return found


class _Call:
    """One implementation of a hook, to be called with those of the hook's arguments that it names."""

    def __init__(self, implementation: pluggy.HookImpl) -> None:
        self._implementation = implementation
        self.plugin = implementation.plugin_name
        self.owner = implementation.plugin

    @property
    def owner_of_function(self) -> object:
        """The object of a bound method, also of one that a module names; else the plugin."""
        return getattr(self._implementation.function, "__self__", self.owner)

    def run(self, **arguments: Any) -> Any:
        """Call it."""
        return self._implementation.function(*(arguments[name] for name in self._implementation.argnames))


@lru_cache(maxsize=1)
def installed_plugins() -> Plugins:
    """Discover the installed plugins once a process."""
    return Plugins.discover()


def _guarded_rows(call: _Call, rows: "Iterable[Event | Line]") -> "Iterator[Event | Line]":
    """Yield the rows of a plugin; what it raises beyond klavier's own errors names it."""
    try:
        yield from rows
    except (KlavierError, OSError):
        raise
    except Exception as error:
        raise _rows_failed(call, error) from error


def _rows_failed(call: _Call, error: Exception) -> PluginError:
    return PluginError(f"plugin {call.plugin} raised {type(error).__name__} in reading rows")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    # The first line of pluggy's message names the place, the last one the problem.
    return f"{lines[0]}: {lines[-1]}" if isinstance(error, pluggy.PluginValidationError) and lines[1:] else lines[0]


def _unknown(name: str, installed: list[str], broken: list[BrokenPlugin]) -> str:
    for plugin in broken:
        if plugin.name == name:
            return f"the plugin of {name!r} is broken: {plugin.reason}"
    here = f"installed are {', '.join(installed)}" if installed else "no vendor is installed"
    if broken:
        here += f"; set aside as broken are {', '.join(plugin.name for plugin in broken)}"
    if not isinstance(name, str) or not VENDOR_NAME.fullmatch(name):
        return f"must be the name of a vendor, such as 'rudderstack'; {here}"
    close = difflib.get_close_matches(name, installed, n=1)
    if close:
        return f"{name!r} is not known; did you mean {close[0]!r}?"
    return f"{name!r} is not known; {here}; {_remedy(name)}"


def _remedy(name: str) -> str:
    """Return where to find a vendor; a package is named only if it is ours, since anybody may publish another name."""
    ours = (re.split(r"[^\w-]", text)[0] for text in requires(PROJECT) or ())
    if f"{PROJECT}-{name}" in ours:
        return f"try: pip install '{PROJECT}[{name}]'"
    return f"install its plugin, or write one: klavier new-vendor {name}"
