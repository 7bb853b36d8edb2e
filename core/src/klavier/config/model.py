"""What a configuration says, as frozen classes: one for each section of `klavier.toml`."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from attrs import field, frozen

from klavier.config.console import ConsoleSection
from klavier.config.gateway import GatewaySection
from klavier.config.shadow import ShadowSection
from klavier.loading import bind
from klavier.settings import describe, fill_from_klaviyo, setting, structure

if TYPE_CHECKING:
    from klavier.plugins import Plugins
    from klavier.vendor import Vendor

BASE_URL = "https://a.klaviyo.com"
_LONGEST_WAIT = 3600
_LARGEST_BATCH = 10_000
_MOST_CONNECTIONS = 1000
_MOST_TRIES = 1_000_000
_LONGEST_PATIENCE = 30 * 86_400
_LEAST_OUTBOX = 1_000_000
"""Bytes: room for a few hundred events and the index of those that were delivered."""


def check_web_address(value: str) -> None:
    """Raise `ValueError` for what is not the address of a server, without path, query and credentials."""
    wrong = "must be a web address without path or query, such as https://a.klaviyo.com"
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 -- a port that is no number is found out on reading it
    except ValueError:
        raise ValueError(wrong) from None
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password
    if parts.scheme not in ("http", "https") or not parts.hostname or extra or not value.isprintable() or " " in value:
        raise ValueError(wrong)


def _seconds(value: float) -> None:
    if not math.isfinite(value) or not 0 < value <= _LONGEST_WAIT:
        raise ValueError(f"must be a number of seconds above 0, at most {_LONGEST_WAIT}")


def _patience(value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and 0 < value <= _LONGEST_PATIENCE):
        raise ValueError(f"must be a number of seconds above 0, at most {_LONGEST_PATIENCE} (30 days)")


def _some_tries(value: int | None) -> None:
    if value is not None and not 1 <= value <= _MOST_TRIES:
        raise ValueError(f"must be from 1 to {_MOST_TRIES}")


def _some_events(value: int | None) -> None:
    if value is not None and not 1 <= value <= _LARGEST_BATCH:
        raise ValueError(f"must be from 1 to {_LARGEST_BATCH} events")


def _outbox_bytes(value: int | None) -> None:
    if value is not None and value < _LEAST_OUTBOX:
        raise ValueError(f"must be at least {_LEAST_OUTBOX} bytes")


def _days(value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise ValueError("must be a number of days above 0")


def _share(value: float) -> None:
    if not 0 < value <= 1:
        raise ValueError("must be above 0, at most 1")


def _some_text(value: str) -> None:
    if not value.strip() or "\0" in value:
        raise ValueError('must be the path of a file, a URL, or "memory"')


def _some_connections(value: int) -> None:
    if not 1 <= value <= _MOST_CONNECTIONS:
        raise ValueError(f"must be from 1 to {_MOST_CONNECTIONS}")


def _header_text(value: str | None) -> None:
    if value is not None and not (value.isascii() and value.isprintable() and value and " " not in value):
        raise ValueError("must be a key as Klaviyo shows it: plain characters without spaces, not empty")
    if value is not None and value.startswith("$") and not value.startswith("${"):
        raise ValueError("a variable is written in braces, such as ${KLAVIYO_PRIVATE_API_KEY}")


def _public_key(value: str | None) -> None:
    _header_text(value)
    if value is not None and value.startswith("pk_"):
        raise ValueError("is a private key (pk_...), which browsers must not get; the public key has six characters")


@frozen
class KlaviyoSection:
    """`[klaviyo]`: the account that events are delivered to, and how to reach it."""

    private_api_key: str | None = setting(
        None, secret=True, validator=_header_text, doc="The private API key, for what a server sends."
    )
    public_api_key: str | None = setting(
        None, validator=_public_key, doc="The public API key (site id), for what a browser sends and the legacy calls."
    )
    access_token: str | None = setting(
        None, secret=True, validator=_header_text, doc="An OAuth access token, in place of the private API key."
    )
    base_url: str = setting(
        BASE_URL, validator=check_web_address, doc="The address of Klaviyo's API; a sandbox has its own."
    )
    connect_timeout: float = setting(10.0, validator=_seconds, doc="Seconds to wait for a connection.")
    read_timeout: float = setting(30.0, validator=_seconds, doc="Seconds to wait between two pieces of a reply.")
    total_timeout: float = setting(120.0, validator=_seconds, doc="Seconds to wait for a whole reply.")
    proxy: str | None = setting(None, secret=True, doc="The URL of a proxy, where HTTPS_PROXY does not name it.")
    verify: bool = setting(
        default=True, doc="Whether the server's certificate is checked; false is for a test server only."
    )


@frozen
class DeliverySection:
    """`[delivery]`: how events are delivered."""

    batch_size: int | None = setting(
        None,
        validator=_some_events,
        doc="How many events are passed to the vendor together; by default as many as its own servers do.",
    )
    outbox: str = setting(
        "klavier.db",
        validator=_some_text,
        doc='Where accepted events are stored: a file, relative to this one; "memory", for this process only; or the '
        "URL of an outbox that a plugin opens.",
    )
    max_bytes: int | None = setting(
        None,
        validator=_outbox_bytes,
        doc="How many bytes the outbox may use, dead letters included; further events are refused. Without it the disk "
        "is the limit.",
    )
    dead_letter_days: float | None = setting(
        None,
        validator=_days,
        doc="After how many days a dead letter is deleted; without it only `klavier dead delete` deletes them.",
    )
    share: float = setting(
        1.0,
        validator=_share,
        doc="The share of Klaviyo's rate limits to use, where other programs send to the same account.",
    )
    bulk: Literal["vendor", "max"] = setting(
        "vendor", doc='"vendor" makes the calls that the vendor would, "max" has the same result with the fewest calls.'
    )
    backfill: bool = setting(
        default=False, doc="Whether events are history: Klaviyo records them and starts no flows (current wire)."
    )
    consent_import: bool = setting(
        default=False,
        doc="Whether subscriptions are history: imported with the time of their event, without opt-in messages.",
    )
    connections: int = setting(32, validator=_some_connections, doc="How many calls may be in flight at once.")
    tries: int | None = setting(None, validator=_some_tries, doc="The most tries of an event; by default the vendor's.")
    give_up: float | None = setting(
        None,
        validator=_patience,
        doc="Seconds from an event's first try after which it is not tried again; by default the vendor's.",
    )
    first_delay: float | None = setting(
        None,
        validator=_patience,
        doc="The longest wait before the second try, in seconds; by default the vendor's.",
    )
    longest_delay: float | None = setting(
        None,
        validator=_patience,
        doc="The longest wait before any try, in seconds; by default the vendor's.",
    )


@frozen
class PluginsSection:
    """`[plugins]`: which plugins events may be sent without, and whether the plugin file is loaded."""

    optional: tuple[str, ...] = setting((), doc="Plugins that may fail to load: events are then sent without them.")
    local: bool = setting(default=True, doc="Whether a file `klavier_plugin.py` beside this file is loaded.")


@frozen
class Config:
    """A whole configuration, checked: the vendor, the Klaviyo account, and the settings of each vendor as plain data.

    No repr shows a secret: the private key is left out, and so are the vendors' settings.
    """

    vendor: str
    klaviyo: KlaviyoSection = field(factory=KlaviyoSection)
    vendors: Mapping[str, Mapping[str, Any]] = field(factory=dict, repr=False)
    delivery: DeliverySection = field(factory=DeliverySection)
    gateway: GatewaySection = field(factory=GatewaySection)
    console: ConsoleSection = field(factory=ConsoleSection)
    shadow: ShadowSection = field(factory=ShadowSection)
    plugins: "Plugins | None" = field(default=None, repr=False, eq=False)
    folder: Path = field(factory=Path, repr=False, eq=False)
    """Where relative paths start: the configuration file's folder, else the working directory."""

    def build_vendor(self, name: str | None = None) -> "Vendor":
        """Build the chosen vendor, or the one that is named, from its section and the keys of `[klaviyo]`.

        Where `[delivery]` delivers history, the vendor makes its requests so.  Raises `ConfigError`: an unknown vendor,
        or every wrong setting with its path.
        """
        name = self.vendor if name is None else name
        vendor = build(self.known_plugins(), name, self.vendors.get(name, {}), self.klaviyo)
        backfill, imports_consent = self.delivery.backfill, self.delivery.consent_import
        if not (backfill or imports_consent):
            return vendor
        from klavier.history import HistoryVendor  # noqa: PLC0415 -- few deliver history

        return HistoryVendor(vendor, backfill=backfill, imports_consent=imports_consent)

    def known_plugins(self) -> "Plugins":
        """Return the plugins that this configuration was checked against, else the installed ones."""
        from klavier.plugins import installed_plugins  # noqa: PLC0415 -- scanning entry points takes its time

        return installed_plugins() if self.plugins is None else self.plugins

    def keys_for(self, vendor: "Vendor") -> dict[str, str | None]:
        """Return `private_api_key` or `access_token`, and `public_api_key`; a vendor's own key has precedence."""
        found: dict[str, str | None] = {
            "private_api_key": self.klaviyo.private_api_key,
            "public_api_key": self.klaviyo.public_api_key,
        }
        for info in describe(type(vendor.settings)):
            if info.klaviyo in found and getattr(vendor.settings, info.name, None):
                found[info.klaviyo] = getattr(vendor.settings, info.name)
        token = self.klaviyo.access_token
        if token is not None and found["private_api_key"] in (None, token):
            return {**found, "private_api_key": None, "access_token": token}
        return {**found, "access_token": None}

    def has_key(self, vendor: "Vendor") -> bool:
        """Return whether a key is configured, without which Klaviyo takes none of a vendor's requests."""
        return any(self.keys_for(vendor).values())


def build(plugins: "Plugins", name: str, settings: Mapping[str, Any], klaviyo: KlaviyoSection) -> "Vendor":
    """Build a vendor from plain settings and an account; problems are named under `vendors.<name>`.

    An access token stands in for the private key, which vendors only check for: it is in no request that they make.
    """
    spec = plugins.vendor(name)
    private = klaviyo.private_api_key or klaviyo.access_token
    shared = {"private_api_key": private, "public_api_key": klaviyo.public_api_key}
    filled = fill_from_klaviyo(spec.settings, settings, shared)
    return bind(spec, structure(spec.settings, filled, f"vendors.{name}"))
