"""Every body that vendors make of generated events is one that Klaviyo's published schemas take."""

import pytest
from hypothesis import given, settings

from klavier import Vendor, parse_event
from klavier.testing import Schemas, invariants
from klavier.testing.strategies import Payload
from klavier.testing.trace import record
from tests.support.holding import EXAMPLES, SINGLES, STREAMS, hold
from tests.support.schemas import shared_folder
from tests.support.setups import Setup, setups

_FOLDER = shared_folder()
SCHEMAS = None if _FOLDER is None else Schemas(_FOLDER / "klaviyo-schemas" / "strict")

pytestmark = pytest.mark.skipif(
    SCHEMAS is None, reason="Klaviyo's schemas are not beside this checkout (KLAVIER_SHARED)"
)


def judged(setup: Setup) -> bool:
    """Tell whether a vendor owes valid bodies: always on today's wire, and to its documents on its own."""
    choices = setup.choices
    return bool(choices["wire"] == "current" or choices["fidelity"] == "documented")


JUDGED = [setup for setup in setups() if judged(setup)]


@pytest.mark.parametrize("setup", JUDGED, ids=str)
def test_bodies_are_valid(setup: Setup) -> None:
    hold(setup, SINGLES, lambda vendor, events: invariants.check_sendable(vendor, events, SCHEMAS))


@pytest.mark.parametrize("setup", JUDGED, ids=str)
def test_bodies_of_several_events_are_valid(setup: Setup) -> None:
    hold(setup, STREAMS, lambda vendor, events: invariants.check_sendable(vendor, events, SCHEMAS))


@pytest.mark.parametrize("setup", JUDGED, ids=str)
def test_every_body_has_a_schema(setup: Setup) -> None:
    """Otherwise the tests above would hold for lack of anything to judge by."""

    @settings(max_examples=EXAMPLES)
    @given(setup.vendors(), STREAMS)
    def holds(vendor: Vendor, found: list[Payload]) -> None:
        assert SCHEMAS is not None
        for request in record(vendor, [parse_event(payload) for payload in found]).requests:
            if request.json is not None and request.revision is not None:
                assert SCHEMAS.knows(request), f"{request.method} {request.path} at {request.revision}"

    holds()
