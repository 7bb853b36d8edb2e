"""Which messages the destination handles at all, before their content is read."""

from typing import Any

from klavier.events.model import Event, Identify, JsonObject
from klavier.jsvalues import dig
from klavier.outcome import Outcome, rejected, skipped
from klavier_segment_classic.facade.keys import UNDEFINED, find, is_truthy
from klavier_segment_classic.fidelity import Fidelity

_NO_KEY = rejected('setting "apiKey" is required: set api_key to the public key of the Klaviyo account')
_NO_USER = rejected("userId is required: send one, or set send_anonymous to true")


def check_server(event: Event, api_key: str, fidelity: Fidelity, *, send_anonymous: bool) -> Outcome | None:
    """Return the outcome of a message that the server ignores or rejects; None for one that it sends.

    Checked in this order: the message's integration flags, its channel, the setting api_key, its user id.
    """
    found = check_switches(event) or _check_channel(event.payload, fidelity)
    if found is not None:
        return found
    if not api_key:
        return _NO_KEY
    needs_user = fidelity.user_id_for_all or isinstance(event, Identify)
    return _NO_USER if needs_user and not send_anonymous and not is_truthy(event.user_id) else None


def check_browser(event: Event, api_key: str) -> Outcome | None:
    """Return the outcome of a message that the browser ignores or rejects; None for one that it sends."""
    return check_switches(event) or (None if api_key else _NO_KEY)


def check_switches(event: Event) -> Outcome | None:
    """Read `integrations`: Klaviyo's own flag takes precedence over the flag of all; the names are read in any case."""
    flags = event.payload.get("integrations")
    if not flags:
        return None
    own = find(flags, "klaviyo")
    if own is not UNDEFINED:
        return skipped("integrations.Klaviyo is false") if own is False else None
    return skipped("integrations.All is false") if find(flags, "all") is False else None


def read_options(event: Event) -> JsonObject:
    """Return the message's own options, `integrations.Klaviyo`."""
    found = find(event.payload.get("integrations"), "klaviyo")
    return found if isinstance(found, dict) else {}


def _check_channel(payload: JsonObject, fidelity: Fidelity) -> Outcome | None:
    """Check which library sent the message; one without a channel counts as one of a server, as klavier's are."""
    channel = payload.get("channel")
    if channel is None or channel == "server" or (fidelity.mobile and channel == "mobile"):
        return None
    unbundled: Any = dig(payload, "_metadata", "unbundled")
    if channel == "client" and isinstance(unbundled, list) and "Klaviyo" in unbundled:
        return None
    return skipped("only messages of servers are sent; use connection_mode 'device' for those of browsers")
