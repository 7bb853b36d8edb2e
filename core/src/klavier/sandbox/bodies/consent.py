"""Bodies of the subscription and suppression calls."""

from collections.abc import Iterator
from typing import Any

from klavier.sandbox.bodies.identity import attributes, email, identified, maybe_null, meta
from klavier.sandbox.bodies.push import tokens
from klavier.sandbox.rules import Rules
from klavier.sandbox.shape import (
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

_MOST_UNSUBSCRIBED = 100
_NEEDS = {"email": "email", "sms": "phone_number", "whatsapp": "phone_number"}
_ANY = ("email", "phone_number", "external_id", "anonymous_id", "_kx")


def most_subscribed(rules: Rules) -> int:
    """Tell how many profiles one subscribe call takes."""
    return 1000 if rules.has("subscribe 1000") else 100


def bulk_subscribe_profiles(rules: Rules) -> Check:
    """POST /api/profile-subscription-bulk-create-jobs."""
    if not rules.has("profiles in jobs"):
        return _old_subscribe()
    fields: dict[str, Check] = {
        "email": email(rules),
        "phone_number": maybe_null(rules, text()),
        "subscriptions": _subscriptions(rules, "SUBSCRIBED"),
    }
    if rules.has("age_gated_date_of_birth"):
        fields["age_gated_date_of_birth"] = nullable(matching(r"\d{4}-\d\d-\d\d", "Invalid date: write YYYY-MM-DD."))
    shape = resource("profile", record("profile", fields, _required(rules)), id=nullable(text()))
    profile = both(shape, _reachable(rules))
    job = {
        "profiles": wrapped(many(profile, most_subscribed(rules)), "profiles"),
        "custom_source": maybe_null(rules, text()),
    }
    if rules.has("historical_import"):
        job["historical_import"] = nullable(of_type(bool))
    kind = "profile-subscription-bulk-create-job"
    checked = both(record(kind, job, ("profiles",)), _historical(rules))
    return _job_with_list(kind, checked, required=not rules.has("list optional on subscribe"))


def bulk_unsubscribe_profiles(rules: Rules) -> Check:
    """POST /api/profile-subscription-bulk-delete-jobs."""
    fields: dict[str, Check] = {"email": email(rules), "phone_number": maybe_null(rules, text())}
    if rules.has("unsubscribe by channel"):
        fields["subscriptions"] = _subscriptions(rules, "UNSUBSCRIBED")
    shape = resource("profile", record("profile", fields, _required(rules)))
    job = {
        "profiles": wrapped(
            many(both(shape, identified(rules, ("email", "phone_number"))), _MOST_UNSUBSCRIBED), "profiles"
        )
    }
    kind = "profile-subscription-bulk-delete-job"
    return _job_with_list(kind, record(kind, job, ("profiles",)))


def create_client_subscription(rules: Rules) -> Check:
    """POST /client/subscriptions."""
    if not rules.has("profiles in jobs"):
        flat = {
            "list_id": text(),
            "custom_source": text(),
            "email": email(rules),
            "phone_number": text(),
            "properties": of_type(dict),
        }
        return wrapped(resource("subscription", record("subscription", flat, ("list_id",))), "document")
    extra = ("_kx",) if rules.has("anonymous_id of events only") else ("_kx", "anonymous_id")
    known = attributes(rules, *extra)
    inside = rules.has("event meta inside attributes") and rules.has("subscriptions required")
    if rules.has("subscriptions required"):
        known["subscriptions"] = nullable(_subscriptions(rules, "SUBSCRIBED"))
    known |= meta(rules) if inside else {}
    shape = resource("profile", record("profile", known), id=nullable(text()), **({} if inside else meta(rules)))
    fields = {
        "profile": wrapped(both(shape, identified(rules, _ANY)), "profile"),
        "custom_source": maybe_null(rules, text()),
    }
    checked = record("subscription", fields, ("profile",))
    return _job_with_list("subscription", checked, required=rules.has("client list required"))


def bulk_suppress_profiles(rules: Rules) -> Check:
    """POST /api/profile-suppression-bulk-create-jobs."""
    return _suppression("profile-suppression-bulk-create-job", rules)


def bulk_unsuppress_profiles(rules: Rules) -> Check:
    """POST /api/profile-suppression-bulk-delete-jobs."""
    return _suppression("profile-suppression-bulk-delete-job", rules)


def old_unsuppress_profiles(rules: Rules) -> Check:
    """POST /api/profile-unsuppression-bulk-create-jobs, until 2023-07-15."""
    return _suppression("profile-unsuppression-bulk-create-job", rules)


def old_unsubscribe_profiles(rules: Rules) -> Check:  # noqa: ARG001 -- one signature for all bodies
    """POST /api/profile-unsubscription-bulk-create-jobs, until 2023-07-15."""
    listed = many(text(), _MOST_UNSUBSCRIBED, 0)
    fields = {"list_id": text(), "emails": listed, "phone_numbers": listed}
    kind = "profile-unsubscription-bulk-create-job"
    return wrapped(resource(kind, record(kind, fields)), "document")


def _old_subscribe() -> Check:
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
    kind = "profile-subscription-bulk-create-job"
    return wrapped(resource(kind, record(kind, fields, ("list_id", "subscriptions"))), "document")


def _old_reachable(value: Any) -> list[Flaw] | None:
    if any(value.get(kind) for kind in ("email", "phone_number", "profile_id")):
        return None
    return [("", "At least one identifier is required: email, phone_number, profile_id.")]


def _suppression(kind: str, rules: Rules) -> Check:
    address = record("profile", {"email": both(text(), email(rules))}, ("email",))
    if not rules.has("profiles in jobs"):
        fields = {"suppressions": many(address, _MOST_UNSUBSCRIBED)}
        return wrapped(resource(kind, record(kind, fields, ("suppressions",))), "document")
    profiles = nullable(wrapped(many(resource("profile", address), _MOST_UNSUBSCRIBED), "profiles"))
    relationships = record(
        "relationships", {name: record(name, {"data": reference(name)}) for name in ("list", "segment")}
    )
    return wrapped(resource(kind, record(kind, {"profiles": profiles}), relationships=relationships), "document")


def _job_with_list(kind: str, checked: Check, *, required: bool = False) -> Check:
    relationships = record(
        "relationships", {"list": record("list", {"data": reference("list")})}, ("list",) if required else ()
    )
    members = {"type": one_of(kind), "attributes": checked, "relationships": relationships}
    return wrapped(record(kind, members, ("type", "attributes", *(("relationships",) if required else ()))), "document")


def _required(rules: Rules) -> tuple[str, ...]:
    return ("subscriptions",) if rules.has("subscriptions required") else ()


def _subscriptions(rules: Rules, consent: str) -> Check:
    if not rules.has("consent objects"):
        channel = many(one_of("MARKETING"), least=0)
        return record("subscriptions", {"email": channel, "sms": channel})
    given = _consent(rules, consent)
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
        spoken = {**phone_fields, **({"conversational": nullable(given)} if consent == "UNSUBSCRIBED" else {})}
        channels["whatsapp"] = nullable(record("whatsapp", spoken))
    if rules.has("push"):
        channels["push"] = nullable(_push(given, consent))
    checked = record("subscriptions", channels)
    return checked if rules.has("subscriptions required") else nullable(checked)


def _push(given: Check, consent: str) -> Check:
    if consent == "UNSUBSCRIBED":
        return record("push", {"marketing": given, "tokens": tokens()}, ("marketing", "tokens"))
    fields = {"marketing": given, "tokens": nullable(tokens()), "anonymous_id": nullable(text())}
    return record("push", fields, ("marketing",))


def _consent(rules: Rules, consent: str) -> Check:
    fields = {"consent": one_of(consent)}
    if rules.has("consented_at") and consent == "SUBSCRIBED":
        fields["consented_at"] = nullable(text())
    return record("consent", fields, ("consent",))


def _reachable(rules: Rules) -> Check:
    """Demand the identifier that each named channel writes to."""
    known = identified(rules, ("email", "phone_number"))

    def check(value: Any) -> list[Flaw] | None:
        found = value["attributes"]
        given = found.get("subscriptions") or {}
        if value.get("id") or (given.get("push") and not (found.get("email") or found.get("phone_number"))):
            return None
        flaws = known(value) or [
            (f"/attributes/{need}", f"'{need}' is required to change the {channel} subscription.")
            for channel, need in _NEEDS.items()
            if given.get(channel) and not found.get(need)
        ]
        if not flaws and given.get("sms") and rules.has("age_gated_date_of_birth") and not rules.has("sms"):
            return [("/attributes/phone_number", "There is no sending number for this phone number's region.")]
        return flaws

    return check


def _historical(rules: Rules) -> Check:
    """Hold `historical_import` and `consented_at` together: each consent needs one, or none may have one."""

    def check(job: Any) -> list[Flaw] | None:
        historical = job.get("historical_import") is True
        flaws: list[Flaw] = []
        for index, profile in enumerate(job["profiles"]["data"]):
            place = f"/profiles/data/{index}/attributes/subscriptions"
            for channel, kind, consent in consents(profile["attributes"].get("subscriptions")):
                dated = consent.get("consented_at") is not None
                if historical and not dated and kind not in ("open_tracking", "click_tracking"):
                    flaws.append((f"{place}/{channel}/{kind}/consented_at", "Required when historical_import is true."))
                elif dated and not historical and rules.has("historical_import"):
                    flaws.append(
                        (f"{place}/{channel}/{kind}/consented_at", "Only valid when historical_import is true.")
                    )
        return flaws

    return check


def consents(subscriptions: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give each consent in a `subscriptions` object whose shape was checked: channel, kind, consent."""
    for channel, kinds in (subscriptions or {}).items():
        if isinstance(kinds, list):  # ["MARKETING"], until 2023-10-15
            if kinds:
                yield channel, "marketing", {"consent": "SUBSCRIBED"}
            continue
        for kind, consent in (kinds or {}).items():
            if isinstance(consent, dict):
                yield channel, kind, consent
