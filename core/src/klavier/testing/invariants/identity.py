"""Identified: whoever is spoken of can be found."""

from collections.abc import Collection, Sequence
from typing import Any

import attrs

from klavier.events.model import Event
from klavier.testing.invariants.report import broken
from klavier.testing.origins import Origins
from klavier.testing.profiles import profiles
from klavier.testing.trace import record
from klavier.vendor import Vendor

IDENTIFIED = "7 identified"


def check_identified(vendor: Vendor, events: Sequence[Event], constants: Collection[Any] = ()) -> None:
    """Every profile in a request carries an identifier, and all its identifiers come from its event.

    Ids may also come from a reply to the same delivery.  Deliveries to the letter (`Delivery.exact`) may repeat a
    vendor's fault of sending nobody's events, but not somebody else's.
    """
    for event in events:
        trace = record(vendor, [event])
        for found in trace.deliveries:
            replies = [exchange.response.json for exchange in found.exchanges]
            origins = Origins(event.payload, event.stable_id, attrs.asdict(vendor.settings), list(constants), replies)
            for request in found.requests:
                for profile in profiles(request):
                    problem = _problem(profile, origins, exact=found.delivery.exact)
                    if problem:
                        raise broken(IDENTIFIED, problem, vendor, [event], [request])


def _problem(profile: dict[str, Any], origins: Origins, *, exact: bool) -> str:
    if not profile and not exact:
        return "a profile without an identifier"
    for name, value in profile.items():
        if not origins.explain(value):
            return f"the identifier {name} = {value!r} is not of this event"
    return ""
