"""The differences between RudderStack's documents and its deployed code, as one table."""

from collections.abc import Mapping

from attrs import frozen

from klavier.vendor import FidelityTable
from klavier_rudderstack.tables import ecommerce, profile


@frozen
class Fidelity:
    """One column of the table: a field for each difference."""

    items_key: str
    """The property that holds the items of an ecommerce event."""
    item: Mapping[str, str]
    """Klaviyo's names of an item's parameters."""
    row_total_fallback: bool
    """Whether `row_total`, which the document's sample uses, stands in for a missing `total`."""
    ecommerce_extras: bool
    """Whether cloud mode sends the properties of an ecommerce event that no table renames."""
    screen_name: bool
    """Whether v1 uses the screen's name as the metric."""
    event_name_in_properties: bool
    """Whether v2 and v3 fall back to `properties.event` and `properties.name`, as v1 does."""
    group_needs_contact: bool
    """Whether a group call needs an email address or a phone number."""
    identify_needs_id: bool
    """Whether an identify call needs a user id, an email address or a phone number."""
    sms_consent: bool
    """Whether `smsConsent` and the setting `sms_consent` add or remove the SMS channel."""
    group_user_consent: bool
    """Whether the consent of a group call is also looked up in the traits of its user."""
    mapped_consent: bool
    """Whether a mapped identify call (reverse ETL) without `traits.properties` reads its consent from the traits."""
    adds_to_list: bool
    """Whether a profile is added to a known list when the event does not subscribe it."""
    anonymous_user_id: bool
    """Whether v2 and v3 fall back to the anonymous id where there is no user id; v1 always does."""
    v1_event_profile: profile.Table
    """Where v1 looks up the profile inside an event."""
    contact_in_properties: bool
    """Whether `properties.email` and `properties.phone` of an event identify its profile; both are always removed from
    the event's properties."""
    external_id_as_email: bool
    """Whether a subscription without an email address uses the first external id as one."""
    library_phone_check: bool
    """Whether v2 and v3 accept the phone numbers that RudderStack's library accepts once all but digits and + are
    removed; otherwise those that can be read without making another number of them."""
    sends_unchanged: bool
    """Whether the native wire sends values unchanged, even where Klaviyo refuses them, and reads text, booleans and
    consents as RudderStack's code does."""
    patch_after_create: bool
    """Whether v1 updates a profile that it has just created."""
    dots_nest: bool
    """Whether the name of a trait is a path: a dot in it nests the custom property, `items.0` is the first item of a
    list, and `address.city` is read where the trait `address` is missing."""
    device_names_as_given: bool
    """Whether device mode leaves event names unchanged."""
    device_plain_members: bool
    """Whether device mode also reads `traits` and `category`, where server SDKs put them, besides `context.traits` and
    `properties.category`, where the browser SDK puts them."""
    device_commerce: bool
    """Whether device mode maps ecommerce events as cloud mode does."""


DOCUMENTED = Fidelity(
    items_key="Items",
    item=ecommerce.ITEM,
    row_total_fallback=True,
    ecommerce_extras=True,
    screen_name=True,
    event_name_in_properties=True,
    group_needs_contact=True,
    identify_needs_id=True,
    sms_consent=True,
    group_user_consent=True,
    mapped_consent=True,
    adds_to_list=True,
    anonymous_user_id=True,
    v1_event_profile=profile.V1_EVENT,
    contact_in_properties=True,
    external_id_as_email=False,
    library_phone_check=False,
    sends_unchanged=False,
    patch_after_create=False,
    dots_nest=False,
    device_names_as_given=True,
    device_plain_members=True,
    device_commerce=True,
)

DEPLOYED = Fidelity(
    items_key="items",
    item=ecommerce.ITEM_DEPLOYED,
    row_total_fallback=False,
    ecommerce_extras=False,
    screen_name=False,
    event_name_in_properties=False,
    group_needs_contact=False,
    identify_needs_id=False,
    sms_consent=False,
    group_user_consent=False,
    mapped_consent=False,
    adds_to_list=False,
    anonymous_user_id=False,
    v1_event_profile=profile.V1_EVENT_DEPLOYED,
    contact_in_properties=False,
    external_id_as_email=True,
    library_phone_check=True,
    sends_unchanged=True,
    patch_after_create=True,
    dots_nest=True,
    device_names_as_given=False,
    device_plain_members=False,
    device_commerce=False,
)

FIDELITIES = FidelityTable(DOCUMENTED, DEPLOYED)
