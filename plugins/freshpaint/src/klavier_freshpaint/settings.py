"""The settings of Freshpaint's Klaviyo destination, in snake_case."""

import re

from attrs import frozen

from klavier import setting
from klavier.vendor import ConnectionMode, FidelityName, Wire

_KEY = re.compile(r"[A-Za-z0-9]{6,}")


def _public_key(value: str) -> None:
    if value and not _KEY.fullmatch(value):
        raise ValueError("must be Klaviyo's public key: six letters and digits")


@frozen
class TokensByProperty:
    """Several Klaviyo accounts, chosen by the value of one property."""

    property: str = setting(doc="The property of an event, or trait of a profile, that names the account.")
    tokens: dict[str, str] = setting(doc="The public key of the account for each value of the property.")


@frozen
class Settings:
    """The settings of Freshpaint's page, and klavier's own two."""

    public_api_key: str = setting(
        "",
        validator=_public_key,
        doc="Klaviyo's public API key, the `token` of each call.",
        klaviyo="public_api_key",
    )
    private_api_key: str = setting(
        "",
        doc="Klaviyo's private API key, required by the calls of a server on wire `current`.",
        klaviyo="private_api_key",
        secret=True,
    )
    use_email_as_identifier: bool = setting(
        default=True, doc="Identify profiles that have an e-mail address by it, and leave their id out."
    )
    connection_mode: ConnectionMode = setting(
        "cloud", doc="`cloud` is server-side, `device` client-side: the calls that Freshpaint makes in the browser."
    )
    enabled_events: tuple[str, ...] = setting(
        ("all",),
        doc='The names of the events that Klaviyo is enabled for; `"all"` means every custom event.',
    )
    hipaa_mode: bool = setting(
        default=False, doc="Send allowed properties only, and mask ids; server-side only, as in Freshpaint."
    )
    allowed_properties: tuple[str, ...] = setting(
        (), doc="The properties and traits that may be sent in HIPAA mode, by name; all others are left out."
    )
    mask_ids: bool = setting(default=True, doc="Replace ids by keyed hashes in HIPAA mode.")
    mask_secret: str = setting("", secret=True, doc="The key of those hashes.")
    tokens_by_property: TokensByProperty | None = setting(
        None, doc="Several accounts in place of `public_api_key`, chosen by the value of a property."
    )
    fidelity: FidelityName = setting(
        "documented", doc="Both values follow Freshpaint's documents: its implementation is not public."
    )
    wire: Wire = setting(
        "current",
        doc="`current` is Klaviyo's newest revision, `native` the vendor's own calls, which Klaviyo shut down.",
    )
