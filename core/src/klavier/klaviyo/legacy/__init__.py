"""Klaviyo's legacy calls (v1 and v2), each sayable on either wire.

Klaviyo shut these endpoints down on 30 June 2024.  Vendors that speak them build the call as they always did;
`say` sends it to the letter (wire `native`) or says the same on the newest revision (wire `current`).
"""

from klavier.klaviyo.legacy.calls import IdentifyCall, TrackCall
from klavier.klaviyo.legacy.lists import MemberCall, MembersCall, SubscribeCall
from klavier.klaviyo.legacy.said import Said
from klavier.klaviyo.legacy.say import LegacyCall, say

__all__ = ["IdentifyCall", "LegacyCall", "MemberCall", "MembersCall", "Said", "SubscribeCall", "TrackCall", "say"]
