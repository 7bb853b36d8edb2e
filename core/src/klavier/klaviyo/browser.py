"""Device mode on a server: the calls of Klaviyo's browser object, translated to its client endpoints.

In a browser the vendor's code calls `klaviyo.identify(...)` and `klaviyo.track(...)`, and a cookie identifies the
profile.  Here the event identifies it.  Source: Klaviyo's client API (`/client/profiles`, `/client/events`) and the
reference of its browser object.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from attrs import define, field

from klavier.errors import UsageError
from klavier.events.model import Event, JsonObject
from klavier.jsvalues import to_string
from klavier.klaviyo.limits import UNIQUE_ID
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.klaviyo.revisions import CURRENT
from klavier.klaviyo.special_properties import (
    TRANSLATED_IDENTIFIERS,
    event_attributes,
    identifiers,
    profile_attributes,
)
from klavier.outcome import Outcome, delivered, failed, rejected, skipped
from klavier.strictjson import kind_of
from klavier.values import read_time
from klavier.vendor import BrowserCall, Flow

NO_IDENTITY = "no identity: only the browser's cookie identifies the profile of this call, so it was not sent"
"""The note of a call that a server cannot attribute to a profile."""

_PROTO_KEY = re.compile(r'(?<=[{,])"__proto__":')
_QUEUES = ("klaviyo", "_learnq")


def browser_flow(calls: Sequence[BrowserCall], profile: JsonObject, public_api_key: str | None, event: Event) -> Flow:
    """Send the browser calls of one event through the client endpoints, in order.

    `profile` holds the special properties (`$id`, `$email`, ...) that identify the event's profile; without one of them
    the event's anonymous id does.  A call without an identity is not sent and noted.  The first reply that is no
    success ends the flow: a retry is harmless, since each event carries a unique id.
    """
    if not public_api_key:
        return rejected("device mode needs public_api_key, the public key of the Klaviyo account; set it")
    if not calls:
        return skipped("the vendor's browser code calls nothing for this event")
    page = _Page(event, dict(profile))
    sent = False
    for call in calls:
        request = page.request(call, public_api_key)
        if request is None:
            continue
        response = yield request
        if not response.ok:
            return _not_accepted(response, sent=sent)
        sent = True
    return delivered(tuple(dict.fromkeys(page.notes)))


def javascript(calls: Sequence[BrowserCall], queue: str = "klaviyo") -> str:
    """Write browser calls as a snippet that is safe inside a page's `<script>` element.

    `queue` is the page's object: `klaviyo`, or `_learnq` for the older snippet.  Raises `UsageError` for another, and
    for values that JSON cannot express.
    """
    if queue not in _QUEUES:
        raise UsageError(f"queue: must be one of {', '.join(_QUEUES)}")
    lines = [f"window.{queue} = window.{queue} || [];"]
    lines.extend(f"window.{queue}.push({_literal(call)});" for call in calls)
    return "\n".join(lines) + "\n"


@define
class _Page:
    """The browser's state while the calls of one event run: the identified profile, and the count of tracked events."""

    event: Event
    profile: JsonObject
    tracked: int = 0
    notes: list[str] = field(factory=list)

    def request(self, call: BrowserCall, public_api_key: str) -> Request | None:
        """Translate one call; None for one that has no counterpart, with a note where that loses something."""
        name = call[0] if call else None
        if name == "account":  # sets the public key, which is in every request anyway
            return None
        if name == "identify":
            return self._identify(_argument(call, 1, self.notes), public_api_key)
        if name == "track":
            return self._track(call, public_api_key)
        self.notes.append("a browser call that has no client endpoint was left out")
        return None

    def _identify(self, properties: JsonObject, public_api_key: str) -> Request | None:
        identity = {key: properties[key] for key in TRANSLATED_IDENTIFIERS if properties.get(key) not in (None, "")}
        self.profile.update(identity)
        attributes = profile_attributes(properties, self.notes)
        if attributes.keys().isdisjoint(TRANSLATED_IDENTIFIERS.values()):
            known = self._identity()
            if not known:
                return None
            attributes = {**known, **attributes}
        document = {"data": {"type": "profile", "attributes": attributes}}
        return _post("/client/profiles", public_api_key, document)

    def _track(self, call: BrowserCall, public_api_key: str) -> Request | None:
        name = _name(call)
        if not name:
            self.notes.append("a track call without an event name was left out: Klaviyo records nothing for it")
            return None
        number, self.tracked = self.tracked, self.tracked + 1
        identity = self._identity()
        if not identity:
            return None
        attributes = event_attributes(_argument(call, 2, self.notes), self.notes)
        attributes.setdefault("unique_id", _unique_id(self.event.stable_id, number))
        time, reason = read_time(self.event.timestamp)
        if time is not None:
            attributes["time"] = time
        elif reason:
            self.notes.append(f"timestamp left out: {reason}; Klaviyo uses the time of arrival")
        attributes["metric"] = {"data": {"type": "metric", "attributes": {"name": name}}}
        attributes["profile"] = {"data": {"type": "profile", "attributes": identity}}
        return _post("/client/events", public_api_key, {"data": {"type": "event", "attributes": attributes}})

    def _identity(self) -> JsonObject:
        """Return the known identifiers, else the event's anonymous id; empty, with a note, where there is none."""
        found = identifiers(self.profile, self.notes)
        anonymous = self.event.anonymous_id
        if not found and anonymous not in (None, "") and not isinstance(anonymous, (dict, list)):
            found = {"anonymous_id": to_string(anonymous)}
        if not found:
            self.notes.append(NO_IDENTITY)
        return found


def _post(path: str, public_api_key: str, document: JsonObject) -> Request:
    return Request("POST", path, params={"company_id": public_api_key}, json=document, revision=CURRENT)


def _argument(call: BrowserCall, index: int, notes: list[str]) -> JsonObject:
    value = call[index] if len(call) > index else None
    if isinstance(value, Mapping):
        return dict(value)
    if value is not None:
        notes.append(f"an argument of {call[0]} left out: {kind_of(value)}, not an object")
    return {}


def _name(call: BrowserCall) -> str:
    value = call[1] if len(call) > 1 else None
    return "" if value is None or isinstance(value, (dict, list)) else to_string(value)


def _unique_id(stable_id: str, number: int) -> str:
    """Derive the id of the n-th Klaviyo event of one event; the first keeps the event's own within Klaviyo's limit."""
    found = f"{stable_id}-{number}" if number else stable_id
    return found if len(found) <= UNIQUE_ID else "klavier-" + hashlib.sha256(found.encode()).hexdigest()[:32]


def _not_accepted(response: Response, *, sent: bool) -> Outcome:
    if response.local and not sent:
        return rejected(response.reason)
    return failed(response.reason, response.status, retryable=response.retryable)


def _literal(call: BrowserCall) -> str:
    """Write a call as a JavaScript literal in ASCII, with nothing that could end a script element."""
    try:
        text = json.dumps(call, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"a browser call holds a value that JSON cannot express ({type(error).__name__})") from None
    # In a literal, unlike in JSON, this key would set the object's prototype.
    text = _PROTO_KEY.sub('["__proto__"]:', text)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
