"""Hold a check for drawn settings and payloads."""

import zlib
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from klavier import Event, Vendor, parse_event
from klavier.testing.strategies import Payload, payloads, stream_payloads
from tests.support.setups import Setup

EXAMPLES = max(settings().max_examples // 8, 1)
"""For each setup and promise: there are hundreds of pairs of these."""

SINGLES = st.lists(payloads(), min_size=1, max_size=3)
STREAMS = stream_payloads()


def search(setup: Setup, promise: str, check: Callable[..., None], *strategies: SearchStrategy[Any]) -> None:
    """Run a check over drawn settings and whatever else is drawn.

    A search that is the same each time has examples of its own for each setup and promise: together they are many.
    """
    test = settings(max_examples=EXAMPLES)(given(setup.vendors(), *strategies)(check))
    if settings().derandomize:
        test = seed(zlib.crc32(f"{setup} {promise}".encode()))(test)
    test()


def hold(
    setup: Setup, promise: str, check: Callable[[Vendor, Sequence[Event]], None], *, of: SearchStrategy[list[Payload]]
) -> None:
    """Run a check over drawn settings and events."""

    def holds(vendor: Vendor, found: list[Payload]) -> None:
        check(vendor, [parse_event(payload) for payload in found])

    search(setup, promise, holds, of)
