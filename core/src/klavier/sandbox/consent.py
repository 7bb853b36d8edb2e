"""Grant and withdraw consents: opt-in processes, list memberships, suppressions, Klaviyo's own metrics.

Source: Klaviyo's guide to collecting consent, its references of bulk subscribe and bulk unsubscribe profiles, and its
help pages on suppressed profiles and on the account's setting of global unsubscribes.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from klavier.klaviyo.attributes import CHANNEL_IDENTIFIERS
from klavier.sandbox.account import Account, List
from klavier.sandbox.profile import Consent, Event, Profile
from klavier.sandbox.profile_schema import is_phone
from klavier.sandbox.times import read_time

LIFTED = ("UNSUBSCRIBE", "SPAM_REPORT", "USER_SUPPRESSED")
"""The suppressions that a subscription lifts."""

SINCE_1990 = 631_152_000
"""1990-01-01: earlier times of consent become this one."""

Key = tuple[str, str]
"""A channel and a kind of consent, such as `("email", "marketing")`."""
Granted = Mapping[Key, Consent]

_OWN_METRICS: Mapping[Key, tuple[str, str]] = {
    ("email", "marketing"): ("Subscribed to Email Marketing", "Unsubscribed from Email Marketing"),
    ("sms", "marketing"): ("Subscribed to SMS Marketing", "Unsubscribed from SMS Marketing"),
}
"""The metrics that Klaviyo records when a consent is given, and when it is withdrawn."""


def consents_in(subscriptions: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each consent in a `subscriptions` object that passed its check: channel, kind, consent."""
    for channel, kinds in (subscriptions or {}).items():
        if isinstance(kinds, list):  # ["MARKETING"], until 2023-10-15
            if kinds:
                yield channel, "marketing", {"consent": "SUBSCRIBED"}
            continue
        for kind, consent in (kinds or {}).items():
            if isinstance(consent, dict):
                yield channel, kind, consent


def is_dropped(channel: str, attributes: Mapping[str, Any]) -> bool:
    """Return whether a channel's consent is lost with the invalid phone number of a call, see `usable`."""
    phone = attributes.get("phone_number")
    return CHANNEL_IDENTIFIERS.get(channel) == "phone_number" and phone is not None and not is_phone(phone)


def keys_by_identifier(attributes: Mapping[str, Any]) -> list[Key]:
    """Return the consents that a call without `subscriptions` names by its identifiers, as old revisions did."""
    return [
        (channel, "marketing")
        for channel in ("email", "sms")
        if attributes.get(CHANNEL_IDENTIFIERS[channel]) and not is_dropped(channel, attributes)
    ]


def read_consent_time(text: str) -> int | None:
    """Read `consented_at` in seconds, at the earliest 1990; None for what is no time."""
    time = read_time(text)
    return None if time is None else max(time, SINCE_1990)


def is_immediate(account: Account, found: List | None, *, is_historical: bool = False) -> bool:
    """Return whether a subscription holds at once: the list's opt-in process decides, else the account's."""
    return is_historical or (found.opt_in_process if found else account.opt_in) == "single_opt_in"


def subscribe(
    account: Account, profile: Profile, found: List | None, granted: Granted, *, is_historical: bool = False
) -> bool:
    """Grant consents, or keep them until they are confirmed; return whether they hold."""
    if is_immediate(account, found, is_historical=is_historical):
        _grant(account, profile, found, granted)
        return True
    for key, consent in granted.items():
        held = profile.consents.get(key)
        has_joined = found is None or found.id in profile.lists
        if not (held and held.consent == "SUBSCRIBED" and has_joined):
            profile.pending.setdefault((found.id if found else None, *key), consent)
    return False


def confirm(account: Account, profile: Profile) -> int:
    """Act as the subscriber who clicks every confirmation link; return the number of consents given."""
    waiting, profile.pending = profile.pending, {}
    now = int(account.clock.time())
    if profile.is_unconfirmed and waiting:
        profile.is_unconfirmed, profile.created = False, now
    for (list_id, channel, kind), consent in waiting.items():
        consent.double_optin, consent.changed = True, now
        _grant(account, profile, account.lists.get(list_id or ""), {(channel, kind): consent})
    return len(waiting)


def unsubscribe(account: Account, profile: Profile, found: List | None, revoked: Collection[Key]) -> None:
    """Withdraw consents, from one list or everywhere, and take the profile off the list.

    The account's setting decides whether leaving a list withdraws the consent to e-mail everywhere; a profile that is
    not on the list always withdraws it everywhere.  SMS has no opt-out of a single list.
    """
    now = int(account.clock.time())
    for waiting in [key for key in profile.pending if found is None or key[0] == found.id]:
        if waiting[1:] in revoked:
            profile.pending.pop(waiting)
    is_member = found is not None and profile.lists.pop(found.id, None) is not None
    if found is not None and is_member:
        _record_own(account, profile, "Unsubscribed from List", {"List": found.name})
    for key in sorted(revoked):
        if found is not None and is_member and key[0] == "email" and not account.global_unsubscribe:
            profile.list_suppressions.setdefault(found.id, now)
            continue
        held = profile.consents.get(key)
        if held is None or held.consent != "UNSUBSCRIBED":
            profile.consents[key] = Consent("UNSUBSCRIBED", now)
            if key in _OWN_METRICS:
                _record_own(account, profile, _OWN_METRICS[key][1])
        if key == ("email", "marketing"):
            profile.suppressions.setdefault("UNSUBSCRIBE", now)


def _grant(account: Account, profile: Profile, found: List | None, granted: Granted) -> None:
    for key, consent in granted.items():
        held = profile.consents.get(key)
        is_new = held is None or held.consent != "SUBSCRIBED"
        if held is None or is_new or held.since != consent.since or held.source != consent.source:
            profile.consents[key] = consent
        if is_new and key in _OWN_METRICS:
            _record_own(account, profile, _OWN_METRICS[key][0])
    if ("email", "marketing") in granted:
        for reason in LIFTED:
            profile.suppressions.pop(reason, None)
        if found is not None:
            profile.list_suppressions.pop(found.id, None)
    if found is not None and found.id not in profile.lists:
        profile.lists[found.id] = int(account.clock.time())
        _record_own(account, profile, "Subscribed to List", {"List": found.name})


def _record_own(account: Account, profile: Profile, name: str, properties: dict[str, Any] | None = None) -> None:
    """Record an event of one of Klaviyo's own metrics, where the account is set to."""
    if not account.own_metrics:
        return
    metric, number = account.metric(name, None, is_own=True), account.ids.count("event")
    now = int(account.clock.time())
    account.record(profile, metric, Event(number, metric.id, now, False, f"own-{number}", properties or {}))  # noqa: FBT003 -- the time is the arrival's
