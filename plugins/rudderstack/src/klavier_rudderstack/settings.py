"""RudderStack's settings for its Klaviyo destination."""

import re

from attrs import frozen

from klavier import setting
from klavier.vendor import ConnectionMode, FidelityName, Wire
from klavier_rudderstack.tables.versions import VERSIONS

CHANNELS = ("email", "web", "sms", "directmail", "mobile")
"""The values of Klaviyo's special property `$consent`."""

_VERSION = re.compile(r"v?[0-9.-]{1,12}")


def _check_version(value: str) -> None:
    if value not in VERSIONS:
        shown = value if _VERSION.fullmatch(value) else "(text)"
        raise ValueError(f"Unsupported Klaviyo apiVersion: {shown}; use one of {', '.join(VERSIONS)}")


def _check_channels(value: str | tuple[str, ...] | None) -> None:
    given = (value,) if isinstance(value, str) else value or ()
    if any(channel not in CHANNELS for channel in given if channel):
        raise ValueError(f"must be one or more of {', '.join(CHANNELS)}")


@frozen
class Settings:
    """The settings of RudderStack's dashboard in snake_case, and klavier's own: fidelity and wire."""

    public_api_key: str = setting(
        "", klaviyo="public_api_key", doc="Public key of the Klaviyo account; device mode needs it."
    )
    private_api_key: str = setting(
        "", klaviyo="private_api_key", secret=True, doc="Private key of the Klaviyo account; cloud mode needs it."
    )
    list_id: str = setting("", doc="List that identified profiles join or subscribe to, unless an event names one.")
    consent: str | tuple[str, ...] | None = setting(
        None, validator=_check_channels, doc="Consents of subscriptions: email, web, sms, directmail, mobile."
    )
    sms_consent: bool | None = setting(
        None, doc="Whether subscriptions include SMS, whatever the consent; not set: the consent decides."
    )
    send_page_as_track: bool = setting(default=False, doc="Send page calls as events that name the page (device mode).")
    additional_page_info: bool = setting(
        default=False, doc="Send the properties of page calls with those events (device mode)."
    )
    enforce_email_as_primary: bool = setting(
        default=False, doc="Identify profiles by email and phone alone; the user id becomes the custom property _id."
    )
    flatten_properties: bool = setting(default=False, doc="Flatten nested properties into keys such as a.b and c[0].d.")
    api_version: str = setting("v1", validator=_check_version, doc="Version of the destination: v1, v2 or v3.")
    connection_mode: ConnectionMode = setting(
        "cloud", doc="Act as RudderStack's servers (cloud) or as its browser code (device)."
    )
    bulk_upload: bool = setting(
        default=False,
        doc="Act as the destination Klaviyo Bulk Upload: import rows of reverse ETL in bulk (cloud mode).",
    )
    fidelity: FidelityName = setting(
        "documented", doc="Follow RudderStack's documents (documented) or its observed behavior (deployed)."
    )
    wire: Wire = setting(
        "current", doc="Send to Klaviyo's newest API (current) or make RudderStack's own calls (native)."
    )
