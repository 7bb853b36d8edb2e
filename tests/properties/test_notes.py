"""Whatever a vendor leaves out of a delivered event is in its notes."""

from typing import Any

import pytest

from klavier import Event, Identify, Vendor
from klavier.events.model import Group
from klavier.jsvalues import parse_float
from klavier.testing.decoding import decode, leaves
from klavier.testing.provenance import Origins
from klavier.testing.trace import record
from klavier.values import misplaced_members
from tests.support.searching import SINGLES, on_events, search
from tests.support.setups import Setup, setups

CONTROLS = {"rudderstack": ("traits.properties",)}
"""Members that control a vendor instead of being sent: RudderStack's subscription."""


def check_left_out_is_noted(vendor: Vendor, events: list[Event]) -> None:
    """Every text and number of the traits or properties is in a request, in the documented exclusions or in a note."""
    for event in events:
        trace = record(vendor, [event])
        outcomes = [outcome for found in trace.deliveries for outcome in found.outcomes]
        if [outcome.kind for outcome in outcomes] != ["delivered"]:
            continue
        notes = " ".join((*outcomes[0].notes, *misplaced_members(event.payload, event.type)))
        sent = Origins(*map(decode, trace.requests), *trace.browser_calls)
        excluded = (*vendor.excludes(event), *CONTROLS.get(vendor.name, ()))
        section = "traits" if isinstance(event, (Identify, Group)) else "properties"
        for place, leaf in leaves(getattr(event, section, {}), section):
            if not leaf or isinstance(leaf, bool) or not isinstance(leaf, (str, int, float)):
                continue  # what stands in any request by chance cannot be traced
            names = [name for name in place.replace("[", ".").replace("]", "").split(".")[1:] if name]
            assert is_sent(sent, leaf) or is_excluded(place, excluded) or any(name in notes for name in names), (
                f"{place} = {leaf!r} is neither sent nor noted: {event.payload}"
            )


def is_sent(sent: Origins, leaf: Any) -> bool:
    """Return whether a value is sent, also as the number that a text such as `5 USD` has."""
    number = parse_float(leaf)
    return sent.explain(leaf) or (number is not None and sent.explain(number))


def is_excluded(place: str, excluded: tuple[str, ...]) -> bool:
    """Return whether a place, or one that it is in, is excluded; `traits.*` excludes all traits."""
    sections = [name.removesuffix("*") for name in excluded if name.endswith(".*")]
    return any(place == name or place.startswith((f"{name}.", f"{name}[")) for name in excluded) or any(
        place.startswith(section) for section in sections
    )


@pytest.mark.parametrize("setup", setups(), ids=str)
def test_what_is_left_out_is_noted(setup: Setup) -> None:
    search(setup, "noted", on_events(check_left_out_is_noted), SINGLES)
