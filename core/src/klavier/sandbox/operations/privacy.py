"""Deleting people."""

from klavier.sandbox.exchange import ACCEPTED, Exchange, Reply


def request_profile_deletion(exchange: Exchange) -> Reply:
    """POST /api/data-privacy-deletion-jobs; accepted for unknown people too."""
    attributes, profiles = exchange.attributes, exchange.account.profiles
    if exchange.rules.has("profiles in jobs"):
        data = attributes["profile"]["data"]
        found, known = data.get("id"), data["attributes"]
    else:
        found, known = attributes.get("profile_id"), attributes
    profile = profiles.by_id.get(found) if found else None
    for kind in ("email", "phone_number"):
        if known.get(kind):
            profile = profiles.owner(kind, known[kind])
    if profile is not None:
        profiles.delete(profile)
    return ACCEPTED
