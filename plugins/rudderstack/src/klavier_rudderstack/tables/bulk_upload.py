"""The traits that Klaviyo Bulk Upload sends as attributes of a profile; all others are custom properties.

Source: the observed import jobs of RudderStack's transformer and server; RudderStack's documents name the columns by
Klaviyo's attributes.
"""

REVISION = "2024-05-15"
"""The revision of RudderStack's import jobs."""

ATTRIBUTES = frozenset(
    {
        "email",
        "phone_number",
        "external_id",
        "anonymous_id",
        "_kx",
        "first_name",
        "last_name",
        "organization",
        "title",
        "image",
    }
)

LOCATION = frozenset({"address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "ip"})
"""The attributes of the location; `timezone` is a custom property."""

IDENTIFIER_TYPES = frozenset({"email", "phone_number", "external_id", "_kx"})
"""The identifier types of a row that are attributes as well; RudderStack itself sets only the email address."""

JOB_PROFILES = 10_000
JOB_BYTES = 4_600_000
"""The largest import job of RudderStack's server: Klaviyo takes 5 MB."""
