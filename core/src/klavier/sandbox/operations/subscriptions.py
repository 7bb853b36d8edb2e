"""Consent: subscribing, the double opt-in, unsubscribing."""

from typing import Any

from klavier.sandbox.account import Account
from klavier.sandbox.bodies.consent import consents
from klavier.sandbox.bodies.identity import is_phone
from klavier.sandbox.exchange import ACCEPTED, Exchange, Reply
from klavier.sandbox.lists import List
from klavier.sandbox.operations.lists import known_list
from klavier.sandbox.patches import usable
from klavier.sandbox.profile import Consent, Profile
from klavier.sandbox.profiles import identifiers_in
from klavier.sandbox.refused import RefusedError
from klavier.sandbox.times import read_time

LIFTED = ("UNSUBSCRIBE", "SPAM_REPORT", "USER_SUPPRESSED")
"""The suppressions that a subscription lifts."""

Granted = dict[tuple[str, str], Consent]


def bulk_subscribe_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-subscription-bulk-create-jobs; the list's opt-in process decides, else the account's."""
    if not exchange.rules.has("profiles in jobs"):
        return _old_subscribe(exchange)
    job = exchange.attributes
    found = list_in(exchange)
    historical = job.get("historical_import") is True
    rows = job["profiles"]["data"]
    granted = [_granted(exchange, row["attributes"], job, index) for index, row in enumerate(rows)]
    _refuse_unknown(exchange, rows)
    for row, consent in zip(rows, granted, strict=True):
        attributes = row["attributes"]
        profile = exchange.account.profiles.by_id.get(row.get("id") or "") or _named(exchange, attributes)
        subscribe(exchange, profile, found, consent, at_once=historical)
        for token in ((attributes.get("subscriptions") or {}).get("push") or {}).get("tokens") or []:
            profile.tokens[token["token"]] = token["platform"]
    return ACCEPTED


def list_in(exchange: Exchange) -> List | None:
    """Give the list that the call's relationships name."""
    data = ((exchange.data.get("relationships") or {}).get("list") or {}).get("data")
    return known_list(exchange, data["id"], "/data/relationships/list/data/id") if data else None


def _refuse_unknown(exchange: Exchange, rows: list[dict[str, Any]]) -> None:
    """Refuse the call for a profile id that nobody has, before anything is written."""
    for index, row in enumerate(rows):
        if row.get("id") and row["id"] not in exchange.account.profiles.by_id:
            place = f"/data/attributes/profiles/data/{index}/id"
            raise RefusedError(400, f"A profile with id {row['id']} does not exist.", pointer=place)


def _named(exchange: Exchange, attributes: dict[str, Any]) -> Profile:
    """Find or make the profile that the identifiers name; an identifier without a channel is only stored."""
    known = identifiers_in(usable(attributes, exchange.partial))
    device = ((attributes.get("subscriptions") or {}).get("push") or {}).get("anonymous_id")
    if device:
        known["anonymous_id"] = device
    return exchange.account.profiles.attribute(known, exchange.now, change=False)


def _granted(exchange: Exchange, attributes: dict[str, Any], job: dict[str, Any], index: int) -> Granted:
    source, now = job.get("custom_source"), int(exchange.now)
    given = attributes.get("subscriptions")
    if given is None:  # until 2025-01-15 the identifiers then named the channels
        return _by_identifier(attributes, source, now)
    granted: Granted = {}
    reachable = is_phone(attributes.get("phone_number") or "+10")
    for channel, kind, consent in consents(given):
        if channel in ("sms", "whatsapp") and not reachable:
            continue  # the number is dropped, see X-Klaviyo-Partial-Failure
        since = None
        if consent.get("consented_at") is not None:
            since = read_time(consent["consented_at"])
            if since is None or since > exchange.now:
                place = f"/data/attributes/profiles/data/{index}/attributes/subscriptions/{channel}/{kind}/consented_at"
                raise RefusedError(400, "Invalid consented_at: must be a time in the past.", pointer=place)
        granted[channel, kind] = Consent("SUBSCRIBED", now, since, source)
    return granted


def _by_identifier(attributes: dict[str, Any], source: str | None, now: int) -> Granted:
    channels = [c for c, kind in (("email", "email"), ("sms", "phone_number")) if attributes.get(kind)]
    return {(channel, "marketing"): Consent("SUBSCRIBED", now, None, source) for channel in channels}


