"""Klaviyo calls in few words, for tests that talk to the sandbox."""

from typing import Any

from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox

JsonObject = dict[str, Any]
PHONE = "+15005550006"


def post(path: str, body: Any, revision: str = CURRENT, **params: str) -> Request:
    return Request("POST", path, params=params or None, json=body, revision=revision)


def get(path: str, params: dict[str, str] | None = None, revision: str = CURRENT) -> Request:
    return Request("GET", path, params=params, revision=revision)


def profile_data(profile_id: str | None = None, meta: JsonObject | None = None, **attributes: Any) -> JsonObject:
    data: JsonObject = {"type": "profile", "attributes": attributes}
    if profile_id is not None:
        data["id"] = profile_id
    if meta is not None:
        data["meta"] = meta
    return data


def upsert(
    profile_id: str | None = None, *, revision: str = CURRENT, meta: JsonObject | None = None, **attributes: Any
) -> Request:
    return post("/api/profile-import", {"data": profile_data(profile_id, meta, **attributes)}, revision)


def create(*, revision: str = CURRENT, **attributes: Any) -> Request:
    return post("/api/profiles", {"data": profile_data(**attributes)}, revision)


def patch(profile_id: str, *, revision: str = CURRENT, meta: JsonObject | None = None, **attributes: Any) -> Request:
    body = {"data": profile_data(profile_id, meta, **attributes)}
    return Request("PATCH", f"/api/profiles/{profile_id}", json=body, revision=revision)


def event_attributes(metric: str = "Ordered", properties: JsonObject | None = None, **more: Any) -> JsonObject:
    named = {"data": {"type": "metric", "attributes": {"name": metric}}}
    return {"metric": named, "properties": properties or {}, **more}


def event(
    metric: str = "Ordered",
    *,
    revision: str = CURRENT,
    profile: JsonObject | None = None,
    properties: JsonObject | None = None,
    **more: Any,
) -> Request:
    attributes = event_attributes(metric, properties, **more)
    attributes["profile"] = {"data": profile or profile_data(email="ada@b.co")}
    return post("/api/events", {"data": {"type": "event", "attributes": attributes}}, revision)


def group(profile: JsonObject, *events: JsonObject, **more: Any) -> JsonObject:
    listed = [{"type": "event", "attributes": attributes} for attributes in events]
    attributes = {"profile": {"data": profile}, "events": {"data": listed}, **more}
    return {"type": "event-bulk-create", "attributes": attributes}


def bulk_events(*groups: JsonObject, revision: str = CURRENT) -> Request:
    attributes = {"events-bulk-create": {"data": list(groups)}}
    body = {"data": {"type": "event-bulk-create-job", "attributes": attributes}}
    return post("/api/event-bulk-create-jobs", body, revision)


def bulk_import(*profiles: JsonObject, lists: tuple[str, ...] = (), revision: str = CURRENT) -> Request:
    data: JsonObject = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": list(profiles)}}}
    if lists:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": found} for found in lists]}}
    return post("/api/profile-bulk-import-jobs", {"data": data}, revision)


def consent(*channels: str, says: str = "SUBSCRIBED", **more: Any) -> JsonObject:
    """Write `subscriptions`: marketing consent for each channel."""
    return {channel: {"marketing": {"consent": says, **more}} for channel in channels}


def ada(*channels: str, **more: Any) -> JsonObject:
    """Write a profile that subscribes to channels."""
    return profile_data(email="ada@b.co", phone_number=PHONE, subscriptions=consent(*channels, **more))


def ada_leaves(*channels: str) -> JsonObject:
    """Write the same profile as it unsubscribes from channels."""
    return ada(*channels, says="UNSUBSCRIBED")


def _job(kind: str, profiles: tuple[JsonObject, ...], list_id: str | None, **more: Any) -> JsonObject:
    data: JsonObject = {"type": kind, "attributes": {"profiles": {"data": list(profiles)}, **more}}
    if list_id is not None:
        data["relationships"] = {"list": {"data": {"type": "list", "id": list_id}}}
    return {"data": data}


def subscribe(*profiles: JsonObject, list_id: str | None = None, revision: str = CURRENT, **more: Any) -> Request:
    body = _job("profile-subscription-bulk-create-job", profiles, list_id, **more)
    return post("/api/profile-subscription-bulk-create-jobs", body, revision)


def unsubscribe(*profiles: JsonObject, list_id: str | None = None, revision: str = CURRENT) -> Request:
    body = _job("profile-subscription-bulk-delete-job", profiles, list_id)
    return post("/api/profile-subscription-bulk-delete-jobs", body, revision)


def suppress(*emails: str) -> Request:
    body = _job("profile-suppression-bulk-create-job", tuple(profile_data(email=email) for email in emails), None)
    return post("/api/profile-suppression-bulk-create-jobs", body)


def unsuppress(*emails: str) -> Request:
    body = _job("profile-suppression-bulk-delete-job", tuple(profile_data(email=email) for email in emails), None)
    return post("/api/profile-suppression-bulk-delete-jobs", body)


def members(method: str, list_id: str, *profile_ids: str) -> Request:
    body = {"data": [{"type": "profile", "id": found} for found in profile_ids]}
    return Request(method, f"/api/lists/{list_id}/relationships/profiles", json=body, revision=CURRENT)


def deletion(**identifier: Any) -> Request:
    profile = {"data": {"type": "profile", "attributes": identifier}}
    if "id" in identifier:
        profile = {"data": {"type": "profile", "id": identifier["id"], "attributes": {}}}
    body = {"data": {"type": "data-privacy-deletion-job", "attributes": {"profile": profile}}}
    return post("/api/data-privacy-deletion-jobs", body)


def consents(sandbox: Sandbox) -> dict[str, str]:
    """Return the consents of the only profile, such as `{"email.marketing": "SUBSCRIBED"}`."""
    (profile,) = sandbox.state()["profiles"]
    found = profile["subscriptions"]
    return {f"{channel}.{kind}": c["consent"] for channel, kinds in found.items() for kind, c in kinds.items()}
