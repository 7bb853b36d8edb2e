"""The bulk endpoints: which requests each can carry, and how a bulk body is built from them.

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
Content = tuple[Hashable, Collection[Hashable], list[Json]]
"""A request's group, the identities of its records, and those records as they stand in a bulk body."""


@frozen
class BulkEndpoint:
    """One bulk endpoint; requests of one group can be sent in one call of it.

    - `operation` is Klaviyo's: its path, how many records a body takes, and where in a body they stand.
    - `content` returns what a single request contributes to a bulk body, None where it must be sent singly. No two
      requests of one body may share an identity.
    - `body` returns the bulk body of many records like those of a `first` request's body.
    - `has_job`: Klaviyo replies with a job, whose errors are known later.
    - `keeps_order`: one body may hold several records of one profile, and Klaviyo applies them in their order (events
      have times of their own; profiles and consents would race).
    """

    operation: Operation
    content: Callable[[Request], Content | None]
    body: Callable[[Json, Sequence[Json]], Json]
    has_job: bool = False
    keeps_order: bool = False

    @property
    def limit(self) -> int:
        """How many records one body takes."""
        return self.operation.items

    @property
    def pointer(self) -> str:
        """The JSON pointer before the index of a record in the body."""
        return self.operation.items_at

    def path(self, first: Request) -> str:
        """Return the path of a bulk call like `first`; that of a list call is the request's own."""
        return first.path if "{id}" in self.operation.path else self.operation.path

    def request(self, first: Request, records: Sequence[Json]) -> Request:
        """Return the bulk request that holds many records like those of a `first` request."""
        return Request(
            self.operation.method, self.path(first), json=self.body(first.json, records), revision=first.revision
        )


def find_bulk_endpoint(request: Request) -> BulkEndpoint | None:
    """Return the bulk endpoint of a request by its method and path; None where it must be sent singly."""
    endpoint = _ENDPOINTS.get((request.method, request.path)) or _list_endpoint(request)
    # A bulk body holds no query parameters, and is of the newest revision.
    if endpoint is None or request.revision != CURRENT or request.params is not None or type(request.json) is not dict:
        return None
    return endpoint


def _list_endpoint(request: Request) -> BulkEndpoint | None:
    is_list = request.path.startswith("/api/lists/") and request.path.endswith("/relationships/profiles")
    return _LIST_ENDPOINTS.get(request.method) if is_list else None


def _event_content(request: Request) -> Content | None:
    attributes = dict(request.json["data"]["attributes"])
    profile, unique_id = attributes.pop("profile"), attributes.get("unique_id")
    name = attributes["metric"]["data"]["attributes"]["name"]
    # Without a unique_id Klaviyo distinguishes events by the second of their time; sent singly, that is the vendor's
    # responsibility.
    if not (unique_id and isinstance(unique_id, str) and isinstance(name, str) and isinstance(profile, dict)):
        return None
    # Klaviyo's identity of an event is profile, metric and unique_id; without the profile it is cheaper to compare, and
    # can only keep more events apart.
    identity = name, unique_id
    record: dict[str, Any] = {"profile": profile, "events": {"data": [{"type": "event", "attributes": attributes}]}}
    if "backfill" in attributes:
        record["backfill"] = attributes.pop("backfill")
    return "events", (identity,), [{"type": "event-bulk-create", "attributes": record}]


def _event_body(_: Json, records: Sequence[Json]) -> Json:
    attributes = {"events-bulk-create": {"data": list(records)}}
    return {"data": {"type": "event-bulk-create-job", "attributes": attributes}}


def _import_content(request: Request) -> Content | None:
    data = request.json.get("data")
    # Bulk import ignores nulls, so a profile that clears an attribute is sent singly; so is one identified by id only.
    if not isinstance(data, dict) or _has_null(data):
        return None
    identities = _profile_identities(data)
    return ("profiles", identities, [data]) if identities else None


def _import_body(_: Json, records: Sequence[Json]) -> Json:
    return {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": list(records)}}}}


def _has_null(data: Json) -> bool:
    attributes = data.get("attributes", {})
    location = attributes.get("location") or {}
    return any(
        value is None for part in (attributes, location, attributes.get("properties") or {}) for value in part.values()
    )


def _job_content(request: Request) -> Content | None:
    """Return the profiles of a job: a consent, or an import that the vendor itself makes as a job."""
    data = request.json.get("data", {})
    attributes = dict(data.get("attributes", {}))
    profiles = attributes.pop("profiles", None)
    if not isinstance(profiles, dict):
        return None
    group = request.path, orjson.dumps([attributes, data.get("relationships")], option=orjson.OPT_SORT_KEYS)
    records = list(profiles["data"])
    return group, [identity for record in records for identity in _profile_identities(record)], records


def _job_body(first: Json, records: Sequence[Json]) -> Json:
    data = dict(first["data"])
    data["attributes"] = {**data["attributes"], "profiles": {"data": list(records)}}
    return {"data": data}


def _member_content(request: Request) -> Content | None:
    records = request.json.get("data")
    if not isinstance(records, list):
        return None
    ids = [record.get("id") for record in records]
    return ((request.method, request.path), ids, list(records)) if all(isinstance(each, str) for each in ids) else None


def _member_body(_: Json, records: Sequence[Json]) -> Json:
    return {"data": list(records)}


def _profile_identities(profile: Json) -> list[Hashable]:
    """Return every identifier of a profile: two records that share one may be one profile."""
    attributes = profile.get("attributes", {})
    found: list[Hashable] = [(name, attributes[name]) for name in IDENTIFIERS if isinstance(attributes.get(name), str)]
    if isinstance(profile.get("id"), str):
        found.append(("id", profile["id"]))
    return found


BULK_ENDPOINTS = {
    endpoint.operation.name: endpoint
    for endpoint in (
        BulkEndpoint(BY_NAME["bulk_create_events"], _event_content, _event_body, keeps_order=True),
        BulkEndpoint(BY_NAME["bulk_import_profiles"], _import_content, _import_body, has_job=True),
        BulkEndpoint(BY_NAME["bulk_subscribe_profiles"], _job_content, _job_body),
        BulkEndpoint(BY_NAME["bulk_unsubscribe_profiles"], _job_content, _job_body),
        BulkEndpoint(BY_NAME["add_profiles_to_list"], _member_content, _member_body),
        BulkEndpoint(BY_NAME["remove_profiles_from_list"], _member_content, _member_body),
    )
}
"""By the name of Klaviyo's operation; which single operations use each is in `klavier.klaviyo.operations`."""

IMPORT_JOBS = BulkEndpoint(BY_NAME["bulk_import_profiles"], _job_content, _job_body)
"""For requests that are import jobs themselves. It has no `has_job`: sent singly, such a request is followed only where
its delivery sets `follows_jobs` (`send_single`), and then it is not combined with others (`BulkItem`)."""

_ENDPOINTS = {
    (row.method, row.path): BULK_ENDPOINTS[row.bulk] for row in OPERATIONS if row.bulk and "{id}" not in row.path
} | {
    ("POST", "/api/profile-bulk-import-jobs"): IMPORT_JOBS,
    # A bulkable flow that creates a profile, and updates it on a conflict, is an upsert, as an import is.
    ("POST", "/api/profiles"): BULK_ENDPOINTS["bulk_import_profiles"],
}
_LIST_ENDPOINTS = {row.method: BULK_ENDPOINTS[row.bulk] for row in OPERATIONS if row.bulk and "{id}" in row.path}
