"""The settings of Segment Classic's Klaviyo destination, in snake_case."""

from attrs import frozen

from klavier import setting
from klavier.vendor import ConnectionMode, FidelityName, Wire


@frozen
class Settings:
    """What Segment's page of settings offers, and klavier's own three."""

    api_key: str = setting(
        "",
        doc="Klaviyo's public API key; without it every event is rejected.",
        klaviyo="public_api_key",
    )
    private_key: str = setting(
        "",
        doc="Klaviyo's private API key: needed to add people to a list, and for all of wire `current` in cloud mode.",
        klaviyo="private_api_key",
        secret=True,
    )
    list_id: str = setting("", doc="The list that identified people with an e-mail address are added to.")
    confirm_optin: bool | None = setting(
        None,
        doc="Ask people by e-mail to confirm before they are added to the list; true where not given.",
    )
    enforce_email: bool = setting(default=False, doc="Identify people by e-mail address only, never by user id.")
    send_anonymous: bool = setting(default=False, doc="Fall back on the anonymous id where there is no user id.")
    use_segment_spec: bool = setting(
        default=False,
        doc="Call a completed order `Order Completed`, as the browser does, instead of `Placed Order`.",
    )
    connection_mode: ConnectionMode = setting(
        "cloud", doc="Act as Segment's servers (`cloud`) or as analytics.js in the browser (`device`)."
    )
    fidelity: FidelityName = setting(
        "documented", doc="Follow Segment's document, or its implementation as `deployed`."
    )
    wire: Wire = setting(
        "current", doc="Speak Klaviyo's newest revision, or the vendor's `native` calls, which Klaviyo shut down."
    )
