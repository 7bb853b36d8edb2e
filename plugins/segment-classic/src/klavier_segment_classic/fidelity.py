"""Every difference between Segment's document and its implementation, as one table.

Source: Segment's page on its Klaviyo destination; server side 1.4.2 and browser 2.2.6 as observed.
"""

from attrs import frozen

from klavier.vendor import FidelityTable


@frozen
class Fidelity:
    """One column of the table; each field is one difference."""

    custom_id: bool
    """enforce_email: the user id becomes the custom property `id`, which the implementation deletes."""
    must_identify: bool
    """An event without any identifier is rejected, and the anonymous id is one only with send_anonymous."""
    phone_number_trait: bool
    """The trait `phoneNumber` becomes `$phone_number`."""
    timezone_trait: bool
    """The trait `timezone` becomes `$timezone`."""
    last_name_after_padding: bool
    """The last name is cut from the trimmed name, so that blanks before the name do not shorten it."""
    event_id_first: bool
    """`eventId` becomes `$event_id` before `orderId`, in orders too, and `id` does not."""
    unused_kept: bool
    """A trait that another one replaces is kept in the browser, such as `phone` beside `phoneNumber`."""
    order_name_in_browser: str | None
    """The name of a completed order in device mode; None keeps the event's own name."""
    user_id_for_all: bool
    """Without send_anonymous every message needs a user id, not only identify."""
    products_need_id: bool
    """A product without id, product id and sku is left out, since Klaviyo would reject it."""
    mobile: bool
    """Messages of mobile libraries are sent too."""
    email_in_orders: bool
    """Order calls contain `$email` where it is known."""
    reads_as_javascript: bool
    """Times, amounts and flags are read as JavaScript does: `"1,234"` is 1, a timestamp of null is the year 1970.

    Only on the native wire: on the current one they are read as `klavier.values` does, in both fidelities.
    """
    confirm_optin: bool | None
    """The value of `confirm_optin` where the setting is not given; None sends none."""
    audience_names: bool
    """An audience's trait is snake_cased where its sender left that out."""


DOCUMENTED = Fidelity(
    custom_id=True,
    must_identify=True,
    phone_number_trait=True,
    timezone_trait=True,
    last_name_after_padding=True,
    event_id_first=True,
    unused_kept=True,
    order_name_in_browser="Order Completed",
    user_id_for_all=False,
    products_need_id=True,
    mobile=True,
    email_in_orders=True,
    reads_as_javascript=False,
    confirm_optin=True,
    audience_names=True,
)

DEPLOYED = Fidelity(
    custom_id=False,
    must_identify=False,
    phone_number_trait=False,
    timezone_trait=False,
    last_name_after_padding=False,
    event_id_first=False,
    unused_kept=False,
    order_name_in_browser=None,
    user_id_for_all=True,
    products_need_id=False,
    mobile=False,
    email_in_orders=False,
    reads_as_javascript=True,
    confirm_optin=None,
    audience_names=False,
)

FIDELITIES = FidelityTable(DOCUMENTED, DEPLOYED)
