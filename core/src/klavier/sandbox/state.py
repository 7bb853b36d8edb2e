"""The content of a sandbox as plain sorted data."""

from typing import Any

import orjson

from klavier.klaviyo.attributes import PROFILE_IDENTIFIERS
from klavier.sandbox.account import Account, Metric
from klavier.sandbox.profile import Consent, Event, Profile
from klavier.sandbox.times import write_time


def state(account: Account) -> dict[str, Any]:
    """Return everything, in the order of its creation."""
    metrics = {metric.id: metric for metric in account.metrics.values()}
    events = [
        (event.number, {"id": event.number, "profile": profile.id, **_event(event, metrics)})
        for event, profile in account.events()
    ]
    return {
        "profiles": [full_profile(profile) for profile in account.profiles],
        "metrics": [{"id": metric.id, **_metric(metric)} for metric in metrics.values()],
        "events": [event for _, event in sorted(events, key=lambda pair: pair[0])],
        "lists": [
            {
                "id": found.id,
                "name": found.name,
                "opt_in_process": found.opt_in_process,
                "profiles": sorted(p.id for p in account.profiles if found.id in p.lists),
            }
            for found in account.lists.values()
        ],
        "jobs": [{"id": job.id, "type": job.kind, **job.attributes} for job in account.jobs.values()],
    }


def comparable(account: Account) -> dict[str, Any]:
    """Return what is equal in two sandboxes that received the same: no generated ids, no times of arrival, no jobs.

    A profile is named by its first identifier, a list by its name (and by its id where the sandbox's user chose one).
    """
    names = {found.id: _list_name(found.id, found.name, given=found.has_given_id) for found in account.lists.values()}
    metrics = {metric.id: metric for metric in account.metrics.values()}
    events = []
    for event, profile in account.events():
        seen = {"profile": name_of(profile), **_event(event, metrics)}
        if not event.dated:
            del seen["time"]
        events.append(seen)
    return {
        "profiles": _sorted([{"name": name_of(p), **_profile(p, names, dated=False)} for p in account.profiles]),
        "metrics": _sorted([_metric(metric) for metric in metrics.values()]),
        "events": _sorted(events),
        "lists": _sorted(
            [{"name": names[found.id], "opt_in_process": found.opt_in_process} for found in account.lists.values()]
        ),
    }


def name_of(profile: Profile) -> str:
    """Return a profile's first identifier, such as `email:a@b.co`."""
    for kind in (*PROFILE_IDENTIFIERS, "_kx"):
        if kind in profile.identifiers:
            return f"{kind}:{profile.identifiers[kind]}"
    return f"anonymous_id:{min(profile.devices)}" if profile.devices else "nobody"


def _list_name(list_id: str, name: str, *, given: bool) -> str:
    return f"{name} ({list_id})" if given and list_id != name else name


def full_profile(profile: Profile) -> dict[str, Any]:
    """Return one profile as `state` shows it."""
    times = {"created": write_time(profile.created), "updated": write_time(profile.updated)}
    return {"id": profile.id, **_profile(profile, None, dated=True), **times}


def _profile(profile: Profile, names: dict[str, str] | None, *, dated: bool) -> dict[str, Any]:
    def named(lists: Any) -> list[str]:
        return sorted(lists) if names is None else sorted(names[found] for found in lists if found in names)

    identifiers: dict[str, Any] = {k: v for k, v in sorted(profile.identifiers.items()) if k != "anonymous_id"}
    if profile.devices:
        identifiers["anonymous_ids"] = sorted(profile.devices)
    if profile.secondary_emails:
        identifiers["secondary_emails"] = sorted(profile.secondary_emails)
    subscriptions: dict[str, Any] = {}
    for (channel, kind), consent in sorted(profile.consents.items()):
        subscriptions.setdefault(channel, {})[kind] = _consent(consent, dated=dated)
    pending = [
        {
            "list": None if key[0] is None else named([key[0]])[0],
            "channel": key[1],
            "kind": key[2],
            **_consent(c, dated=dated),
        }
        for key, c in profile.pending.items()
    ]
    return {
        "identifiers": identifiers,
        "attributes": dict(sorted(profile.attributes.items())),
        "location": dict(sorted(profile.location.items())),
        "properties": dict(sorted(profile.properties.items())),
        "subscriptions": subscriptions,
        "pending": _sorted(pending),
        "suppressions": sorted(profile.suppressions),
        "lists": named(profile.lists),
        "list_suppressions": named(profile.list_suppressions),
        "push_tokens": dict(sorted(profile.tokens.items())),
        "is_unconfirmed": profile.is_unconfirmed,
    }


def _consent(consent: Consent, *, dated: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"consent": consent.consent}
    if consent.since is not None:
        shown["consented_at"] = write_time(consent.since)
    if consent.source is not None:
        shown["custom_source"] = consent.source
    if dated:
        shown["changed"] = write_time(consent.changed)
    return shown


def _metric(metric: Metric) -> dict[str, Any]:
    return {"name": metric.name, "service": metric.service}


def _event(event: Event, metrics: dict[str, Metric]) -> dict[str, Any]:
    metric = metrics[event.metric]
    return {
        "metric": metric.name,
        "service": metric.service,
        "time": write_time(event.time),
        "unique_id": event.unique_id,
        "value": 0 if event.value is None and metric.valued else event.value,
        "value_currency": event.currency,
        "backfill": event.backfill,
        "properties": dict(sorted(event.properties.items())),
    }


def _sorted(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: orjson.dumps(item, option=orjson.OPT_SORT_KEYS))
