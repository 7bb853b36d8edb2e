"""Build what a worker needs from a configuration: the connection to Klaviyo, the options, the retry policy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from attrs import evolve

from klavier.config.model import Config
from klavier.errors import ConfigError
from klavier.flows.drivers import AsyncSend, Connect
from klavier.retry import RetryPolicy
from klavier.vendor import Vendor
from klavier.worker.worker import WorkerOptions

if TYPE_CHECKING:
    from klavier.http.transport import HttpTransport

FEWEST_CALLS = WorkerOptions(combine=True, window=10_000, run=1000, linger=1.0)
"""How `bulk = "max"` works: a bulk request waits up to a second to be filled."""

_SLOW_ENDPOINTS = 3
"""How many endpoints may be slow at once, each with all of its requests in flight, until others wait for connections:
the sender counts no overdue request. Vendors use about as many endpoints that are not retired."""

_LEAST_WINDOW = 8
"""How many events are in flight for each connection: while some are sent, others are settled together, and others wait
for a connection. In virtual time, with replies after 50 ms on average, one takes 2.3 times the least time, two 1.2
times, and four as little as sixteen; eight leave room for a disk that is slow to settle."""


def make_connect(
    config: Config, vendor: Vendor | None = None, transport: "HttpTransport | None" = None, *, read_only: bool = False
) -> Connect:
    """Return what opens the transport to the account of a configuration; with `read_only` it only reads.

    The modules that send are imported here, in the caller's thread: a process that is forked while another thread
    imports them could never import them again.

    Raises `ConfigError` where no key is configured, and for a `transport` of another kind.
    """
    from klavier.http.transport import Transport, prepare  # noqa: PLC0415 -- a heavy import, made by those who send

    prepare(transport)
    vendor = config.build_vendor() if vendor is None else vendor
    if not config.has_key(vendor):
        raise ConfigError(['no key is configured: set klaviyo.private_api_key, such as "${KLAVIYO_PRIVATE_API_KEY}"'])
    keys = config.keys_for(vendor)

    @asynccontextmanager
    async def connect() -> AsyncIterator[AsyncSend]:
        section = config.klaviyo
        async with Transport(
            keys["private_api_key"],
            keys["public_api_key"],
            section.base_url,
            access_token=keys["access_token"],
            connect_timeout=section.connect_timeout,
            read_timeout=section.read_timeout,
            total_timeout=section.total_timeout,
            connections=config.delivery.connections * (1 + _SLOW_ENDPOINTS),
            proxy=section.proxy,
            verify=section.verify,
            transport=transport,
            read_only=read_only,
        ) as opened:
            yield opened.send

    return connect


def make_options(config: Config, vendor: Vendor) -> WorkerOptions:
    """Return the options of the worker that a configuration asks for."""
    delivery = config.delivery
    connections = delivery.connections
    if delivery.bulk == "max":
        return evolve(FEWEST_CALLS, connections=connections, batch=max(1, vendor.bulk_size), share=delivery.share)
    batch = delivery.batch_size or vendor.batch_size
    window = connections * max(_LEAST_WINDOW, 2 * batch)  # a batch may be one request; as many events wait meanwhile
    return WorkerOptions(connections=connections, window=window, batch=batch, share=delivery.share)


def make_policy(config: Config, own: RetryPolicy) -> RetryPolicy:
    """Return a vendor's retry policy, with what a configuration overrides."""
    section = config.delivery
    overrides: dict[str, Any] = {
        "tries": section.tries,
        "give_up": section.give_up,
        "first": section.first_delay,
        "longest": section.longest_delay,
    }
    return evolve(own, **{name: value for name, value in overrides.items() if value is not None})
