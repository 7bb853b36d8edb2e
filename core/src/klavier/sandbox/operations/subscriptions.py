"""Subscribe and unsubscribe profiles in bulk."""

from collections.abc import Mapping
from typing import Any

from klavier.klaviyo.attributes import CHANNEL_IDENTIFIERS
from klavier.sandbox.consent import (
    Granted,
    consents_in,
    is_dropped,
    is_immediate,
    keys_by_identifier,
    read_consent_time,
    subscribe,
    unsubscribe,
)
from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import ACCEPTED, Exchange, Reply, Served
from klavier.sandbox.operations.lists import known_list, list_in_body
from klavier.sandbox.patches import usable
from klavier.sandbox.profile import Consent, Profile
from klavier.sandbox.profile_schema import email, identified, maybe_null
from klavier.sandbox.profiles import identifiers_in
from klavier.sandbox.push_tokens import tokens
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import (
    Check,
    Flaw,
    both,
    many,
    matching,
    nullable,
    of_type,
    one_of,
    record,
    reference,
    resource,
    text,
    wrapped,
)

_SUBSCRIBE = "profile-subscription-bulk-create-job"
_UNSUBSCRIBE = "profile-subscription-bulk-delete-job"
_MOST_UNSUBSCRIBED = 100

# Schemas -------------------------------------------------------------------------------------------------------------


def subscribe_schema(rules: Rules) -> Check:
    """POST /api/profile-subscription-bulk-create-jobs."""
    if not rules.has("profiles in jobs"):
        return _old_subscribe_schema()
    fields: dict[str, Check] = {
        "email": email(rules),
        "phone_number": maybe_null(rules, text()),
        "subscriptions": subscriptions_schema(rules, "SUBSCRIBED"),
    }
    if rules.has("age_gated_date_of_birth"):
        fields["age_gated_date_of_birth"] = nullable(matching(r"\d{4}-\d\d-\d\d", "Invalid date: write YYYY-MM-DD."))
    shape = resource("profile", record("profile", fields, _required(rules)), id=nullable(text()))
    profile = both(shape, _reachable(rules))
    most = 1000 if rules.has("subscribe 1000") else 100
    job = {"profiles": wrapped(many(profile, most), "profiles"), "custom_source": maybe_null(rules, text())}
    if rules.has("historical_import"):
        job["historical_import"] = nullable(of_type(bool))
    checked = both(record(_SUBSCRIBE, job, ("profiles",)), _historical(rules))
    return job_with_list(_SUBSCRIBE, checked, required=not rules.has("list optional on subscribe"))


def unsubscribe_schema(rules: Rules) -> Check:
    """POST /api/profile-subscription-bulk-delete-jobs."""
    fields: dict[str, Check] = {"email": email(rules), "phone_number": maybe_null(rules, text())}
    if rules.has("unsubscribe by channel"):
        fields["subscriptions"] = subscriptions_schema(rules, "UNSUBSCRIBED")
    shape = resource("profile", record("profile", fields, _required(rules)))
    profile = both(shape, identified(rules, ("email", "phone_number")))
    job = {"profiles": wrapped(many(profile, _MOST_UNSUBSCRIBED), "profiles")}
    return job_with_list(_UNSUBSCRIBE, record(_UNSUBSCRIBE, job, ("profiles",)))


def old_unsubscribe_schema(_: Rules) -> Check:
    """POST /api/profile-unsubscription-bulk-create-jobs, until 2023-07-15."""
    listed = many(text(), _MOST_UNSUBSCRIBED, 0)
    fields = {"list_id": text(), "emails": listed, "phone_numbers": listed}
    kind = "profile-unsubscription-bulk-create-job"
    return wrapped(resource(kind, record(kind, fields)), "document")


def _old_subscribe_schema() -> Check:
    channel = many(one_of("MARKETING"), least=0)
    subscription = record(
        "subscription",
        {
            "channels": record("channels", {"email": channel, "sms": channel}),
            "email": text(),
            "phone_number": text(),
            "profile_id": text(),
        },
    )
    fields = {
        "list_id": text(),
        "custom_source": text(),
        "subscriptions": many(both(subscription, _old_reachable), 100),
    }
    return wrapped(resource(_SUBSCRIBE, record(_SUBSCRIBE, fields, ("list_id", "subscriptions"))), "document")


def _old_reachable(value: Any) -> list[Flaw] | None:
    if any(value.get(kind) for kind in ("email", "phone_number", "profile_id")):
        return None
    return [("", "At least one identifier is required: email, phone_number, profile_id.")]


def job_with_list(kind: str, checked: Check, *, required: bool = False) -> Check:
    """Return the schema of a document with these attributes and the relationship `list`."""
    relationships = record(
        "relationships", {"list": record("list", {"data": reference("list")})}, ("list",) if required else ()
    )
    members = {"type": one_of(kind), "attributes": checked, "relationships": relationships}
    return wrapped(record(kind, members, ("type", "attributes", *(("relationships",) if required else ()))), "document")


