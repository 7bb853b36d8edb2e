"""The fields of each action, in the order of Segment's document: name, kind, default, rules.

Source: the tables of "Available Actions" in Segment's document of Klaviyo (Actions); defaults, limits and fields that
it does not list (country code of a profile, batch size) as observed.
"""

from klavier_segment_actions.payload.fields import Field

EXTERNAL_ID = 255
METRIC_NAME = 127


def path(where: str) -> dict[str, str]:
    """Return a mapping of the value at a path."""
    return {"@path": where}


def first_of(*where: str) -> object:
    """Return a mapping of the first of two paths that has a value."""
    return {"@if": {"exists": path(where[0]), "then": path(where[0]), "else": path(where[1])}}


def address(root: str) -> dict[str, object]:
    """Return a mapping of a Segment address to a Klaviyo location."""
    return {
        "city": path(f"{root}.city"),
        "region": path(f"{root}.state"),
        "zip": path(f"{root}.postal_code"),
        "address1": path(f"{root}.street"),
        "country": path(f"{root}.country"),
    }


AUDIENCE_LIST = first_of("$.context.personas.audience_settings.listId", "$.context.personas.external_audience_id")

# fmt: off
LOCATION = tuple(
    Field(name,           "string",   nullable=True)
    for name in ("address1", "address2", "city", "region", "zip", "latitude", "longitude", "country")
)
COUNTRY_CODE =     Field("country_code",       "string",   country=True, doc="Country of a phone number that is not in E.164 format.")
EXTERNAL_ID_FIELD = Field("external_id",       "string",   identifier=True, longest=EXTERNAL_ID, doc="The profile's id in other systems.")
ENABLE_BATCHING =  Field("enable_batching",    "boolean",  doc="Whether to use Klaviyo's bulk endpoints.")
LIST_ID =          Field("list_id",            "string",   doc="The Klaviyo list.")

EVENT_PROFILE = Field("profile", "object", required=True, doc="The profile of the event; other members are sent too.", members=(
    Field("external_id",      "string",   path("$.userId"),      identifier=True, longest=EXTERNAL_ID),
    Field("anonymous_id",     "string",   path("$.anonymousId"), identifier=True),
    Field("email",            "string",   identifier=True, email=True),
    Field("phone_number",     "string",   identifier=True),
    COUNTRY_CODE,
))
EVENT = (
    Field("properties",       "object",   path("$.properties"), required=True, doc="Properties of the event."),
    Field("time",             "datetime", path("$.timestamp"),  doc="Time of the event."),
    Field("value",            "number",   doc="Monetary value, such as an order's total."),
    Field("unique_id",        "string",   path("$.messageId"),  doc="Klaviyo keeps one event per profile, metric and unique id."),
)

TRACK_EVENT = (
    EVENT_PROFILE,
    Field("metric_name",      "string",   path("$.event"), required=True, longest=METRIC_NAME, doc="Name of the event."),
    *EVENT,
    ENABLE_BATCHING,
)

ORDER_COMPLETED = (
    Field("profile", "object", required=True, doc=EVENT_PROFILE.doc, members=tuple(
        Field(f.name, f.kind, f.default, identifier=f.identifier, longest=f.longest, country=f.country) for f in EVENT_PROFILE.members
    )),
    *EVENT,
    Field("products",           "objects", doc="The products of the order; each becomes an event."),
    Field("event_name",         "string",  "Order Completed", longest=METRIC_NAME, doc="Metric of the order."),
    Field("product_event_name", "string",  "Ordered Product", longest=METRIC_NAME, doc="Metric of each product."),
)

