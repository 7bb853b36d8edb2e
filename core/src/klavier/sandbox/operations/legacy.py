"""The legacy v1 and v2 calls, as they worked until 30 June 2024.

Source: Klaviyo's v1 and v2 API reference.  `1` means decoded and queued: the token is not validated, and calls
with another account's token are lost to this one.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from klavier.jsvalues import to_string
from klavier.klaviyo.attributes import UNPREFIXED_SPECIALS
from klavier.sandbox.consent import is_immediate
from klavier.sandbox.consent import subscribe as grant
from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import Exchange, Reply, Served
from klavier.sandbox.free_profiles import read_legacy_profile
from klavier.sandbox.operations.events import EventProfile, attributed, read_specials, store
from klavier.sandbox.profile import Consent, Profile
from klavier.sandbox.profiles import identifiers_in
from klavier.sandbox.times import read_time

_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_MOST = 1_000_000


def track(exchange: Exchange) -> Reply:
    """GET or POST /api/track."""
    return _queued(exchange, _track)


def identify(exchange: Exchange) -> Reply:
    """GET or POST /api/identify."""
    return _queued(exchange, _identify)


def _queued(exchange: Exchange, work: Callable[[Exchange, dict[str, Any]], None]) -> Reply:
    payload = _payload(exchange)
    if payload is not None and exchange.account.public_api_key in (None, payload["token"]):
        work(exchange, payload)
    if exchange.incoming.params.get("i") == "1":
        return Reply(200, content=_PIXEL, headers={"Content-Type": "image/gif"})
    return Reply(200, content=b"0" if payload is None else b"1", headers={"Content-Type": "text/html"})


def _payload(exchange: Exchange) -> dict[str, Any] | None:
    """Decode `data`: base64 in the query of a GET, plain JSON in the form of a POST; None where it is neither."""
    try:
        if exchange.incoming.method == "GET":
            packed = exchange.incoming.params.get("data", "").replace(" ", "+").replace("-", "+").replace("_", "/")
            text = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
        else:
            text = _form(exchange).get("data", "").encode()
        payload = orjson.loads(text) if len(text) <= _MOST else None
    except (ValueError, binascii.Error):
        return None
    return payload if isinstance(payload, dict) and isinstance(payload.get("token"), str) else None


def _form(exchange: Exchange) -> dict[str, str]:
    return dict(parse_qsl(exchange.incoming.body.decode("utf-8", "replace"), keep_blank_values=True))


def _identify(exchange: Exchange, payload: dict[str, Any]) -> None:
    properties = payload.get("properties")
    if isinstance(properties, dict):
        _profile(exchange, properties)


def _profile(exchange: Exchange, properties: dict[str, Any], *, is_confirmed: bool = True) -> Profile | None:
    """Return the profile of a free map, created if needed; None where the map has no identifier."""
    attributes = read_legacy_profile(properties)
    if not identifiers_in(attributes):
        return None
    return attributed(exchange, EventProfile("", attributes, None), change=False, is_confirmed=is_confirmed)


def _track(exchange: Exchange, payload: dict[str, Any]) -> None:
    name, properties = payload.get("event"), payload.get("customer_properties")
    if name in (None, "") or isinstance(name, (dict, list)) or not isinstance(properties, dict):
        return
    profile = _profile(exchange, properties)
    if profile is None:
        return
    given = payload.get("properties")
    event = read_specials(given if isinstance(given, dict) else {})
    if payload.get("__track_once__"):
        event["unique_id"] = "__track_once__"
    store(exchange, profile, {"name": to_string(name)}, event, _seconds(payload.get("time")))


def _seconds(time: Any) -> int | None:
    if isinstance(time, str):
        return int(time) if time.isdecimal() else read_time(time)
    return int(time) if isinstance(time, (int, float)) and not isinstance(time, bool) else None


# Lists ---------------------------------------------------------------------------------------------------------------


def add_member(exchange: Exchange) -> Reply:
    """POST /api/v1/list/{id}/members, a form; `confirm_optin` is true unless the call says false."""
    form = _form(exchange)
    _authorize(exchange, form.get("api_key"))
    found = _list_id(exchange)
    if not form.get("email"):
        raise RefusedError(400, "email is required.")
    try:
        properties = orjson.loads(form.get("properties") or "{}")
    except orjson.JSONDecodeError:
        raise RefusedError(400, "properties is not JSON.") from None
    profile = _profile(exchange, {**(properties if isinstance(properties, dict) else {}), "$email": form["email"]})
    if profile is None:
        raise RefusedError(400, "email is not a valid e-mail address.")
    known = found in profile.lists
    if form.get("confirm_optin", "true").lower() == "true":
        _subscribe(exchange, profile, found, ["email"])
    else:
        profile.lists.setdefault(found, int(exchange.now))
    named = {"object": "list", "id": found, "name": exchange.account.lists[found].name}
    person = {"object": "person", "id": profile.id, "email": profile.identifiers.get("email")}
    return Reply(200, {"person": person, "list": named, "already_member": known})


def add_members(exchange: Exchange) -> Reply:
    """POST /api/v2/list/{id}/members; adds at once, whatever the list's opt-in process is."""
    found = _v2_list(exchange)
    added = []
    for _, profile in _v2_profiles(exchange):
        profile.lists.setdefault(found, int(exchange.now))
        added.append(_member(profile))
    return Reply(200, added)


