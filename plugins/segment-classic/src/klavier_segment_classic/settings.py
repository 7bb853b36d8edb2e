"""The settings of Segment Classic's Klaviyo destination, in snake_case."""

from attrs import frozen

from klavier import setting
from klavier.vendor import ConnectionMode, FidelityName, Wire


@frozen
class Settings:
    """The settings of Segment's page, and klavier's own three."""

    api_key: str = setting(
        "",
        doc="Klaviyo's public API key; without it every event is rejected.",
        klaviyo="public_api_key",
    )
    private_key: str = setting(
        "",
        doc="Klaviyo's private API key: needed to add profiles to a list, and for all of wire `current` in cloud mode.",
        klaviyo="private_api_key",
        secret=True,
    )
    list_id: str = setting("", doc="The list that identified profiles with an e-mail address are added to.")
    confirm_optin: bool | None = setting(
        None,
        doc="Whether a confirmation by e-mail is asked for before a profile is added to the list; true where not set.",
    )
    enforce_email: bool = setting(default=False, doc="Identify profiles by e-mail address only, never by user id.")
    send_anonymous: bool = setting(default=False, doc="Use the anonymous id where there is no user id.")
    use_segment_spec: bool = setting(
        default=False,
        doc="Name a completed order `Order Completed`, as the browser does, instead of `Placed Order`.",
    )
    connection_mode: ConnectionMode = setting(
        "cloud", doc="Act as Segment's servers (`cloud`) or as analytics.js in the browser (`device`)."
    )
    fidelity: FidelityName = setting(
        "documented", doc="`documented` follows Segment's document, `deployed` its implementation."
    )
    wire: Wire = setting(
        "current",
        doc="`current` is Klaviyo's newest revision, `native` the vendor's own calls, which Klaviyo shut down.",
    )
