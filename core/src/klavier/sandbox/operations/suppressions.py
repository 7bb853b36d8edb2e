"""Suppressions: no e-mail, whatever was consented to."""

from collections.abc import Iterable

from klavier.sandbox.exchange import ACCEPTED, Exchange, Reply
from klavier.sandbox.operations.lists import known_list
from klavier.sandbox.profile import Profile

_REASON = "USER_SUPPRESSED"


def bulk_suppress_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-suppression-bulk-create-jobs."""
    for profile in _profiles(exchange):
        profile.suppressions.setdefault(_REASON)
    return ACCEPTED


def bulk_unsuppress_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-suppression-bulk-delete-jobs; lifts what the account's own users suppressed."""
    for profile in _profiles(exchange):
        profile.suppressions.pop(_REASON, None)
    return ACCEPTED


def _profiles(exchange: Exchange) -> Iterable[Profile]:
    attributes, profiles = exchange.attributes, exchange.account.profiles
    listed = ((exchange.data.get("relationships") or {}).get("list") or {}).get("data")
    if listed:
        found = known_list(exchange, listed["id"], "/data/relationships/list/data/id")
        return [profile for profile in profiles if found.id in profile.lists]
    rows = (attributes.get("profiles") or {}).get("data") or []
    addresses = [row["attributes"]["email"] for row in rows] + [
        row["email"] for row in attributes.get("suppressions", [])
    ]
    return [profiles.attribute({"email": address.lower()}, exchange.now, change=False) for address in addresses]
