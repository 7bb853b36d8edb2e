"""Klaviyo's operations as one table: paths, success statuses, replies, limits, bulk calls and revisions.

Source: Klaviyo's OpenAPI specification (operation ids, `x-klaviyo-ratelimit`), its rate-limit guide and its changelog;
limits as of revision 2026-10-15.  `klavier.klaviyo.limits` checks a body by its row's `limits`,
`klavier.worker.bulk.endpoints` packs the operations that have a `bulk` one, and the sandbox serves the table.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response


@frozen
class RateLimit:
    """Requests allowed in a fixed window of one second (`burst`) and of sixty seconds (`steady`), per account."""

    burst: int
    steady: int


XS = RateLimit(1, 15)
S = RateLimit(3, 60)
M = RateLimit(10, 150)
L = RateLimit(75, 750)
XL = RateLimit(350, 3500)
UNLIMITED = RateLimit(10**9, 10**9)
"""For the legacy calls, whose limits were never published."""

Limits = Literal["", "event", "events", "client events", "profile", "profiles", "client subscription", "members"]
"""The check of `klavier.klaviyo.limits` that a body must pass; empty where only its size is limited."""


@frozen
class Operation:
    """One row of the table.

    - `name` is Klaviyo's operation id; those of retired endpoints start with `legacy_` (v1 and v2) or `old_`.
    - `path` is without the trailing slash of old revisions; `{id}` stands for one quoted segment.
    - `success` are the statuses of a call that worked, the usual one first.
    - `rate` is the rate limit, `slower` are lower ones for some query parameters (`"include=lists"`), which Klaviyo
      counts for all operations together; `daily` is the number of calls a day, where that is limited too.
    - `items` is how many records one call takes, `items_at` the JSON pointer before the index of an item in the body.
    - `resource` is the type of the reply's `data`, an array where `many`; empty where the reply has no body.
    - `limits` names the check of the body, `bulk` the operation that carries many of these bodies in one call.
    - `since` is the first revision that has the operation, `until` the first one that does not; empty where unknown.
    - `idempotent`: whether a repeated call leaves the account as one call does (events by their unique id).
    """

    name: str
    method: str
    path: str
    success: tuple[int, ...]
    rate: RateLimit
    items: int = 1
    resource: str = field(default="", kw_only=True)
    many: bool = field(default=False, kw_only=True)
    items_at: str = field(default="", kw_only=True)
    limits: Limits = field(default="", kw_only=True)
    bulk: str = field(default="", kw_only=True)
    since: str = field(default="", kw_only=True)
    until: str = field(default="", kw_only=True)
    idempotent: bool = field(default=True, kw_only=True)
    daily: int | None = field(default=None, kw_only=True)
    slower: Mapping[str, RateLimit] = field(factory=dict, kw_only=True)

    @property
    def is_legacy(self) -> bool:
        """Whether the operation belongs to the v1 or v2 API, which knows no revisions."""
        return self.name.startswith("legacy_")


_PREDICTIVE = {"additional-fields[profile]=predictive_analytics": M}
_COUNTED = {"additional-fields[list]=profile_count": XS, "additional-fields[segment]=profile_count": XS}
_INCLUDED = {"include=lists": XS, "include=segments": XS}
_EVENTS_AT = "/data/attributes/events-bulk-create/data/"
_PROFILES_AT = "/data/attributes/profiles/data/"

# fmt: off
OPERATIONS: tuple[Operation, ...] = (
    #         name                                            method    path                                                          success rate items
    Operation("get_accounts",                                 "GET",    "/api/accounts",                                              (200,), XS, resource="account", many=True),
    Operation("get_account",                                  "GET",    "/api/accounts/{id}",                                         (200,), XS, resource="account"),
    Operation("create_event",                                 "POST",   "/api/events",                                                (202,), XL, limits="event", bulk="bulk_create_events"),
    Operation("bulk_create_events",                           "POST",   "/api/event-bulk-create-jobs",                                (202,), M, 1000, limits="events", items_at=_EVENTS_AT, since="2024-05-15"),
    Operation("get_events",                                   "GET",    "/api/events",                                                (200,), XL, resource="event", many=True),
    Operation("get_event",                                    "GET",    "/api/events/{id}",                                           (200,), M, resource="event"),
    Operation("get_metric_for_event",                         "GET",    "/api/events/{id}/metric",                                    (200,), XL, resource="metric"),
    Operation("get_metric_id_for_event",                      "GET",    "/api/events/{id}/relationships/metric",                      (200,), XL, resource="metric"),
    Operation("get_profile_for_event",                        "GET",    "/api/events/{id}/profile",                                   (200,), XL, resource="profile", slower=_PREDICTIVE),
    Operation("get_profile_id_for_event",                     "GET",    "/api/events/{id}/relationships/profile",                     (200,), XL, resource="profile"),
    Operation("get_metrics",                                  "GET",    "/api/metrics",                                               (200,), M, resource="metric", many=True),
    Operation("get_metric",                                   "GET",    "/api/metrics/{id}",                                          (200,), M, resource="metric"),
    Operation("query_metric_aggregates",                      "POST",   "/api/metric-aggregates",                                     (200,), S, resource="metric-aggregate"),
    Operation("create_or_update_profile",                     "POST",   "/api/profile-import",                                        (201, 200), L, resource="profile", limits="profile", bulk="bulk_import_profiles", since="2024-02-15", slower=_PREDICTIVE),
    Operation("get_profiles",                                 "GET",    "/api/profiles",                                              (200,), L, resource="profile", many=True, slower=_PREDICTIVE),
    Operation("create_profile",                               "POST",   "/api/profiles",                                              (201,), L, resource="profile", limits="profile", slower=_PREDICTIVE),
    Operation("get_profile",                                  "GET",    "/api/profiles/{id}",                                         (200,), L, resource="profile", slower=_PREDICTIVE | _INCLUDED),
    Operation("update_profile",                               "PATCH",  "/api/profiles/{id}",                                         (200,), L, resource="profile", limits="profile", slower=_PREDICTIVE),
    Operation("get_lists_for_profile",                        "GET",    "/api/profiles/{id}/lists",                                   (200,), S, resource="list", many=True),
    Operation("get_list_ids_for_profile",                     "GET",    "/api/profiles/{id}/relationships/lists",                     (200,), S, resource="list", many=True),
    Operation("get_segments_for_profile",                     "GET",    "/api/profiles/{id}/segments",                                (200,), S, resource="segment", many=True),
    Operation("get_segment_ids_for_profile",                  "GET",    "/api/profiles/{id}/relationships/segments",                  (200,), S, resource="segment", many=True),
    Operation("merge_profiles",                               "POST",   "/api/profile-merge",                                         (201,), M, resource="profile", since="2023-09-15"),
    Operation("bulk_import_profiles",                         "POST",   "/api/profile-bulk-import-jobs",                              (202,), M, 10_000, resource="profile-bulk-import-job", limits="profiles", items_at=_PROFILES_AT, since="2023-12-15"),
    Operation("get_bulk_import_profiles_jobs",                "GET",    "/api/profile-bulk-import-jobs",                              (200,), M, resource="profile-bulk-import-job", many=True, since="2023-12-15"),
    Operation("get_bulk_import_profiles_job",                 "GET",    "/api/profile-bulk-import-jobs/{id}",                         (200,), M, resource="profile-bulk-import-job", since="2023-12-15"),
    Operation("get_errors_for_bulk_import_profiles_job",      "GET",    "/api/profile-bulk-import-jobs/{id}/import-errors",           (200,), M, resource="import-error", many=True, since="2023-12-15"),
    Operation("get_profiles_for_bulk_import_profiles_job",    "GET",    "/api/profile-bulk-import-jobs/{id}/profiles",                (200,), M, resource="profile", many=True, since="2023-12-15", slower=_PREDICTIVE),
    Operation("get_profile_ids_for_bulk_import_profiles_job", "GET",    "/api/profile-bulk-import-jobs/{id}/relationships/profiles",  (200,), M, resource="profile", many=True, since="2023-12-15"),
    Operation("get_list_for_bulk_import_profiles_job",        "GET",    "/api/profile-bulk-import-jobs/{id}/lists",                   (200,), M, resource="list", many=True, since="2023-12-15"),
    Operation("get_list_ids_for_bulk_import_profiles_job",    "GET",    "/api/profile-bulk-import-jobs/{id}/relationships/lists",     (200,), M, resource="list", many=True, since="2023-12-15"),
    Operation("bulk_subscribe_profiles",                      "POST",   "/api/profile-subscription-bulk-create-jobs",                 (202,), L, 1000, limits="profiles", bulk="bulk_subscribe_profiles", items_at=_PROFILES_AT),
    Operation("bulk_unsubscribe_profiles",                    "POST",   "/api/profile-subscription-bulk-delete-jobs",                 (202,), L, 100, limits="profiles", bulk="bulk_unsubscribe_profiles", items_at=_PROFILES_AT, since="2023-07-15"),
    Operation("old_unsubscribe_profiles",                     "POST",   "/api/profile-unsubscription-bulk-create-jobs",               (202,), L, 100, until="2023-07-15"),
    Operation("bulk_suppress_profiles",                       "POST",   "/api/profile-suppression-bulk-create-jobs",                  (202,), L, 100, resource="profile-suppression-bulk-create-job", limits="profiles", items_at=_PROFILES_AT),
    Operation("get_bulk_suppress_profiles_jobs",              "GET",    "/api/profile-suppression-bulk-create-jobs",                  (200,), L, resource="profile-suppression-bulk-create-job", many=True, since="2024-10-15"),
    Operation("get_bulk_suppress_profiles_job",               "GET",    "/api/profile-suppression-bulk-create-jobs/{id}",             (200,), L, resource="profile-suppression-bulk-create-job", since="2024-10-15"),
    Operation("bulk_unsuppress_profiles",                     "POST",   "/api/profile-suppression-bulk-delete-jobs",                  (202,), L, 100, resource="profile-suppression-bulk-delete-job", limits="profiles", items_at=_PROFILES_AT, since="2023-07-15"),
    Operation("get_bulk_unsuppress_profiles_jobs",            "GET",    "/api/profile-suppression-bulk-delete-jobs",                  (200,), L, resource="profile-suppression-bulk-delete-job", many=True, since="2024-10-15"),
    Operation("get_bulk_unsuppress_profiles_job",             "GET",    "/api/profile-suppression-bulk-delete-jobs/{id}",             (200,), L, resource="profile-suppression-bulk-delete-job", since="2024-10-15"),
    Operation("old_unsuppress_profiles",                      "POST",   "/api/profile-unsuppression-bulk-create-jobs",                (202,), L, 100, until="2023-07-15"),
    Operation("get_lists",                                    "GET",    "/api/lists",                                                 (200,), L, resource="list", many=True),
    Operation("create_list",                                  "POST",   "/api/lists",                                                 (201,), M, resource="list", idempotent=False, daily=150),
    Operation("get_list",                                     "GET",    "/api/lists/{id}",                                            (200,), L, resource="list", slower=_COUNTED),
    Operation("update_list",                                  "PATCH",  "/api/lists/{id}",                                            (200,), M, resource="list"),
    Operation("delete_list",                                  "DELETE", "/api/lists/{id}",                                            (204,), M),
    Operation("get_profiles_for_list",                        "GET",    "/api/lists/{id}/profiles",                                   (200,), L, resource="profile", many=True, slower=_PREDICTIVE),
    Operation("get_profile_ids_for_list",                     "GET",    "/api/lists/{id}/relationships/profiles",                     (200,), L, resource="profile", many=True),
    Operation("add_profiles_to_list",                         "POST",   "/api/lists/{id}/relationships/profiles",                     (204,), M, 1000, limits="members", bulk="add_profiles_to_list", items_at="/data/"),
    Operation("remove_profiles_from_list",                    "DELETE", "/api/lists/{id}/relationships/profiles",                     (204,), M, 1000, limits="members", bulk="remove_profiles_from_list", items_at="/data/"),
    Operation("get_segments",                                 "GET",    "/api/segments",                                              (200,), L, resource="segment", many=True),
    Operation("get_segment",                                  "GET",    "/api/segments/{id}",                                         (200,), L, resource="segment", slower=_COUNTED),
    Operation("get_profiles_for_segment",                     "GET",    "/api/segments/{id}/profiles",                                (200,), L, resource="profile", many=True, slower=_PREDICTIVE),
    Operation("get_profile_ids_for_segment",                  "GET",    "/api/segments/{id}/relationships/profiles",                  (200,), L, resource="profile", many=True),
    Operation("request_profile_deletion",                     "POST",   "/api/data-privacy-deletion-jobs",                            (202,), S),
    Operation("create_client_event",                          "POST",   "/client/events",                                             (202,), XL, limits="event"),
    Operation("bulk_create_client_events",                    "POST",   "/client/event-bulk-create",                                  (202,), M, 1000, limits="client events", since="2023-07-15"),
    Operation("create_client_profile",                        "POST",   "/client/profiles",                                           (202,), XL, limits="profile"),
    Operation("create_client_subscription",                   "POST",   "/client/subscriptions",                                      (202,), RateLimit(350, 750), limits="client subscription"),
    Operation("legacy_track",                                 "GET",    "/api/track",                                                 (200,), UNLIMITED),
    Operation("legacy_track_form",                            "POST",   "/api/track",                                                 (200,), UNLIMITED),
    Operation("legacy_identify",                              "GET",    "/api/identify",                                              (200,), UNLIMITED),
    Operation("legacy_identify_form",                         "POST",   "/api/identify",                                              (200,), UNLIMITED),
    Operation("legacy_add_member",                            "POST",   "/api/v1/list/{id}/members",                                  (200,), UNLIMITED),
    Operation("legacy_add_members",                           "POST",   "/api/v2/list/{id}/members",                                  (200,), UNLIMITED),
    Operation("legacy_subscribe",                             "POST",   "/api/v2/list/{id}/subscribe",                                (200,), UNLIMITED),
)
# fmt: on
"""Every operation that klavier calls or the sandbox serves."""

BY_NAME: Mapping[str, Operation] = {row.name: row for row in OPERATIONS}

_EXACT = {(row.method, row.path): row for row in OPERATIONS if "{" not in row.path}
_PATTERNS = [
    (row.method, re.compile(re.escape(row.path).replace(r"\{id\}", "([^/]+)")), row)
    for row in OPERATIONS
    if "{" in row.path
]


def find_operation(method: str, path: str) -> Operation | None:
    """Return the operation of a call; None for one that the table does not have."""
    path = path.rstrip("/")
    found = _EXACT.get((method, path))
    if found is not None:
        return found
    for its_method, pattern, row in _PATTERNS:
        if its_method == method and pattern.fullmatch(path):
            return row
    return None


_ACCEPTED = Response(202, {})
_LEGACY_ACCEPTED = Response(200, 1)


def usual_success(request: Request) -> Response:
    """Return a stub success response; an id in it, where one is due, depends on the request alone."""
    operation = find_operation(request.method, request.path)
    if operation is None:
        return Response(200, {})
    if operation.is_legacy:
        return _LEGACY_ACCEPTED if operation.path in ("/api/track", "/api/identify") else Response(200, [])
    status = operation.success[0]
    if operation.resource:
        return Response(status, {"data": [] if operation.many else _resource(operation, request)})
    return Response(204) if status == 204 else _ACCEPTED  # noqa: PLR2004 -- No Content


def _resource(operation: Operation, request: Request) -> dict[str, Any]:
    if "{id}" in operation.path:
        found = request.path.rstrip("/").split("/")[3]
    else:
        digest = hashlib.sha256(request.path.encode() + request.body).hexdigest()
        found = f"01{digest[:24].upper()}"
    attributes = {"status": "complete"} if operation.name == "get_bulk_import_profiles_job" else {}
    return {"type": operation.resource, "id": found, "attributes": attributes}