def subscribe(
    exchange: Exchange, profile: Profile, found: List | None, granted: Granted, *, at_once: bool = False
) -> bool:
    """Grant consents at once, or hold them until they are confirmed; tells whether they hold."""
    opt_in = found.opt_in_process if found else exchange.account.opt_in
    if at_once or opt_in == "single_opt_in":
        _grant(profile, granted)
        if found:
            profile.lists.setdefault(found.id, int(exchange.now))
        return True
    for (channel, kind), consent in granted.items():
        already = profile.consents.get((channel, kind))
        joined = found is None or found.id in profile.lists
        if not (already and already.consent == "SUBSCRIBED" and joined):
            profile.pending.setdefault((found.id if found else None, channel, kind), consent)
    return False


def _grant(profile: Profile, granted: Granted) -> None:
    for key, consent in granted.items():
        held = profile.consents.get(key)
        if held is None or held.consent != "SUBSCRIBED" or held.since != consent.since or held.source != consent.source:
            profile.consents[key] = consent
    if ("email", "marketing") in granted:
        for reason in LIFTED:
            profile.suppressions.pop(reason, None)


def confirm(account: Account, profile: Profile) -> int:
    """Act as the person who clicks every confirmation link; gives how many consents that made."""
    waiting, profile.pending = profile.pending, {}
    for (list_id, channel, kind), consent in waiting.items():
        _grant(profile, {(channel, kind): consent})
        if list_id is not None:
            profile.lists.setdefault(list_id, int(account.clock.time()))
    return len(waiting)


def bulk_unsubscribe_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-subscription-bulk-delete-jobs."""
    found = list_in(exchange)
    for row in exchange.attributes["profiles"]["data"]:
        attributes = row["attributes"]
        given = attributes.get("subscriptions")
        revoked = (
            {(channel, kind) for channel, kind, _ in consents(given)}
            if given is not None
            else set(_by_identifier(attributes, None, 0))
        )
        unsubscribe(exchange, _named(exchange, attributes), found, revoked)
    return ACCEPTED


def unsubscribe(exchange: Exchange, profile: Profile, found: List | None, revoked: set[tuple[str, str]]) -> None:
    """Take a profile off a list; one that is not on it, or no list at all, means everywhere."""
    for waiting in [key for key in profile.pending if found is None or key[0] == found.id]:
        if waiting[1:] in revoked:
            profile.pending.pop(waiting)
    if found is not None and found.id in profile.lists:
        profile.lists.pop(found.id)
        profile.left.setdefault(found.id)
        return
    for key in revoked:
        held = profile.consents.get(key)
        if held is None or held.consent != "UNSUBSCRIBED":
            profile.consents[key] = Consent("UNSUBSCRIBED", int(exchange.now))
    if ("email", "marketing") in revoked:
        profile.suppressions.setdefault("UNSUBSCRIBE")


def _old_subscribe(exchange: Exchange) -> Reply:
    """Do what revision 2023-02-22 asks for: one list, a flat list of subscriptions."""
    job = exchange.attributes
    found = known_list(exchange, job["list_id"], "/data/attributes/list_id")
    for index, row in enumerate(job["subscriptions"]):
        if row.get("profile_id") and row["profile_id"] not in exchange.account.profiles.by_id:
            place = f"/data/attributes/subscriptions/{index}/profile_id"
            raise RefusedError(400, f"A profile with id {row['profile_id']} does not exist.", pointer=place)
    for row in job["subscriptions"]:
        channels = row.get("channels")
        now, source = int(exchange.now), job.get("custom_source")
        granted = (
            {(c, "marketing"): Consent("SUBSCRIBED", now, None, source) for c, kinds in channels.items() if kinds}
            if channels is not None
            else _by_identifier(row, source, now)
        )
        profile = exchange.account.profiles.by_id.get(row.get("profile_id", ""))
        subscribe(exchange, profile or _named(exchange, row), found, granted)
    return ACCEPTED


def old_unsubscribe_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-unsubscription-bulk-create-jobs, until 2023-07-15."""
    job = exchange.attributes
    list_id = job.get("list_id")
    found = known_list(exchange, list_id, "/data/attributes/list_id") if list_id else None
    rows = [{"email": address} for address in job.get("emails", [])]
    rows += [{"phone_number": phone} for phone in job.get("phone_numbers", [])]
    for row in rows:
        unsubscribe(exchange, _named(exchange, row), found, set(_by_identifier(row, None, 0)))
    return ACCEPTED
