"""Klaviyo's legacy calls (v1 and v2), each expressible on either wire.

Klaviyo shut these endpoints down on 30 June 2024.  Vendors that use them build the call as they always did;
`legacy_flow` sends it exactly (wire `native`) or translates it to the newest revision (wire `current`).
"""

from klavier.klaviyo.legacy.calls import IdentifyCall, TrackCall
from klavier.klaviyo.legacy.flow import LegacyCall, legacy_flow
from klavier.klaviyo.legacy.lists import MemberCall, MembersCall, SubscribeCall
from klavier.klaviyo.legacy.translation import Translation

__all__ = [
    "IdentifyCall",
    "LegacyCall",
    "MemberCall",
    "MembersCall",
    "SubscribeCall",
    "TrackCall",
    "Translation",
    "legacy_flow",
]
