"""Hold a check for drawn settings and payloads."""

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from klavier import Event, Vendor, parse_event
from klavier.testing.strategies import Payload, payloads, stream_payloads
from tests.support.setups import Setup

EXAMPLES = max(settings().max_examples // 5, 1)
"""For each setup and promise: there are hundreds of pairs of these."""

SINGLES = st.lists(payloads(), min_size=1, max_size=3)
STREAMS = stream_payloads()


def hold(
    setup: Setup, given_payloads: SearchStrategy[list[Payload]], check: Callable[[Vendor, Sequence[Event]], None]
) -> None:
    """Run a check over drawn settings and payloads."""

    @settings(max_examples=EXAMPLES)
    @given(setup.vendors(), given_payloads)
    def holds(vendor: Vendor, found: list[Payload]) -> None:
        check(vendor, [parse_event(payload) for payload in found])

    holds()
