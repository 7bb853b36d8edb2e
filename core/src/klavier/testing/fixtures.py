"""pytest fixtures; the distribution registers them, so they are there without an import.

Needs the extra `testing`, and for the server also `server`. What they import is imported when a test asks for one.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klavier.sandbox import Sandbox
    from klavier.sandbox.server import SandboxServer


@pytest.fixture
def klavier_sandbox() -> "Sandbox":
    """Return an empty Klaviyo of this test's own; it takes any key, and makes the lists that it is told of."""
    from klavier.sandbox import Sandbox  # noqa: PLC0415 -- only tests that ask for it pay for it

    return Sandbox(None, None, unknown_lists="create")


@pytest.fixture
def klavier_hostile_sandbox(klavier_sandbox: "Sandbox") -> "Sandbox":
    """Return a Klaviyo where about every other call goes wrong: throttled, failing, lost before or after the work.

    The same calls go wrong in each run. A second try may go through: nothing fails for good.
    """
    from klavier.testing.hostile import make_hostile  # noqa: PLC0415 -- only tests that ask for it pay for it

    make_hostile(klavier_sandbox)
    return klavier_sandbox


@pytest.fixture
def klavier_sandbox_server(klavier_sandbox: "Sandbox") -> "Iterator[SandboxServer]":
    """Return that Klaviyo over HTTP, at `.url` on this machine; combine it with the hostile one if you like."""
    from klavier.sandbox.server import SandboxServer  # noqa: PLC0415 -- only tests that ask for it pay for it

    with SandboxServer(klavier_sandbox) as server:
        yield server
