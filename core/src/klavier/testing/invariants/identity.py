"""Identified: every profile in a request can be found by an identifier of its event."""

from collections.abc import Collection, Sequence
from typing import Any

import attrs

from klavier.events.model import Event
from klavier.testing.derived_ids import is_hash_of
from klavier.testing.invariants.report import broken
from klavier.testing.profiles import profiles
from klavier.testing.provenance import Origins
from klavier.testing.trace import record
from klavier.vendor import Vendor

IDENTIFIED = "7 identified"


def check_identified(vendor: Vendor, events: Sequence[Event], constants: Collection[Any] = ()) -> None:
    """Check that every profile in a request has an identifier, and that all its identifiers come from its event.

    Ids may also come from a reply to the same delivery, or be hashes of the event's (masked ids). Exact
    deliveries (`Delivery.exact`) may repeat a vendor's fault of sending no identifier, but none of another profile.
    """
    for event in events:
        trace = record(vendor, [event])
        for found in trace.deliveries:
            replies = [exchange.response.json for exchange in found.exchanges]
            origins = Origins(event.payload, event.stable_id, attrs.asdict(vendor.settings), list(constants), replies)
            for request in found.requests:
                for profile in profiles(request):
                    if not profile and not found.delivery.exact:
                        raise broken(IDENTIFIED, "a profile without an identifier", vendor, [event], [request])
                    for name, value in profile.items():
                        if not origins.explain(value) and not is_hash_of(vendor, event, value, origins):
                            problem = f"the identifier {name} = {value!r} is not of this event"
                            raise broken(IDENTIFIED, problem, vendor, [event], [request])
