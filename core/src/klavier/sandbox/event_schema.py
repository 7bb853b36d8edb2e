"""Schemas of the event calls, and Klaviyo's limits on events."""

from typing import Any

import orjson

from klavier.klaviyo.attributes import IDENTIFIERS
from klavier.klaviyo.limits import (
    ARRAY_ITEMS,
    EVENT_PROFILE_BYTES,
    METRIC_NAME,
    NESTING,
    PROPERTIES,
    STRING_BYTES,
    UNIQUE_ID,
    is_plainly_nested,
)
from klavier.sandbox.free_profiles import free_profile
from klavier.sandbox.profile_schema import attributes, identified, maybe_null, meta
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import (
    Check,
    Flaw,
    both,
    many,
    matching,
    nullable,
    number,
    of_type,
    record,
    resource,
    step,
    text,
    wrapped,
)

_OLD_PROPERTIES = 300
_MOST_EVENTS = 1000


def event_schema(rules: Rules) -> Check:
    """POST /api/events."""
    if not rules.has("profiles in jobs"):
        return _old_event(rules)
    beside = rules.has("event meta beside attributes") or not rules.has("event meta inside attributes")
    return _event(rules, inside=not beside, beside=beside)


def client_event_schema(rules: Rules) -> Check:
    """POST /client/events; where its `meta` went in 2026-10-15 is not published, so both places count."""
    if not rules.has("profiles in jobs"):
        return _old_event(rules)
    inside = rules.has("event meta inside attributes")
    return _event(rules, inside=inside, beside=not inside or rules.has("event meta beside attributes"))


def bulk_events_schema(rules: Rules) -> Check:
    """POST /api/event-bulk-create-jobs."""
    groups = wrapped(many(_group(rules), _MOST_EVENTS), "events-bulk-create")
    job = record("event-bulk-create-job", {"events-bulk-create": groups}, ("events-bulk-create",))
    return wrapped(resource("event-bulk-create-job", both(job, _few_events)), "document")


def bulk_client_events_schema(rules: Rules) -> Check:
    """POST /client/event-bulk-create; one profile."""
    return wrapped(_group(rules), "document")


def _event(rules: Rules, *, inside: bool, beside: bool) -> Check:
    fields = {**_event_fields(rules), "profile": wrapped(_profile(rules, inside=inside, beside=beside), "profile")}
    return wrapped(resource("event", record("event", fields, ("properties", "metric", "profile"))), "document")


def _group(rules: Rules) -> Check:
    event = resource("event", record("event", _event_fields(rules), ("properties", "metric")))
    fields = {
        "profile": wrapped(_profile(rules, inside=False, beside=True), "profile"),
        "events": wrapped(many(event, _MOST_EVENTS), "events"),
        **_backfill(rules),
    }
    return resource("event-bulk-create", record("event-bulk-create", fields, ("profile", "events")))


def _few_events(job: Any) -> list[Flaw] | None:
    groups = job["events-bulk-create"]["data"]
    count = sum(len(group["attributes"]["events"]["data"]) for group in groups)
    if count <= _MOST_EVENTS:
        return None
    return [("/events-bulk-create/data", f"Invalid input: ensure this request has no more than {_MOST_EVENTS} events.")]


def _event_fields(rules: Rules) -> dict[str, Check]:
    name = record("metric", {"name": text(METRIC_NAME, 1), "service": maybe_null(rules, text())}, ("name",))
    common = _common(rules, measures=rules.measures)
    fields = {**common, "metric": wrapped(resource("metric", name), "metric"), **_backfill(rules)}
    if rules.has("value_currency"):
        fields["value_currency"] = nullable(matching("[A-Z]{3}", "Invalid currency: must be an ISO 4217 code."))
    return fields


def _common(rules: Rules, *, measures: bool) -> dict[str, Check]:
    most = PROPERTIES if rules.has("400 properties") else _OLD_PROPERTIES
    return {
        "properties": both(of_type(dict), _within_limits(most, measures=measures)),
        "time": maybe_null(rules, text()),
        "value": maybe_null(rules, number),
        "unique_id": maybe_null(rules, text(UNIQUE_ID, 1)),
    }


def _backfill(rules: Rules) -> dict[str, Check]:
    return {"backfill": nullable(of_type(bool))} if rules.has("backfill") else {}


def _profile(rules: Rules, *, inside: bool, beside: bool) -> Check:
    kinds = IDENTIFIERS if rules.has("_kx") else IDENTIFIERS[:-1]
    known = attributes(rules, "anonymous_id", "_kx") | (meta(rules) if inside else {})
    shape = resource("profile", record("profile", known), id=nullable(text()), **(meta(rules) if beside else {}))
    return both(shape, identified(rules, kinds, EVENT_PROFILE_BYTES))


def _old_event(rules: Rules) -> Check:
    """Return the schema of 2023-02-22: a flat metric, and a profile that is a free map with `$` keys."""
    metric = record("metric", {"name": text(METRIC_NAME, 1), "service": text()}, ("name",))
    common = _common(rules, measures=True)  # it has fewer objects around the properties than a small body may have
    fields = {**common, "metric": metric, "profile": both(of_type(dict), free_profile(rules))}
    return wrapped(resource("event", record("event", fields, ("properties", "metric", "profile"))), "document")


def _within_limits(most: int, *, measures: bool) -> Check:
    def check(properties: Any) -> list[Flaw] | None:
        if len(properties) > most:
            return [("", f"Invalid input: ensure this field has no more than {most} properties.")]
        if not measures:
            return None
        if is_plainly_nested(properties) and len(orjson.dumps(properties)) <= STRING_BYTES:
            return None  # too short for a long string, as nearly all are
        return [(step(k) + place, detail) for k, v in properties.items() for place, detail in oversize(v, 1)]

    return check


def oversize(value: Any, depth: int) -> list[Flaw]:
    """Find strings, arrays and nesting beyond Klaviyo's limits; `depth` counts the containers so far."""
    if isinstance(value, str):
        if len(value.encode("utf-8", "surrogatepass")) > STRING_BYTES:
            return [("", f"Invalid input: ensure this string has no more than {STRING_BYTES} bytes.")]
        return []
    if isinstance(value, dict):
        members = [(step(key), item) for key, item in value.items()]
    elif isinstance(value, list):
        if len(value) > ARRAY_ITEMS:
            return [("", f"Invalid input: ensure this array has no more than {ARRAY_ITEMS} elements.")]
        members = [(f"/{index}", item) for index, item in enumerate(value)]
    else:
        return []
    if depth > NESTING:
        return [("", f"Invalid input: nested deeper than {NESTING} levels.")]
    return [(key + place, detail) for key, item in members for place, detail in oversize(item, depth + 1)]
