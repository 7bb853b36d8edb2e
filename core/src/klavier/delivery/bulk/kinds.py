"""The calls that can be said together, and how: one row of a table for each.

Source: Klaviyo's bulk create events, bulk import profiles, bulk subscribe, bulk unsubscribe, add profiles to list and
remove profiles from list, revision 2026-10-15.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import orjson
from attrs import frozen

from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT

Json = Any
_IDENTIFIERS = ("email", "phone_number", "external_id", "anonymous_id", "_kx")


@frozen
class BulkKind:
    """One kind of request that can be said together with others of its `group`.

    `items` gives the request's items, `identities` what an item may share with no other in one body, `body` the body of
    many items like `first`'s.  `limit` is how many items one body takes, `pointer` where in a body the items stand.
    `follows` says that Klaviyo answers with a job whose errors come later, `keeps_order` that one body may hold several
    items about one person, in their order (events have times of their own; profiles and consents would race).
    """

    name: str
    method: str
    path: str
    limit: int
    pointer: str
    group: Callable[[Request], Hashable | None]
    items: Callable[[Json], list[Json]]
    identities: Callable[[Json], frozenset[Hashable]]
    body: Callable[[Json, Sequence[Json]], Json]
    follows: bool = False
    keeps_order: bool = False

    def request(self, first: Request, items: Sequence[Json]) -> Request:
        """Say many items in one call like `first`."""
        path = self.path or first.path
        return Request(self.method, path, json=self.body(first.json, items), revision=first.revision)


def kind_of_request(request: Request) -> tuple[BulkKind, Hashable] | None:
    """Give the kind of a request and the group it can be said in; None where it must go alone."""
    kind = _KINDS.get((request.method, request.path)) or _list_kind(request)
    if kind is None or request.revision != CURRENT or not isinstance(request.json, dict):
        return None
    group = kind.group(request)
    return None if group is None else (kind, (kind.name, group))


def _list_kind(request: Request) -> BulkKind | None:
    is_list = request.path.startswith("/api/lists/") and request.path.endswith("/relationships/profiles")
    return _LIST_KINDS.get(request.method) if is_list else None


def _event_item(body: Json) -> list[Json]:
    attributes = dict(body["data"]["attributes"])
    profile = attributes.pop("profile")
    row: dict[str, Any] = {"profile": profile, "events": {"data": [{"type": "event", "attributes": attributes}]}}
    if "backfill" in attributes:
        row["backfill"] = attributes.pop("backfill")
    return [{"type": "event-bulk-create", "attributes": row}]


def _event_group(request: Request) -> Hashable | None:
    attributes = request.json.get("data", {}).get("attributes", {})
    # Without a unique_id Klaviyo tells events apart by the second of their time: one by one that is the vendor's affair.
    return "events" if attributes.get("unique_id") and isinstance(attributes.get("profile"), dict) else None


def _event_identities(item: Json) -> frozenset[Hashable]:
    # Klaviyo tells events apart by person, metric and unique_id; without the person it is cheaper, and never less careful.
    event = item["attributes"]["events"]["data"][0]["attributes"]
    return frozenset({(event["metric"]["data"]["attributes"]["name"], event["unique_id"])})


def _event_body(_: Json, items: Sequence[Json]) -> Json:
    attributes = {"events-bulk-create": {"data": list(items)}}
    return {"data": {"type": "event-bulk-create-job", "attributes": attributes}}


def _import_items(body: Json) -> list[Json]:
    return [body["data"]]


def _import_group(request: Request) -> Hashable | None:
    data = request.json.get("data")
    # Bulk import passes over nulls, so a profile that clears something goes alone; so does one named by id only.
    return "profiles" if isinstance(data, dict) and not _clears(data) and _people(data) else None


def _import_body(_: Json, items: Sequence[Json]) -> Json:
    return {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": list(items)}}}}


def _clears(data: Json) -> bool:
    attributes = data.get("attributes", {})
    location = attributes.get("location") or {}
    return any(
        value is None for part in (attributes, location, attributes.get("properties") or {}) for value in part.values()
    )


def _consent_items(body: Json) -> list[Json]:
    return list(body["data"]["attributes"]["profiles"]["data"])


def _consent_group(request: Request) -> Hashable | None:
    data = request.json.get("data", {})
    attributes = dict(data.get("attributes", {}))
    if not isinstance(attributes.pop("profiles", None), dict):
        return None
    return orjson.dumps([attributes, data.get("relationships")], option=orjson.OPT_SORT_KEYS)


def _consent_body(first: Json, items: Sequence[Json]) -> Json:
    data = dict(first["data"])
    data["attributes"] = {**data["attributes"], "profiles": {"data": list(items)}}
    return {"data": data}


def _member_items(body: Json) -> list[Json]:
    return list(body["data"])


def _member_group(request: Request) -> Hashable | None:
    return request.path if isinstance(request.json.get("data"), list) else None


def _member_identities(item: Json) -> frozenset[Hashable]:
    return frozenset({item.get("id")})


def _member_body(_: Json, items: Sequence[Json]) -> Json:
    return {"data": list(items)}


def _people(profile: Json) -> frozenset[Hashable]:
    """Give every identifier of a profile: two items that share one may be one person."""
    attributes = profile.get("attributes", {})
    found = {(name, attributes[name]) for name in _IDENTIFIERS if isinstance(attributes.get(name), str)}
    if isinstance(profile.get("id"), str):
        found.add(("id", profile["id"]))
    return frozenset(found)


# fmt: off
_EVENTS = BulkKind("events", "POST", "/api/event-bulk-create-jobs", 1000, "/data/attributes/events-bulk-create/data/",
                   _event_group, _event_item, _event_identities, _event_body, keeps_order=True)
_IMPORT = BulkKind("imports", "POST", "/api/profile-bulk-import-jobs", 10_000, "/data/attributes/profiles/data/",
                   _import_group, _import_items, _people, _import_body, follows=True)
_SUBSCRIBE = BulkKind("subscribe", "POST", "/api/profile-subscription-bulk-create-jobs", 1000, "/data/attributes/profiles/data/",
                      _consent_group, _consent_items, _people, _consent_body)
_UNSUBSCRIBE = BulkKind("unsubscribe", "POST", "/api/profile-subscription-bulk-delete-jobs", 100, "/data/attributes/profiles/data/",
                        _consent_group, _consent_items, _people, _consent_body)
_ADD = BulkKind("add to list", "POST", "", 1000, "/data/", _member_group, _member_items, _member_identities, _member_body)
_REMOVE = BulkKind("remove from list", "DELETE", "", 1000, "/data/", _member_group, _member_items, _member_identities, _member_body)
# fmt: on

_KINDS = {
    ("POST", "/api/events"): _EVENTS,
    ("POST", "/api/profile-import"): _IMPORT,
    ("POST", "/api/profile-subscription-bulk-create-jobs"): _SUBSCRIBE,
    ("POST", "/api/profile-subscription-bulk-delete-jobs"): _UNSUBSCRIBE,
}
_LIST_KINDS = {"POST": _ADD, "DELETE": _REMOVE}
