"""Open a relay from a configuration file."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import evolve

from klavier.config.load import load_config
from klavier.config.model import Config
from klavier.events.model import Event
from klavier.flows.drivers import AsyncSend, Connect
from klavier.outbox import Entry, Outbox, SqliteOutbox
from klavier.outcome import Outcome
from klavier.plugins import Plugins
from klavier.relay.async_relay import AsyncRelay
from klavier.relay.relay import Relay
from klavier.retry import RetryPolicy
from klavier.vendor import Vendor
from klavier.worker.leased_worker import RelayConfig
from klavier.worker.worker import Pace

OnOutcome = Callable[[Event | None, Outcome], None]
"""Sees each event's final outcome; the event is None where its payload could not be read."""

FEWEST_CALLS = Pace(combine=True, window=10_000, run=1000, linger=1.0)
"""How `bulk = "max"` works: a body waits up to a second to be filled."""


def open(  # noqa: A001 -- klavier.open reads as it should
    path: str | os.PathLike[str] = "klavier.toml",
    *,
    on_outcome: OnOutcome | None = None,
    environ: Mapping[str, str] | None = None,
    connect: Connect | None = None,
) -> Relay:
    """Open a relay as a configuration file says.

    `on_outcome` is called with each event and its final outcome, in the thread that delivers.  `connect` takes the
    place of the transport, such as a sandbox in tests.  Raises `ConfigError` for what is wrong in the file,
    `OutboxError` where the outbox cannot be opened.
    """
    config = load_config(path, environ=environ)
    return Relay(make_relay_config(config, Path(path).parent, on_outcome), connect or make_connect(config))


@asynccontextmanager
async def aopen(
    path: str | os.PathLike[str] = "klavier.toml",
    *,
    on_outcome: OnOutcome | None = None,
    environ: Mapping[str, str] | None = None,
    connect: Connect | None = None,
) -> AsyncIterator[AsyncRelay]:
    """Open a relay for asynchronous programs; the arguments are those of `open`.  At the end it flushes and closes."""
    config = load_config(path, environ=environ)
    parts = make_relay_config(config, Path(path).parent, on_outcome)
    async with AsyncRelay(parts, connect or make_connect(config)) as relay:
        yield relay


def make_connect(config: Config, vendor: Vendor | None = None) -> Connect:
    """Give what opens the transport to the account of a configuration."""
    keys = config.keys_for(vendor or config.build_vendor())

    @asynccontextmanager
    async def connect() -> AsyncIterator[AsyncSend]:
        from klavier.http.transport import Transport  # noqa: PLC0415 -- a heavy import, made by those who send

        section = config.klaviyo
        async with Transport(
            keys["private_api_key"],
            keys["public_api_key"],
            section.base_url,
            connect_timeout=section.connect_timeout,
            read_timeout=section.read_timeout,
            total_timeout=section.total_timeout,
            connections=config.delivery.connections,
            proxy=section.proxy,
            verify=section.verify,
        ) as transport:
            yield transport.send

    return connect


def make_pace(config: Config, vendor: Vendor) -> Pace:
    """Give the pace that a configuration asks for."""
    delivery = config.delivery
    connections = delivery.connections
    if delivery.bulk == "max":
        return evolve(FEWEST_CALLS, connections=connections, batch=max(1, vendor.bulk_size))
    batch = delivery.batch_size or vendor.batch_size
    # While some are sent, others are written down together, and others wait for a connection.
    return Pace(connections=connections, window=connections * max(8, 2 * batch), batch=batch)


def make_policy(config: Config, own: RetryPolicy) -> RetryPolicy:
    """Give a vendor's policy of trying again, with what a configuration says instead."""
    said = config.delivery
    return evolve(
        own,
        tries=own.tries if said.tries is None else said.tries,
        give_up=own.give_up if said.give_up is None else said.give_up,
        first=own.first if said.first_delay is None else said.first_delay,
        longest=own.longest if said.longest_delay is None else said.longest_delay,
    )


def open_outbox(config: Config, folder: Path) -> Outbox:
    """Open the outbox that a configuration names; a relative path starts in `folder`."""
    name = config.delivery.outbox
    return SqliteOutbox() if name == "memory" else SqliteOutbox(folder / name)


def make_relay_config(config: Config, folder: Path, on_outcome: OnOutcome | None = None) -> RelayConfig:
    """Make what a relay is made of, its outbox opened; a relative path starts in `folder`."""
    vendor = config.build_vendor()
    plugins = config.known_plugins()
    return RelayConfig(
        vendor=vendor,
        plugins=plugins,
        outbox=open_outbox(config, folder),
        pace=make_pace(config, vendor),
        policy=make_policy(config, plugins.vendor(vendor.name).retry),
        observe=_observer(plugins, vendor.name, on_outcome),
    )


def _observer(plugins: Plugins, vendor: str, on_outcome: OnOutcome | None) -> Any:
    def observe(event: Event | None, _entry: Entry, outcome: Outcome) -> None:
        if event is not None:
            plugins.observe(event, vendor, outcome)
        if on_outcome is not None:
            on_outcome(event, outcome)

    return observe
