"""Every body that vendors make of generated events is one that Klaviyo's published schemas take."""

from collections.abc import Sequence

import pytest
from hypothesis import strategies as st

from klavier import Event, Vendor
from klavier.testing import Schemas, invariants
from klavier.testing.trace import record
from tests.support.schemas import shared_folder
from tests.support.searching import SINGLES, STREAMS, on_events, search
from tests.support.setups import Setup, setups

_FOLDER = shared_folder()
SCHEMAS = None if _FOLDER is None else Schemas(_FOLDER / "klaviyo-schemas" / "strict")

pytestmark = pytest.mark.skipif(
    SCHEMAS is None, reason="Klaviyo's schemas are not beside this checkout (KLAVIER_SHARED)"
)


def judged(setup: Setup) -> bool:
    """Return whether a vendor owes valid bodies: always on today's wire, and to its documents on its own."""
    choices = setup.choices
    return bool(choices["wire"] == "current" or choices["fidelity"] == "documented")


JUDGED = [setup for setup in setups() if judged(setup)]


@pytest.mark.parametrize("setup", JUDGED, ids=str)
def test_bodies_are_valid(setup: Setup) -> None:
    def holds(vendor: Vendor, events: Sequence[Event]) -> None:
        invariants.check_sendable(vendor, events, SCHEMAS)

    search(setup, "valid", on_events(holds), st.one_of(SINGLES, STREAMS))


@pytest.mark.parametrize("setup", JUDGED, ids=str)
def test_every_body_has_a_schema(setup: Setup) -> None:
    """Otherwise the test above would hold for lack of anything to judge by."""

    def holds(vendor: Vendor, events: Sequence[Event]) -> None:
        assert SCHEMAS is not None
        for request in record(vendor, events).requests:
            if request.json is not None and request.revision is not None:
                assert SCHEMAS.has_schema(request), f"{request.method} {request.path} at {request.revision}"

    search(setup, "judged", on_events(holds), STREAMS)