def _required(rules: Rules) -> tuple[str, ...]:
    return ("subscriptions",) if rules.has("subscriptions required") else ()


def subscriptions_schema(rules: Rules, consent: str) -> Check:
    """Return the schema of `subscriptions`, whose consents are all `SUBSCRIBED` or all `UNSUBSCRIBED`."""
    if not rules.has("consent objects"):
        channel = many(one_of("MARKETING"), least=0)
        return record("subscriptions", {"email": channel, "sms": channel})
    given = _consent_schema(rules, consent)
    email_fields = {"marketing": nullable(given) if rules.has("email.open_tracking") else given}
    for name in ("open_tracking", "click_tracking"):
        if rules.has(f"email.{name}"):
            email_fields[name] = nullable(record(name, {"consent": one_of(consent)}, ("consent",)))
    needed = () if rules.has("email.open_tracking") else ("marketing",)
    phone_fields = {"marketing": nullable(given)}
    if rules.has("sms.transactional"):
        phone_fields["transactional"] = nullable(given)
    channels = {"email": nullable(record("email", email_fields, needed)), "sms": nullable(record("sms", phone_fields))}
    if rules.has("whatsapp"):
        extra = {"conversational": nullable(given)} if consent == "UNSUBSCRIBED" else {}
        channels["whatsapp"] = nullable(record("whatsapp", {**phone_fields, **extra}))
    if rules.has("push"):
        channels["push"] = nullable(_push_schema(given, consent))
    checked = record("subscriptions", channels)
    return checked if rules.has("subscriptions required") else nullable(checked)


def _push_schema(given: Check, consent: str) -> Check:
    if consent == "UNSUBSCRIBED":
        return record("push", {"marketing": given, "tokens": tokens()}, ("marketing", "tokens"))
    fields = {"marketing": given, "tokens": nullable(tokens()), "anonymous_id": nullable(text())}
    return record("push", fields, ("marketing",))


def _consent_schema(rules: Rules, consent: str) -> Check:
    fields = {"consent": one_of(consent)}
    if rules.has("consented_at") and consent == "SUBSCRIBED":
        fields["consented_at"] = nullable(text())
    return record("consent", fields, ("consent",))


def _reachable(rules: Rules) -> Check:
    """Require the identifier that each named channel writes to."""
    known = identified(rules, ("email", "phone_number"))

    def check(value: Any) -> list[Flaw] | None:
        found = value["attributes"]
        given = found.get("subscriptions") or {}
        if value.get("id") or (given.get("push") and not (found.get("email") or found.get("phone_number"))):
            return None
        flaws = known(value) or [
            (f"/attributes/{need}", f"'{need}' is required to change the {channel} subscription.")
            for channel, need in CHANNEL_IDENTIFIERS.items()
            if given.get(channel) and not found.get(need)
        ]
        if not flaws and given.get("sms") and rules.has("age_gated_date_of_birth") and not rules.sms:
            return [("/attributes/phone_number", "There is no sending number for this phone number's region.")]
        return flaws

    return check


def _historical(rules: Rules) -> Check:
    """Require `consented_at` in each consent of a historical import, and in no other."""

    def check(job: Any) -> list[Flaw] | None:
        is_historical = job.get("historical_import") is True
        flaws: list[Flaw] = []
        for index, profile in enumerate(job["profiles"]["data"]):
            place = f"/profiles/data/{index}/attributes/subscriptions"
            for channel, kind, consent in consents_in(profile["attributes"].get("subscriptions")):
                is_dated = consent.get("consented_at") is not None
                pointer = f"{place}/{channel}/{kind}/consented_at"
                if is_historical and not is_dated and kind not in ("open_tracking", "click_tracking"):
                    flaws.append((pointer, "Required when historical_import is true."))
                elif is_dated and not is_historical and rules.has("historical_import"):
                    flaws.append((pointer, "Only valid when historical_import is true."))
        return flaws

    return check


# Handlers ------------------------------------------------------------------------------------------------------------


