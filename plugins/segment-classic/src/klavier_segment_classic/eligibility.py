"""Which messages the destination takes at all, before it looks at what they say."""

from typing import Any

from klavier.events.model import Event, Identify, JsonObject
from klavier.jsvalues import dig
from klavier.outcome import Outcome, rejected, skipped
from klavier_segment_classic.facade.keys import UNDEFINED, find, truly
from klavier_segment_classic.fidelity import Points

_NO_KEY = rejected('setting "apiKey" is required: set api_key to the public key of the Klaviyo account')
_NO_USER = rejected("userId is required if you disable sending anonymous data")


def gate(event: Event, api_key: str, points: Points, *, send_anonymous: bool) -> Outcome | None:
    """Give the outcome of a message that the server does not take; None for one that it takes.

    In this order: the message's integration flags, its channel, the setting api_key, its user id.
    """
    closed = switched_off(event) or _wrong_channel(event.payload, points)
    if closed is not None:
        return closed
    if not api_key:
        return _NO_KEY
    needs_user = points.user_id_for_all or isinstance(event, Identify)
    return _NO_USER if needs_user and not send_anonymous and not truly(event.user_id) else None


def browser_gate(event: Event, api_key: str) -> Outcome | None:
    """Give the outcome of a message that the browser does not take; None for one that it takes."""
    return switched_off(event) or (None if api_key else _NO_KEY)


def switched_off(event: Event) -> Outcome | None:
    """Read `integrations`: a flag of Klaviyo's own beats the one of all; the names in any case."""
    flags = event.payload.get("integrations")
    if not flags:
        return None
    own = find(flags, "klaviyo")
    if own is not UNDEFINED:
        return skipped("integrations.Klaviyo is false") if own is False else None
    return skipped("integrations.All is false") if find(flags, "all") is False else None


def options_of(event: Event) -> JsonObject:
    """Give the message's own options, `integrations.Klaviyo`."""
    found = find(event.payload.get("integrations"), "klaviyo")
    return found if isinstance(found, dict) else {}


def _wrong_channel(payload: JsonObject, points: Points) -> Outcome | None:
    """Look where the message came from; one that does not say came from a server, like klavier itself."""
    channel = payload.get("channel")
    if channel is None or channel == "server" or (points.mobile and channel == "mobile"):
        return None
    unbundled: Any = dig(payload, "_metadata", "unbundled")
    if channel == "client" and isinstance(unbundled, list) and "Klaviyo" in unbundled:
        return None
    return skipped("only messages of servers are sent; use connection_mode 'device' for those of browsers")
