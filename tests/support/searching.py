"""Search for settings and events that break a check, with hypothesis."""

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
"""Examples for each setup and check: there are hundreds of pairs of these."""

SINGLES = st.lists(payloads(), min_size=1, max_size=3)
STREAMS = stream_payloads()


def search(
    setup: Setup,
    name: str,
    check: Callable[..., None],
    *strategies: SearchStrategy[Any],
    first: SearchStrategy[Any] | None = None,
) -> None:
    """Run a check over vendors with drawn settings, or the values of `first`, and over the values of `strategies`.

    A derandomized search has examples of its own for each setup and `name`: together they are many.
    """

    def holds(vendor: Vendor, drawn: tuple[Any, ...]) -> None:  # hypothesis takes no function with defaults or varargs
        check(vendor, *drawn)

    vendors = setup.vendors() if first is None else first
    test = settings(max_examples=EXAMPLES)(given(vendors, st.tuples(*strategies))(holds))
    if settings().derandomize:
        test = seed(zlib.crc32(f"{setup} {name}".encode()))(test)
    test()


def on_events(check: Callable[..., None]) -> Callable[..., None]:
    """Return the check of events as a check of payloads; other drawn values are passed on."""

    def check_payloads(vendor: Vendor, drawn: list[Payload], *others: Any) -> None:
        events: Sequence[Event] = [parse_event(payload) for payload in drawn]
        check(vendor, events, *others)

    return check_payloads