def subscribe(exchange: Exchange) -> Reply:
    """POST /api/v2/list/{id}/subscribe; obeys the list's opt-in process."""
    found = _v2_list(exchange)
    added = []
    is_confirmed = is_immediate(exchange.account, exchange.account.lists[found])
    for row, profile in _v2_profiles(exchange, is_confirmed=is_confirmed):
        wanted = row.get("$consent")
        named = [
            channel for channel in (wanted if isinstance(wanted, list) else [wanted]) if channel in ("email", "sms")
        ]
        channels = [*(named or (["email"] if row.get("email") else [])), *(["sms"] if row.get("sms_consent") else [])]
        if _subscribe(exchange, profile, found, channels):
            added.append(_member(profile))
    return Reply(200, added)


def _subscribe(exchange: Exchange, profile: Profile, list_id: str, channels: list[str]) -> bool:
    granted = {(channel, "marketing"): Consent("SUBSCRIBED", int(exchange.now)) for channel in channels}
    return grant(exchange.account, profile, exchange.account.lists[list_id], granted)


def _v2_list(exchange: Exchange) -> str:
    headers, params = exchange.incoming.headers, exchange.incoming.params
    body = _v2_body(exchange)
    _authorize(exchange, headers.get("api-key") or params.get("api_key") or body.get("api_key"))
    return _list_id(exchange)


def _v2_body(exchange: Exchange) -> dict[str, Any]:
    try:
        body = orjson.loads(exchange.incoming.body)
    except orjson.JSONDecodeError:
        raise RefusedError(400, "The body is not JSON.") from None
    return body if isinstance(body, dict) else {}


def _v2_profiles(exchange: Exchange, *, is_confirmed: bool = True) -> list[tuple[dict[str, Any], Profile]]:
    rows = _v2_body(exchange).get("profiles")
    rows = [row for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, dict)]
    found = []
    for row in rows:
        properties = {UNPREFIXED_SPECIALS.get(key, key): value for key, value in row.items() if key != "sms_consent"}
        profile = _profile(exchange, properties, is_confirmed=is_confirmed)
        if profile is None:
            raise RefusedError(400, "Each profile needs a valid email, phone_number or external_id.")
        found.append((row, profile))
    return found


def _member(profile: Profile) -> dict[str, Any]:
    known = profile.identifiers
    return {"id": profile.id, "email": known.get("email"), "phone_number": known.get("phone_number")}


def _authorize(exchange: Exchange, key: Any) -> None:
    expected = exchange.account.private_api_key
    if not key or (expected is not None and key != expected):
        raise RefusedError(403, "The API key specified is invalid.")


def _list_id(exchange: Exchange) -> str:
    found = exchange.account.find_list(exchange.path_id)
    if found is None:
        raise RefusedError(404, f"A list with id {exchange.path_id} does not exist.")
    return found.id


SERVED: Mapping[str, Served] = {
    "legacy_track": Served(track),
    "legacy_track_form": Served(track),
    "legacy_identify": Served(identify),
    "legacy_identify_form": Served(identify),
    "legacy_add_member": Served(add_member),
    "legacy_add_members": Served(add_members),
    "legacy_subscribe": Served(subscribe),
}
