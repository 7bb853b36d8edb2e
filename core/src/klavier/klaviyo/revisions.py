"""Klaviyo's API revisions that klavier uses.

Source: Klaviyo's API versioning policy; a revision is stable for a year, deprecated for a year, then retired.
"""

CURRENT = "2026-10-15"
"""The newest revision: that of `wire = "current"`."""

RETIRES = {
    "2023-02-22": "2025-02-22",
    "2024-05-15": "2026-05-15",
    "2024-10-15": "2026-10-15",
    "2025-01-15": "2027-01-15",
    "2026-04-15": "2028-04-15",
    "2026-07-15": "2028-07-15",
    "2026-10-15": "2028-10-15",
}
"""Each revision that a vendor names, and the day it is retired; then Klaviyo answers as the oldest it still serves."""
