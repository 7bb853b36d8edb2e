"""The calls that can be said together, and how: one row of a table for each.

Source: Klaviyo's bulk create events, bulk import profiles, bulk subscribe, bulk unsubscribe, add profiles to list and
remove profiles from list, revision 2026-10-15.
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

import orjson
from attrs import frozen

from klavier.klaviyo.attributes import IDENTIFIERS
from klavier.klaviyo.operations import BY_NAME, OPERATIONS, Operation
from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT

Json = Any
Look = tuple[Hashable, Collection[Hashable], list[Json]]
"""A request's group, the identities of its items, and those items."""


@frozen
class BulkKind:
    """One kind of request that can be said together with others of its `group`.

    `look` gives the group of a request, what each of its items may share with no other in one body, and those items;
    None where it must go alone.  `body` gives the body of many items like those of a `first` request.
    `operation` is the bulk call: its path, how many items a body takes, and where in a body they stand.
    `follows` says that Klaviyo answers with a job whose errors come later, `keeps_order` that one body may hold several
    items about one person, in their order (events have times of their own; profiles and consents would race).
    """

    name: str
    operation: Operation
    look: Callable[[Request], Look | None]
    body: Callable[[Json, Sequence[Json]], Json]
    follows: bool = False
    keeps_order: bool = False

    @property
    def limit(self) -> int:
        """How many items one body takes."""
        return self.operation.items

    @property
    def pointer(self) -> str:
        """The JSON pointer before the index of an item in the body."""
        return self.operation.items_at

    def path(self, first: Request) -> str:
        """Return the path of a bulk call like `first`; that of a list call is the request's own."""
        return first.path if "{id}" in self.operation.path else self.operation.path

    def request(self, first: Request, items: Sequence[Json]) -> Request:
        """Return the bulk request that holds many items like those of a `first` request."""
        return Request(
            self.operation.method, self.path(first), json=self.body(first.json, items), revision=first.revision
        )


def kind_of(request: Request) -> BulkKind | None:
    """Give the kind of a request by its call; None where it must go alone."""
    kind = _KINDS.get((request.method, request.path)) or _list_kind(request)
    if kind is None or request.revision != CURRENT or request.params is not None or request.json.__class__ is not dict:
        return None  # a bulk body holds no query parameters, and is of the newest revision
    return kind


def _list_kind(request: Request) -> BulkKind | None:
    is_list = request.path.startswith("/api/lists/") and request.path.endswith("/relationships/profiles")
    return _LIST_KINDS.get(request.method) if is_list else None


def _look_at_event(request: Request) -> Look | None:
    attributes = dict(request.json["data"]["attributes"])
    profile, unique_id = attributes.pop("profile"), attributes.get("unique_id")
    name = attributes["metric"]["data"]["attributes"]["name"]
    # Without a unique_id Klaviyo tells events apart by the second of their time: one by one that is the vendor's affair.
    if not (unique_id and isinstance(unique_id, str) and isinstance(name, str) and isinstance(profile, dict)):
        return None
    # Klaviyo tells events apart by person, metric and unique_id; without the person it is cheaper, and never less careful.
    identity = name, unique_id
    row: dict[str, Any] = {"profile": profile, "events": {"data": [{"type": "event", "attributes": attributes}]}}
    if "backfill" in attributes:
        row["backfill"] = attributes.pop("backfill")
    return "events", (identity,), [{"type": "event-bulk-create", "attributes": row}]


def _event_body(_: Json, items: Sequence[Json]) -> Json:
    attributes = {"events-bulk-create": {"data": list(items)}}
    return {"data": {"type": "event-bulk-create-job", "attributes": attributes}}


def _look_at_import(request: Request) -> Look | None:
    data = request.json.get("data")
    # Bulk import passes over nulls, so a profile that clears something goes alone; so does one named by id only.
    if not isinstance(data, dict) or _clears(data):
        return None
    people = _people(data)
    return ("profiles", people, [data]) if people else None


def _import_body(_: Json, items: Sequence[Json]) -> Json:
    return {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": list(items)}}}}


def _clears(data: Json) -> bool:
    attributes = data.get("attributes", {})
    location = attributes.get("location") or {}
    return any(
        value is None for part in (attributes, location, attributes.get("properties") or {}) for value in part.values()
    )


def _look_at_consent(request: Request) -> Look | None:
    data = request.json.get("data", {})
    attributes = dict(data.get("attributes", {}))
    profiles = attributes.pop("profiles", None)
    if not isinstance(profiles, dict):
        return None
    group = request.path, orjson.dumps([attributes, data.get("relationships")], option=orjson.OPT_SORT_KEYS)
    items = list(profiles["data"])
    return group, [identity for item in items for identity in _people(item)], items


def _consent_body(first: Json, items: Sequence[Json]) -> Json:
    data = dict(first["data"])
    data["attributes"] = {**data["attributes"], "profiles": {"data": list(items)}}
    return {"data": data}


def _look_at_members(request: Request) -> Look | None:
    items = request.json.get("data")
    if not isinstance(items, list):
        return None
    ids = [item.get("id") for item in items]
    return ((request.method, request.path), ids, list(items)) if all(isinstance(each, str) for each in ids) else None


def _member_body(_: Json, items: Sequence[Json]) -> Json:
    return {"data": list(items)}


def _people(profile: Json) -> list[Hashable]:
    """Give every identifier of a profile: two items that share one may be one person."""
    attributes = profile.get("attributes", {})
    found: list[Hashable] = [(name, attributes[name]) for name in IDENTIFIERS if isinstance(attributes.get(name), str)]
    if isinstance(profile.get("id"), str):
        found.append(("id", profile["id"]))
    return found


_KINDS_BY_BULK = {
    kind.operation.name: kind
    for kind in (
        BulkKind(
            "events",
            BY_NAME["bulk_create_events"],
            _look_at_event,
            _event_body,
            keeps_order=True,
        ),
        BulkKind(
            "imports",
            BY_NAME["bulk_import_profiles"],
            _look_at_import,
            _import_body,
            follows=True,
        ),
        BulkKind("subscribe", BY_NAME["bulk_subscribe_profiles"], _look_at_consent, _consent_body),
        BulkKind("unsubscribe", BY_NAME["bulk_unsubscribe_profiles"], _look_at_consent, _consent_body),
        BulkKind("add to list", BY_NAME["add_profiles_to_list"], _look_at_members, _member_body),
        BulkKind("remove from list", BY_NAME["remove_profiles_from_list"], _look_at_members, _member_body),
    )
}

_KINDS = {(row.method, row.path): _KINDS_BY_BULK[row.bulk] for row in OPERATIONS if row.bulk and "{id}" not in row.path}
_LIST_KINDS = {row.method: _KINDS_BY_BULK[row.bulk] for row in OPERATIONS if row.bulk and "{id}" in row.path}