UPSERT_PROFILE = (
    Field("email",            "string",   path("$.traits.email"),         identifier=True, email=True, doc="Email address."),
    Field("phone_number",     "string",   path("$.context.traits.phone"), identifier=True, doc="Phone number."),
    COUNTRY_CODE,
    EXTERNAL_ID_FIELD,
    Field("first_name",       "string",   path("$.traits.firstName"),     doc="First name."),
    Field("last_name",        "string",   path("$.traits.lastName"),      doc="Last name."),
    Field("organization",     "string",   path("$.traits.company.name"),  doc="Company of the profile."),
    Field("title",            "string",   path("$.traits.title"),         doc="Job title."),
    Field("image",            "string",   path("$.traits.avatar"),        doc="URL of a picture."),
    Field("location",         "object",   address("$.traits.address"), members=LOCATION, extra=False, doc="Address."),
    Field("properties",       "object",   path("$.properties"),           doc="Custom properties of the profile."),
    LIST_ID,
    Field("override_list_id", "string",   path("$.integrations.Klaviyo.listId"), doc="A list that overrides list_id."),
    ENABLE_BATCHING,
)

ADD_PROFILE_TO_LIST = (
    Field("email",            "string",   path("$.context.traits.email"), identifier=True, email=True, strict_email=True, doc="Email address."),
    Field("phone_number",     "string",   path("$.context.traits.phone"), identifier=True, doc="Phone number."),
    COUNTRY_CODE,
    EXTERNAL_ID_FIELD,
    Field("list_id",          "string",   AUDIENCE_LIST, required=True, audience=True, doc="The list of the audience."),
    Field("first_name",       "string",   path("$.properties.firstName"),    doc="First name."),
    Field("last_name",        "string",   path("$.properties.lastName"),     doc="Last name."),
    Field("organization",     "string",   path("$.properties.company.name"), doc="Company of the profile."),
    Field("title",            "string",   path("$.properties.title"),        doc="Job title."),
    Field("image",            "string",   path("$.properties.avatar"),       doc="URL of a picture."),
    Field("location",         "object",   address("$.properties.address"), members=LOCATION, extra=False, doc="Address."),
    Field("properties",       "object",   path("$.properties.properties"),   doc="Custom properties of the profile."),
    ENABLE_BATCHING,
)

REMOVE_PROFILE_FROM_LIST = (
    Field("email",            "string",   path("$.context.traits.email"), identifier=True, email=True, doc="Email address."),
    Field("phone_number",     "string",   path("$.context.traits.phone"), identifier=True, doc="Phone number."),
    COUNTRY_CODE,
    EXTERNAL_ID_FIELD,
    Field("list_id",          "string",   AUDIENCE_LIST, required=True, audience=True, doc="The list of the audience."),
    ENABLE_BATCHING,
)

REMOVE_PROFILE = (
    Field("email",            "string",   path("$.traits.email"), identifier=True, email=True, doc="Email address."),
    Field("phone_number",     "string",   path("$.traits.phone"), identifier=True, doc="Phone number."),
    COUNTRY_CODE,
    EXTERNAL_ID_FIELD,
    Field("list_id",          "string",   required=True, doc="The Klaviyo list to remove the profile from."),
    ENABLE_BATCHING,
)

SUBSCRIBE_PROFILE = (
    Field("email",            "string",   first_of("$.traits.email", "$.context.traits.email"), identifier=True, email=True, doc="Email address to subscribe."),
    Field("phone_number",     "string",   first_of("$.traits.phone", "$.context.traits.phone"), identifier=True, doc="Phone number to subscribe."),
    COUNTRY_CODE,
    LIST_ID,
    Field("custom_source",    "string",   "-59", doc="Source of the consent; -59 is Segment."),
    Field("historical_import", "boolean", default=False, doc="Whether the consent is older; Klaviyo then sends no opt-in message."),
    Field("consented_at",     "datetime", path("$.timestamp"), as_given=True, doc="Time of the consent (historical imports)."),
    ENABLE_BATCHING,
)

UNSUBSCRIBE_PROFILE = (
    Field("email",            "string",   first_of("$.traits.email", "$.context.traits.email"), identifier=True, email=True, doc="Email address to unsubscribe."),
    Field("phone_number",     "string",   first_of("$.traits.phone", "$.context.traits.phone"), identifier=True, doc="Phone number to unsubscribe."),
    COUNTRY_CODE,
    LIST_ID,
    ENABLE_BATCHING,
)
# fmt: on
