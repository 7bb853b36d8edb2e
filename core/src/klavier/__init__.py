"""klavier delivers customer-data events to Klaviyo exactly as a chosen vendor would."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from klavier.version import VERSION

if TYPE_CHECKING:
    from klavier.comparison.compare import compare
    from klavier.comparison.report import Comparison
    from klavier.comparison.shard import read_comparison
    from klavier.config.load import load_config
    from klavier.config.model import Config
    from klavier.derived_vendor import derive_vendor
    from klavier.errors import (
        ConfigError,
        DeliveryError,
        EventError,
        KlavierError,
        LeaseLostError,
        OutboxError,
        OutboxFullError,
        PluginError,
        RelayClosedError,
        TransportError,
        UsageError,
    )
    from klavier.events.model import Alias, Event, Group, Identify, Page, Screen, Track
    from klavier.events.reader import parse_event, parse_line
    from klavier.flows.rehearsal import Rehearsal, rehearse
    from klavier.flows.send_one import SendOne
    from klavier.hookspecs import hookimpl
    from klavier.klaviyo.request import Request
    from klavier.klaviyo.response import ApiError, Response
    from klavier.loading import load_vendor
    from klavier.migration.migrate import migrate
    from klavier.migration.model import Migration
    from klavier.outcome import Outcome
    from klavier.plugins import Plugins
    from klavier.relay.async_relay import AsyncRelay
    from klavier.relay.counts import Counts
    from klavier.relay.factory import aopen, open  # noqa: A004 -- klavier.open reads as it should
    from klavier.relay.relay import Relay
    from klavier.retry import RetryPolicy
    from klavier.sandbox.sandbox import Sandbox
    from klavier.settings import setting
    from klavier.streams.deliver import deliver
    from klavier.vendor import Delivery, Flow, Vendor, VendorSpec

__version__ = VERSION

_HOMES = {
    "klavier.comparison.compare": ("compare",),
    "klavier.comparison.report": ("Comparison",),
    "klavier.comparison.shard": ("read_comparison",),
    "klavier.config.load": ("load_config",),
    "klavier.config.model": ("Config",),
    "klavier.derived_vendor": ("derive_vendor",),
    "klavier.flows.rehearsal": ("Rehearsal", "rehearse"),
    "klavier.errors": (
        "ConfigError",
        "DeliveryError",
        "EventError",
        "KlavierError",
        "LeaseLostError",
        "OutboxError",
        "OutboxFullError",
        "PluginError",
        "RelayClosedError",
        "TransportError",
        "UsageError",
    ),
    "klavier.events.model": ("Alias", "Event", "Group", "Identify", "Page", "Screen", "Track"),
    "klavier.events.reader": ("parse_event", "parse_line"),
    "klavier.flows.send_one": ("SendOne",),
    "klavier.hookspecs": ("hookimpl",),
    "klavier.klaviyo.request": ("Request",),
    "klavier.klaviyo.response": ("ApiError", "Response"),
    "klavier.loading": ("load_vendor",),
    "klavier.migration.migrate": ("migrate",),
    "klavier.migration.model": ("Migration",),
    "klavier.outcome": ("Outcome",),
    "klavier.plugins": ("Plugins",),
    "klavier.relay.async_relay": ("AsyncRelay",),
    "klavier.relay.counts": ("Counts",),
    "klavier.relay.factory": ("aopen", "open"),
    "klavier.relay.relay": ("Relay",),
    "klavier.retry": ("RetryPolicy",),
    "klavier.sandbox.sandbox": ("Sandbox",),
    "klavier.settings": ("setting",),
    "klavier.streams.deliver": ("deliver",),
    "klavier.vendor": ("Delivery", "Flow", "Vendor", "VendorSpec"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604, RUF100 -- the names below are resolved on first use
    "Alias",
    "ApiError",
    "AsyncRelay",
    "Comparison",
    "Config",
    "ConfigError",
    "Counts",
    "Delivery",
    "DeliveryError",
    "Event",
    "EventError",
    "Flow",
    "Group",
    "Identify",
    "KlavierError",
    "LeaseLostError",
    "Migration",
    "OutboxError",
    "OutboxFullError",
    "Outcome",
    "Page",
    "PluginError",
    "Plugins",
    "Rehearsal",
    "Relay",
    "RelayClosedError",
    "Request",
    "Response",
    "RetryPolicy",
    "Sandbox",
    "Screen",
    "SendOne",
    "Track",
    "TransportError",
    "UsageError",
    "Vendor",
    "VendorSpec",
    "aopen",
    "compare",
    "deliver",
    "derive_vendor",
    "hookimpl",
    "load_config",
    "load_vendor",
    "migrate",
    "open",
    "parse_event",
    "parse_line",
    "read_comparison",
    "rehearse",
    "setting",
]


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use, so that `import klavier` stays quick."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'klavier' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME_OF])
