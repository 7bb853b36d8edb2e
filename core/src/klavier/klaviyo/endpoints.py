"""Klaviyo's endpoints as one table: their usual success, their limits, their rate limits.

Source: Klaviyo's OpenAPI specification (`x-klaviyo-ratelimit`) and rate-limit guide; limits as of revision 2026-10-15.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

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


@frozen
class Endpoint:
    """One row of the table.

    `items` is how many records one call takes, `success` the status of a call that worked.
    """

    operation: str
    method: str
    path: str
    success: int
    rate: RateLimit
    items: int = 1


# fmt: off
ENDPOINTS: tuple[Endpoint, ...] = (
    #         operation                     method    path                                                  success rate items
    Endpoint("get_accounts",               "GET",    "/api/accounts",                                       200, XS),
    Endpoint("create_event",               "POST",   "/api/events",                                         202, XL),
    Endpoint("bulk_create_events",         "POST",   "/api/event-bulk-create-jobs",                         202, M, 1000),
    Endpoint("create_or_update_profile",   "POST",   "/api/profile-import",                                 201, L),
    Endpoint("get_profiles",               "GET",    "/api/profiles",                                       200, L, 100),
    Endpoint("create_profile",             "POST",   "/api/profiles",                                       201, L),
    Endpoint("get_profile",                "GET",    "/api/profiles/{id}",                                  200, L),
    Endpoint("update_profile",             "PATCH",  "/api/profiles/{id}",                                  200, L),
    Endpoint("merge_profiles",             "POST",   "/api/profile-merge",                                  202, M),
    Endpoint("bulk_import_profiles",       "POST",   "/api/profile-bulk-import-jobs",                       202, M, 10_000),
    Endpoint("get_import_job",             "GET",    "/api/profile-bulk-import-jobs/{id}",                  200, M),
    Endpoint("get_import_errors",          "GET",    "/api/profile-bulk-import-jobs/{id}/import-errors",    200, M, 100),
    Endpoint("bulk_subscribe_profiles",    "POST",   "/api/profile-subscription-bulk-create-jobs",          202, L, 1000),
    Endpoint("bulk_unsubscribe_profiles",  "POST",   "/api/profile-subscription-bulk-delete-jobs",          202, L, 100),
    Endpoint("bulk_suppress_profiles",     "POST",   "/api/profile-suppression-bulk-create-jobs",           202, L, 100),
    Endpoint("bulk_unsuppress_profiles",   "POST",   "/api/profile-suppression-bulk-delete-jobs",           202, L, 100),
    Endpoint("get_lists",                  "GET",    "/api/lists",                                          200, L, 100),
    Endpoint("create_list",                "POST",   "/api/lists",                                          201, M),
    Endpoint("get_list",                   "GET",    "/api/lists/{id}",                                     200, L),
    Endpoint("get_list_profiles",          "GET",    "/api/lists/{id}/relationships/profiles",              200, L, 100),
    Endpoint("add_profiles_to_list",       "POST",   "/api/lists/{id}/relationships/profiles",              204, M, 1000),
    Endpoint("remove_profiles_from_list",  "DELETE", "/api/lists/{id}/relationships/profiles",              204, M, 1000),
    Endpoint("request_profile_deletion",   "POST",   "/api/data-privacy-deletion-jobs",                     202, S),
    Endpoint("create_client_event",        "POST",   "/client/events",                                      202, XL),
    Endpoint("bulk_create_client_events",  "POST",   "/client/event-bulk-create",                           202, M, 1000),
    Endpoint("create_client_profile",      "POST",   "/client/profiles",                                    202, XL),
    Endpoint("create_client_subscription", "POST",   "/client/subscriptions",                               202, RateLimit(350, 750)),
    Endpoint("legacy_track",               "GET",    "/api/track",                                          200, UNLIMITED),
    Endpoint("legacy_track_form",          "POST",   "/api/track",                                          200, UNLIMITED),
    Endpoint("legacy_identify",            "GET",    "/api/identify",                                       200, UNLIMITED),
    Endpoint("legacy_identify_form",       "POST",   "/api/identify",                                       200, UNLIMITED),
    Endpoint("legacy_add_member",          "POST",   "/api/v1/list/{id}/members",                           200, UNLIMITED),
    Endpoint("legacy_add_members",         "POST",   "/api/v2/list/{id}/members",                           200, UNLIMITED),
    Endpoint("legacy_subscribe",           "POST",   "/api/v2/list/{id}/subscribe",                         200, UNLIMITED),
)
# fmt: on
"""Every endpoint that klavier calls or the sandbox serves; paths without the trailing slash that old revisions had."""

_EXACT = {(row.method, row.path): row for row in ENDPOINTS if "{" not in row.path}
_PATTERNS = [
    (row.method, re.compile(re.escape(row.path).replace(r"\{id\}", "([^/]+)")), row)
    for row in ENDPOINTS
    if "{" in row.path
]


def find_endpoint(method: str, path: str) -> Endpoint | None:
    """Give the endpoint of a call, None for one that the table does not know."""
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
    """Give the reply that a call gets on a good day, with an id that depends on the call alone where one is due."""
    endpoint = find_endpoint(request.method, request.path)
    if endpoint is None:
        return Response(200, {})
    if endpoint.operation.startswith("legacy_"):
        return _LEGACY_ACCEPTED if endpoint.path in ("/api/track", "/api/identify") else Response(200, [])
    if endpoint.success == 204:  # noqa: PLR2004 -- No Content
        return Response(204)
    if endpoint.operation in _WITH_RESOURCE:
        return Response(endpoint.success, {"data": _resource(endpoint, request)})
    if endpoint.operation in _WITH_RESOURCES:
        return Response(endpoint.success, {"data": []})
    return _ACCEPTED if endpoint.success == 202 else Response(endpoint.success, {})  # noqa: PLR2004 -- Accepted


_WITH_RESOURCE: Mapping[str, str] = {
    "create_or_update_profile": "profile",
    "create_profile": "profile",
    "get_profile": "profile",
    "update_profile": "profile",
    "create_list": "list",
    "get_list": "list",
    "bulk_import_profiles": "profile-bulk-import-job",
    "get_import_job": "profile-bulk-import-job",
}
_WITH_RESOURCES = frozenset({"get_accounts", "get_profiles", "get_lists", "get_list_profiles", "get_import_errors"})


def _resource(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    if "{id}" in endpoint.path:
        found = request.path.rstrip("/").split("/")[3]
    else:
        digest = hashlib.sha256(request.path.encode() + request.body).hexdigest()
        found = f"01{digest[:24].upper()}"
    resource: dict[str, Any] = {"type": _WITH_RESOURCE[endpoint.operation], "id": found, "attributes": {}}
    if endpoint.operation == "get_import_job":
        resource["attributes"] = {"status": "complete"}
    return resource
