"""`[gateway]`: who may send events over HTTP, and what is done with them before they are stored."""

import ipaddress
import math
import re
from collections.abc import Mapping

from attrs import field, frozen

from klavier.settings import setting

_LONGEST_WINDOW = 5.0
"""Seconds: requests of one page that overtake each other are hardly ever further apart."""
_LARGEST_BODY = 64_000_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""How a source's name is spelled: it names a folder of the archive, and a label of metrics."""
_SHORTEST_KEY = 8
"""Characters of a write key: shorter ones could be guessed."""


def _write_key(value: str | None) -> None:
    if value is not None and not (
        value.isascii() and value.isprintable() and not set(value) & {" ", ":"} and len(value) >= _SHORTEST_KEY
    ):
        raise ValueError(f"must have at least {_SHORTEST_KEY} plain characters, without spaces and colons")


def _write_keys(value: tuple[str, ...]) -> None:
    for key in value:
        _write_key(key)


def _source_names(value: Mapping[str, object]) -> None:
    if not all(_NAME.fullmatch(name) for name in value):
        raise ValueError("the names of sources are letters, digits, - and _, such as [gateway.sources.web]")


def _rate(value: int) -> None:
    if value < 1:
        raise ValueError("must be at least 1 event a second")


def _window(value: float) -> None:
    if not (math.isfinite(value) and 0 <= value <= _LONGEST_WINDOW):
        raise ValueError(f"must be a number of seconds from 0 to {_LONGEST_WINDOW:g}")


def _body_bytes(value: int) -> None:
    if not 1 <= value <= _LARGEST_BODY:
        raise ValueError(f"must be from 1 to {_LARGEST_BODY} bytes")


def _origins(value: tuple[str, ...]) -> None:
    for origin in value:
        if origin != "*" and (not origin.startswith(("http://", "https://")) or origin.count("/") != 2):  # noqa: PLR2004 -- the two of ://
            raise ValueError('each must be an origin such as https://shop.example, or "*" for any')


def _networks(value: tuple[str, ...]) -> None:
    for network in value:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ValueError("each must be an IP address or network, such as 10.0.0.0/8") from None


@frozen
class SourceSection:
    """`[gateway.sources.NAME]`: one sender of events, such as a website, an app or a server."""

    write_key: str | None = setting(
        None, secret=True, validator=_write_key, doc="The key that the source's SDK is set up with."
    )
    write_keys: tuple[str, ...] = setting(
        (), secret=True, validator=_write_keys, doc="More keys that are accepted, so that a key can be replaced."
    )
    enabled: bool = setting(default=True, doc="Whether events are accepted; false revokes the source's keys.")
    webhook_secret: str | None = setting(
        None,
        secret=True,
        doc="The shared secret with which webhooks sign their events; without a signature nothing is accepted.",
    )
    rate_limit: int = setting(
        3000, validator=_rate, doc="Events a second that are accepted; more are answered with 429."
    )


@frozen
class GatewaySection:
    """`[gateway]`: events over HTTP from the SDKs of Segment, RudderStack and Freshpaint."""

    sources: Mapping[str, SourceSection] = field(
        factory=dict,
        kw_only=True,
        metadata={"doc": "The senders, each with a table of its own.", "validator": _source_names},
    )
    allow_origins: tuple[str, ...] = setting(
        (), validator=_origins, doc='Origins whose pages may send events, such as "https://shop.example".'
    )
    trusted_proxies: tuple[str, ...] = setting(
        (), validator=_networks, doc="Addresses of proxies whose X-Forwarded-For header is trusted."
    )
    fill_client: bool = setting(
        default=True, doc="Whether browsers' events get the IP address and user agent of their request."
    )
    reorder_window: float = setting(
        0.1, validator=_window, doc="Seconds that an event waits for earlier ones of its profile before its delivery."
    )
    max_body: int = setting(
        4_000_000,
        validator=_body_bytes,
        doc="Bytes of a request, also after decompression; a larger one is answered with 413.",
    )
    metrics_token: str | None = setting(
        None,
        secret=True,
        validator=_write_key,
        doc="What monitors send as `Authorization: Bearer` to read /metrics at the address of the gateway; without it "
        "metrics are served at the address of `--health` only.",
    )
    archive: str | None = setting(
        None, doc="A folder for accepted events as gzip JSON lines by source and hour, relative to this file."
    )
