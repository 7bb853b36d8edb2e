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
    """Several Klaviyo accounts, told apart by the value of one property."""

    property: str = setting(doc="The property of an event, or trait of a person, that names the account.")
    tokens: dict[str, str] = setting(doc="The public key of the account for each value of the property.")


@frozen
class Settings:
    """What Freshpaint's page of settings offers, and klavier's own two."""

    public_api_key: str = setting(
        "",
        validator=_public_key,
        doc="Klaviyo's public API key, the `token` of each call.",
        klaviyo="public_api_key",
    )
    private_api_key: str = setting(
        "",
        doc="Klaviyo's private API key, which the calls of a server need on wire `current`.",
        klaviyo="private_api_key",
        secret=True,
    )
    use_email_as_identifier: bool = setting(
        default=True, doc="Identify people who have an e-mail address by it, and leave their id out."
    )
    connection_mode: ConnectionMode = setting(
        "cloud", doc="Server-side (`cloud`), or client-side: what Freshpaint calls in the browser (`device`)."
    )
    enabled_events: tuple[str, ...] = setting(
        ("all",),
        doc='The names of the events that Klaviyo is enabled for; `"all"` stands for every custom event.',
    )
    hipaa_mode: bool = setting(
        default=False, doc="Send allowed properties only, and ids masked; server-side only, as Freshpaint has it."
    )
    allowed_properties: tuple[str, ...] = setting(
        (), doc="The properties and traits that may leave in HIPAA mode, by name; all others are left out."
    )
    mask_ids: bool = setting(default=True, doc="Replace ids by keyed hashes in HIPAA mode.")
    mask_secret: str = setting("", secret=True, doc="The key of those hashes.")
    tokens_by_property: TokensByProperty | None = setting(
        None, doc="Other accounts than `public_api_key`, chosen by the value of a property."
    )
    fidelity: FidelityName = setting(
        "documented", doc="Both follow Freshpaint's documents: its implementation is not public."
    )
    wire: Wire = setting(
        "current", doc="Speak Klaviyo's newest revision, or the vendor's `native` calls, which Klaviyo shut down."
    )
