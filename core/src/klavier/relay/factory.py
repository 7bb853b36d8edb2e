"""Open relays, and what they are made of, from a configuration."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from attrs import evolve

from klavier.config.load import Source, load_config
from klavier.config.model import Config
from klavier.errors import ConfigError
from klavier.events.model import Event
from klavier.outbox import Entry, Outbox, SqliteOutbox
from klavier.outbox.database import IN_MEMORY
from klavier.outcome import Outcome
from klavier.plugins import Plugins
from klavier.relay.async_relay import AsyncRelay
from klavier.relay.base import OnError
from klavier.relay.relay import Relay
from klavier.strictjson import kind_of
from klavier.worker.factory import make_connect, make_options, make_policy
from klavier.worker.leased_worker import RelayConfig

if TYPE_CHECKING:
    from klavier.http.transport import HttpTransport

_DAY = 86_400.0

OnOutcome = Callable[[Event | None, Outcome], None]
"""Sees each event's final outcome; the event is None where its payload could not be read."""


def open(  # noqa: A001 -- klavier.open reads as it should
    config: Source = None,
    *,
    on_outcome: OnOutcome | None = None,
    on_error: OnError | None = None,
    environ: Mapping[str, str] | None = None,
    transport: "HttpTransport | None" = None,
) -> Relay:
    """Open a relay.

    `config` is the path of a TOML file, a mapping with the same content, or a `Config`; without it, the file that
    `KLAVIER_CONFIG` names, else `klavier.toml`.  `on_outcome` is called with each event and its final outcome, in the
    thread that delivers.  `on_error` is called with the error of events that could not be accepted and these events, in
    place of raising it: no call raises `EventError`, `OutboxError` or `RelayClosedError` then; `"log"` logs the error,
    without the events.  `environ` takes the place of the process environment.  `transport` is an
    `httpx.AsyncBaseTransport` or `httpx.AsyncClient` to send through: a proxy, other certificates, a sandbox in tests;
    it is not closed here.

    Raises `ConfigError` for what is wrong in the configuration, `OutboxError` where the outbox cannot be opened.
    """
    _check_callbacks(on_outcome, on_error)
    found = load_config(config, environ=environ)
    connect = make_connect(found, transport=transport)  # which may raise, before the outbox is opened
    return Relay(make_relay_config(found, on_outcome), connect, on_error)


@asynccontextmanager
async def aopen(
    config: Source = None,
    *,
    on_outcome: OnOutcome | None = None,
    on_error: OnError | None = None,
    environ: Mapping[str, str] | None = None,
    transport: "HttpTransport | None" = None,
) -> AsyncIterator[AsyncRelay]:
    """Open a relay for asynchronous programs; the arguments are those of `open`.  At the end it flushes and closes."""
    _check_callbacks(on_outcome, on_error)
    found = load_config(config, environ=environ)
    connect = make_connect(found, transport=transport)  # as above
    async with AsyncRelay(make_relay_config(found, on_outcome), connect, on_error) as relay:
        yield relay


def _check_callbacks(on_outcome: object, on_error: object) -> None:
    """Raise `ConfigError` for what cannot be called: it would be noticed with the first event that is lost."""
    if on_outcome is not None and not callable(on_outcome):
        raise ConfigError(f"on_outcome: must be a function of an event and its outcome, not {kind_of(on_outcome)}")
    if on_error is not None and on_error != "log" and not callable(on_error):
        raise ConfigError(f"on_error: must be a function of an error and its events, or 'log', not {kind_of(on_error)}")


def open_outbox(config: Config) -> Outbox:
    """Open the outbox that a configuration names; a URL is opened by a plugin."""
    section = config.delivery
    age = None if section.dead_letter_days is None else section.dead_letter_days * _DAY
    if "://" in section.outbox:
        return config.known_plugins().open_outbox(section.outbox, section.max_bytes, age)
    path = IN_MEMORY if section.outbox == "memory" else config.folder / section.outbox
    return SqliteOutbox(path, max_bytes=section.max_bytes, dead_letter_age=age)


def make_relay_config(config: Config, on_outcome: OnOutcome | None = None) -> RelayConfig:
    """Return what a relay is made of, its outbox opened."""
    vendor = config.build_vendor()
    plugins = config.known_plugins()
    return RelayConfig(
        vendor=vendor,
        plugins=plugins,
        outbox=open_outbox(config),
        options=evolve(make_options(config, vendor), reorder_window=_reorder_window(config)),
        policy=make_policy(config, plugins.vendor(vendor.name).retry),
        observe=_observer(plugins, vendor.name, on_outcome),
    )


def _reorder_window(config: Config) -> float:
    """Return how long events of an outbox wait for earlier ones: not at all where no gateway accepts any."""
    return config.gateway.reorder_window if config.gateway.sources else 0.0


def _observer(plugins: Plugins, vendor: str, on_outcome: OnOutcome | None) -> Any:
    def observe(event: Event | None, entry: Entry, outcome: Outcome) -> None:
        if event is not None:
            plugins.observe(event, vendor, outcome, entry.accepted)
        if on_outcome is not None:
            on_outcome(event, outcome)

    return observe
