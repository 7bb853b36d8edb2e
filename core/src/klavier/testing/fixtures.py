"""pytest fixtures; the distribution registers them, so they are there without an import.

Needs the extra `testing`, and for the server also `server`. What they import is imported when a test asks for one.
"""

from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klavier.relay.relay import Relay
    from klavier.sandbox import Sandbox
    from klavier.sandbox.server import SandboxServer


@pytest.fixture
def klaviyo_sandbox() -> "Sandbox":
    """Return an empty Klaviyo account for one test; it accepts any key, and creates the lists that calls name."""
    from klavier.sandbox import Sandbox  # noqa: PLC0415 -- only tests that ask for it pay for it

    return Sandbox(None, None, access_token=None, unknown_lists="create")


@pytest.fixture
def klaviyo_hostile_sandbox(klaviyo_sandbox: "Sandbox") -> "Sandbox":
    """Return the same account with faults in about every other call: throttled, failing, lost before or after the work.

    The same calls fail in each run. A retry can succeed: nothing fails for good.
    """
    from klavier.testing.hostile import make_hostile  # noqa: PLC0415 -- only tests that ask for it pay for it

    make_hostile(klaviyo_sandbox)
    return klaviyo_sandbox


@pytest.fixture
def klaviyo_sandbox_server(klaviyo_sandbox: "Sandbox") -> "Iterator[SandboxServer]":
    """Return the same account over HTTP, at `.url` on this machine; with faults where the hostile one is used too."""
    from klavier.sandbox.server import SandboxServer  # noqa: PLC0415 -- only tests that ask for it pay for it

    with SandboxServer(klaviyo_sandbox) as server:
        yield server


@pytest.fixture
def klavier_config() -> Any:
    """Return the configuration of `klavier_relay`: a path, a mapping, or None for the project's own.

    Override it in a `conftest.py`.  The project's own is the file that `KLAVIER_CONFIG` names, else `klavier.toml`.
    """
    return None


@pytest.fixture
def klavier_relay(klavier_config: Any, klaviyo_sandbox: "Sandbox") -> "Iterator[Relay]":
    """Return a relay that delivers to `klaviyo_sandbox`, with its outbox in memory; it is closed after the test."""
    import klavier  # noqa: PLC0415 -- only tests that ask for it pay for it

    config = klavier.load_config(klavier_config)
    config = evolve(config, delivery=evolve(config.delivery, outbox="memory"))
    with klavier.open(config, transport=klaviyo_sandbox.transport()) as relay:
        yield relay
