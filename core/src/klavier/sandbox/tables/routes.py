"""What the sandbox serves besides the endpoints that klavier calls, and since when each endpoint exists.

Source: Klaviyo's OpenAPI specification, one branch a revision.
"""

from klavier.klaviyo.endpoints import ENDPOINTS, XL, Endpoint, L, M

# fmt: off
SERVED: tuple[Endpoint, ...] = (
    *ENDPOINTS,
    #         operation                   method   path                                          success rate items
    Endpoint("get_events",               "GET",   "/api/events",                                 200, XL, 200),
    Endpoint("get_metrics",              "GET",   "/api/metrics",                                200, M, 200),
    Endpoint("old_unsubscribe_profiles", "POST",  "/api/profile-unsubscription-bulk-create-jobs", 202, L, 100),
    Endpoint("old_unsuppress_profiles",  "POST",  "/api/profile-unsuppression-bulk-create-jobs",  202, L, 100),
)

EXISTS_SINCE: dict[str, str] = {
    # operation                    change of the table CHANGES
    "bulk_create_client_events":   "profiles in jobs",
    "bulk_unsubscribe_profiles":   "profiles in jobs",
    "bulk_unsuppress_profiles":    "profiles in jobs",
    "merge_profiles":              "profile-merge",
    "bulk_import_profiles":        "bulk import",
    "get_import_job":              "bulk import",
    "get_import_errors":           "bulk import",
    "create_or_update_profile":    "profile-import",
    "bulk_create_events":          "bulk events",
}

GONE_SINCE: dict[str, str] = {
    "old_unsubscribe_profiles":    "profiles in jobs",
    "old_unsuppress_profiles":     "profiles in jobs",
}

DAILY: dict[str, int] = {
    "create_list": 150,
}
"""Calls a day, where an endpoint has such a limit besides the two windows."""
# fmt: on
