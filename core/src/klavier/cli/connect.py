"""From a setup to something that sends: keys are checked first, then a connection is opened."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from klavier.cli.setup import KEYS, Setup
from klavier.cli.where import CONFIG_FILE
from klavier.errors import ConfigError
from klavier.flows.drivers import Send
from klavier.streams.patience import Patient
from klavier.worker.rate_limiter import RateLimiter


@contextmanager
def connect(setup: Setup, *, tries: int = 6, pacer: RateLimiter | None = None) -> Iterator[Send]:
    """Open a transport to the setup's Klaviyo, each request tried so often; raises `ConfigError` without any key."""
    keys = check_keys(setup)
    from klavier.http.sync_transport import SyncTransport  # noqa: PLC0415 -- loads an HTTP client

    klaviyo = setup.config.klaviyo
    with SyncTransport(
        keys["private_api_key"],
        keys["public_api_key"],
        klaviyo.base_url,
        connect_timeout=klaviyo.connect_timeout,
        read_timeout=klaviyo.read_timeout,
        total_timeout=klaviyo.total_timeout,
        connections=setup.config.delivery.connections,
        proxy=klaviyo.proxy,
        verify=klaviyo.verify,
    ) as transport:
        policy = setup.plugins.vendor(setup.vendor.name).retry
        patient = Patient(transport.send, pacer or RateLimiter(time.monotonic), policy=policy, tries=tries)
        try:
            yield patient.send
        finally:
            patient.end()


def check_keys(setup: Setup) -> dict[str, str | None]:
    """Give the keys for the setup's vendor; raises `ConfigError` where there is none at all."""
    keys = setup.config.keys_for(setup.vendor)
    if not any(keys.values()):
        raise ConfigError(
            f"no key is given; set private_api_key under [klaviyo] in {CONFIG_FILE}, "
            f"or the environment variable {KEYS['private_api_key']}"
        )
    return keys