def bulk_subscribe_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-subscription-bulk-create-jobs; the list's opt-in process decides, else the account's."""
    if not exchange.rules.has("profiles in jobs"):
        return _old_subscribe(exchange)
    job, account = exchange.attributes, exchange.account
    found = list_in_body(exchange)
    is_historical = job.get("historical_import") is True
    rows = job["profiles"]["data"]
    granted = [_granted(exchange, row["attributes"], job, index) for index, row in enumerate(rows)]
    for index, row in enumerate(rows):
        _refuse_unknown(exchange, row.get("id"), f"/data/attributes/profiles/data/{index}/id")
    is_confirmed = is_immediate(account, found, is_historical=is_historical)
    for row, consents in zip(rows, granted, strict=True):
        attributes = row["attributes"]
        profile = account.profiles.find(row.get("id") or "")
        profile = profile or _named(exchange, attributes, is_confirmed=is_confirmed or not consents)
        subscribe(account, profile, found, consents, is_historical=is_historical)
        for token in ((attributes.get("subscriptions") or {}).get("push") or {}).get("tokens") or []:
            profile.tokens[token["token"]] = token["platform"]
    return ACCEPTED


def _refuse_unknown(exchange: Exchange, profile_id: str | None, pointer: str) -> None:
    """Refuse the call for an id that no profile has, before anything is written."""
    if profile_id and exchange.account.profiles.find(profile_id) is None:
        raise RefusedError(400, f"A profile with id {profile_id} does not exist.", pointer=pointer)


def _named(exchange: Exchange, attributes: dict[str, Any], *, is_confirmed: bool = True) -> Profile:
    """Return the profile that the identifiers name, created if needed; one without a channel is only stored."""
    known = identifiers_in(usable(attributes, exchange.partial))
    device = ((attributes.get("subscriptions") or {}).get("push") or {}).get("anonymous_id")
    if device:
        known["anonymous_id"] = device
    return exchange.account.profiles.attribute(known, exchange.now, change=False, is_confirmed=is_confirmed)


def _granted(exchange: Exchange, attributes: dict[str, Any], job: dict[str, Any], index: int) -> Granted:
    source, now = job.get("custom_source"), int(exchange.now)
    given = attributes.get("subscriptions")
    if given is None:  # until 2025-01-15 the identifiers then named the channels
        return {key: Consent("SUBSCRIBED", now, None, source) for key in keys_by_identifier(attributes)}
    granted: dict[tuple[str, str], Consent] = {}
    for channel, kind, consent in consents_in(given):
        if is_dropped(channel, attributes):
            continue  # the number is dropped, see X-Klaviyo-Partial-Failure
        since = None
        if consent.get("consented_at") is not None:
            since = read_consent_time(consent["consented_at"])
            if since is None or since > exchange.now:
                place = f"/data/attributes/profiles/data/{index}/attributes/subscriptions/{channel}/{kind}/consented_at"
                raise RefusedError(400, "Invalid consented_at: must be a time in the past.", pointer=place)
        granted[channel, kind] = Consent("SUBSCRIBED", now, since, source)
    return granted


def bulk_unsubscribe_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-subscription-bulk-delete-jobs."""
    found = list_in_body(exchange)
    for row in exchange.attributes["profiles"]["data"]:
        attributes = row["attributes"]
        given = attributes.get("subscriptions")
        if given is None:
            revoked = set(keys_by_identifier(attributes))
        else:
            revoked = {
                (channel, kind) for channel, kind, _ in consents_in(given) if not is_dropped(channel, attributes)
            }
        profile = _named(exchange, attributes)
        unsubscribe(exchange.account, profile, found, revoked)
        for token in ((given or {}).get("push") or {}).get("tokens") or []:
            profile.tokens.pop(token["token"], None)
    return ACCEPTED


def _old_subscribe(exchange: Exchange) -> Reply:
    """Subscribe as revision 2023-02-22 does: one list, a flat array of subscriptions."""
    job, now = exchange.attributes, int(exchange.now)
    found = known_list(exchange, job["list_id"], "/data/attributes/list_id")
    for index, row in enumerate(job["subscriptions"]):
        _refuse_unknown(exchange, row.get("profile_id"), f"/data/attributes/subscriptions/{index}/profile_id")
    is_confirmed = is_immediate(exchange.account, found)
    for row in job["subscriptions"]:
        channels = row.get("channels")
        keys = (
            keys_by_identifier(row)
            if channels is None
            else [(c, "marketing") for c, kinds in channels.items() if kinds]
        )
        granted = {key: Consent("SUBSCRIBED", now, None, job.get("custom_source")) for key in keys}
        profile = exchange.account.profiles.find(row.get("profile_id", ""))
        profile = profile or _named(exchange, row, is_confirmed=is_confirmed or not granted)
        subscribe(exchange.account, profile, found, granted)
    return ACCEPTED


def old_unsubscribe_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-unsubscription-bulk-create-jobs, until 2023-07-15."""
    job = exchange.attributes
    list_id = job.get("list_id")
    found = known_list(exchange, list_id, "/data/attributes/list_id") if list_id else None
    rows = [{"email": address} for address in job.get("emails", [])]
    rows += [{"phone_number": phone} for phone in job.get("phone_numbers", [])]
    for row in rows:
        unsubscribe(exchange.account, _named(exchange, row), found, keys_by_identifier(row))
    return ACCEPTED


SERVED: Mapping[str, Served] = {
    "bulk_subscribe_profiles": Served(bulk_subscribe_profiles, subscribe_schema),
    "bulk_unsubscribe_profiles": Served(bulk_unsubscribe_profiles, unsubscribe_schema),
    "old_unsubscribe_profiles": Served(old_unsubscribe_profiles, old_unsubscribe_schema),
}
