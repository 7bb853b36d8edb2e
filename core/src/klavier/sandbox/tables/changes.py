"""What changed in which revision, as far as the calls that the sandbox serves are concerned.

Source: Klaviyo's OpenAPI specification, one branch a revision, and its API changelog.
"""

# fmt: off
CHANGES: dict[str, str] = {
    # what it is                       since
    "profiles in jobs":               "2023-07-15",  # list and profile relationships instead of list_id, subscriptions[], emails[]; event profile.data
    "patch_properties":               "2023-07-15",
    "_kx":                            "2023-09-15",  # and location.ip
    "profile-merge":                  "2023-09-15",
    "consent objects":                "2023-10-15",  # {marketing: {consent: SUBSCRIBED}} instead of ["MARKETING"]
    "bulk import":                    "2023-12-15",
    "list optional on subscribe":     "2023-12-15",
    "consented_at":                   "2023-12-15",
    "profile-import":                 "2024-02-15",
    "nulls":                          "2024-02-15",
    "value_currency":                 "2024-02-15",
    "event meta inside attributes":   "2024-02-15",
    "bulk events":                    "2024-05-15",
    "age_gated_date_of_birth":        "2024-05-15",
    "subscribe 1000":                 "2024-07-15",  # 100 profiles a call before
    "historical_import":              "2024-07-15",
    "locale":                         "2024-07-15",
    "sms.transactional":              "2024-10-15",
    "unsubscribe by channel":         "2024-10-15",
    "subscriptions required":         "2025-01-15",
    "client list required":           "2025-01-15",
    "unique_id once a body":          "2025-01-15",
    "400 properties":                 "2025-04-15",  # 300 before
    "whatsapp":                       "2025-07-15",
    "anonymous_id of events only":    "2025-10-15",
    "opt_in_process":                 "2025-10-15",
    "push":                           "2026-01-15",
    "backfill":                       "2026-04-15",
    "patch_identifiers":              "2026-04-15",
    "email.open_tracking":            "2026-04-15",  # and email.marketing is no longer required inside email
    "times since 1990":               "2026-07-15",  # since 2000 before
    "event meta beside attributes":   "2026-10-15",
    "email.click_tracking":           "2026-10-15",
}
# fmt: on
"""Each change by name, and the first revision that has it."""
