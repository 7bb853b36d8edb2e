"""Device mode on a server: the calls of Klaviyo's browser object, said through its client endpoints.

In a browser the vendor's code calls `klaviyo.identify(...)` and `klaviyo.track(...)`, and a cookie knows whose they
are.  Here the event says it.  Source: Klaviyo's client API (`/client/profiles`, `/client/events`) and the reference of
its browser object.
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
from klavier.klaviyo.specials import IDENTIFIERS, event_attributes, identifiers, profile_attributes
from klavier.klaviyo.times import klaviyo_time
from klavier.outcome import Outcome, delivered, failed, rejected, skipped
from klavier.strictjson import kind_of
from klavier.vendor import BrowserCall, Flow

NOBODY = "nobody to identify: only the browser's cookie would say whose this is, so it was not sent"
"""The note of a call that a server cannot attribute."""

_PROTO_KEY = re.compile(r'(?<=[{,])"__proto__":')
_QUEUES = ("klaviyo", "_learnq")


def browser_flow(calls: Sequence[BrowserCall], person: JsonObject, public_api_key: str | None, event: Event) -> Flow:
    """Make the browser calls of one event through the client endpoints, in order.

    `person` holds the people properties (`$id`, `$email`, ...) that identify whose event it is; without one of them the
    event's anonymous id does.  A call about nobody is not sent and noted.  The first reply that is no success ends the
    flow: a later try is harmless, since each event carries a unique id.
    """
    if not public_api_key:
        return rejected("device mode needs public_api_key, the public key of the Klaviyo account; set it")
    if not calls:
        return skipped("the vendor's browser code calls nothing for this event")
    page = _Page(event, dict(person))
    sent = False
    for call in calls:
        request = page.request(call, public_api_key)
        if request is None:
            continue
        response = yield request
        if not response.ok:
            return _refused(response, sent=sent)
        sent = True
    return delivered(tuple(dict.fromkeys(page.notes)))


def javascript(calls: Sequence[BrowserCall], queue: str = "klaviyo") -> str:
    """Write browser calls as a snippet that is safe inside a page's `<script>` element.

    `queue` is the page's object: `klaviyo`, or `_learnq` for the older snippet.  Raises `UsageError` for another, and
    for values that JSON cannot say.
    """
    if queue not in _QUEUES:
        raise UsageError(f"queue: must be one of {', '.join(_QUEUES)}")
    lines = [f"window.{queue} = window.{queue} || [];"]
    lines.extend(f"window.{queue}.push({_literal(call)});" for call in calls)
    return "\n".join(lines) + "\n"


@define
class _Page:
    """What the browser would know while the calls of one event run: who is there, and how many events were tracked."""

    event: Event
    person: JsonObject
    tracked: int = 0
    notes: list[str] = field(factory=list)

    def request(self, call: BrowserCall, public_api_key: str) -> Request | None:
        """Say one call as a request; None for one that has no counterpart, with a note where that loses something."""
        name = call[0] if call else None
        if name == "account":  # sets the public key, which is in every request anyway
            return None
        if name == "identify":
            return self._identify(_argument(call, 1, self.notes), public_api_key)
        if name == "track":
            return self._track(call, public_api_key)
        self.notes.append("a browser call that Klaviyo's client endpoints do not know was left out")
        return None

    def _identify(self, people: JsonObject, public_api_key: str) -> Request | None:
        self.person.update({key: people[key] for key in IDENTIFIERS if people.get(key) not in (None, "")})
        attributes = profile_attributes(people, self.notes)
        if not attributes.keys() & set(IDENTIFIERS.values()):
            who = self._who()
            if not who:
                return None
            attributes = {**who, **attributes}
        document = {"data": {"type": "profile", "attributes": attributes}}
        return _post("/client/profiles", public_api_key, document)

    def _track(self, call: BrowserCall, public_api_key: str) -> Request | None:
        name = _name(call)
        if not name:
            self.notes.append("a track call without an event name was left out: Klaviyo records nothing for it")
            return None
        number, self.tracked = self.tracked, self.tracked + 1
        who = self._who()
        if not who:
            return None
        attributes = event_attributes(_argument(call, 2, self.notes), self.notes)
        attributes.setdefault("unique_id", _unique_id(self.event.stable_id, number))
        time = klaviyo_time(self.event.timestamp)
        if time is not None:
            attributes["time"] = time
        attributes["metric"] = {"data": {"type": "metric", "attributes": {"name": name}}}
        attributes["profile"] = {"data": {"type": "profile", "attributes": who}}
        return _post("/client/events", public_api_key, {"data": {"type": "event", "attributes": attributes}})

    def _who(self) -> JsonObject:
        """Identify the person by what is known, else by the event's anonymous id; empty, with a note, for nobody."""
        found = identifiers(self.person, self.notes)
        anonymous = self.event.anonymous_id
        if not found and anonymous not in (None, "") and not isinstance(anonymous, (dict, list)):
            found = {"anonymous_id": to_string(anonymous)}
        if not found:
            self.notes.append(NOBODY)
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
    """Derive the id of the n-th event that one event makes; the first keeps its own where Klaviyo takes it."""
    found = f"{stable_id}-{number}" if number else stable_id
    return found if len(found) <= UNIQUE_ID else "klavier-" + hashlib.sha256(found.encode()).hexdigest()[:32]


def _refused(response: Response, *, sent: bool) -> Outcome:
    if response.local and not sent:
        return rejected(response.reason)
    return failed(response.reason, response.status, retryable=response.retryable)


def _literal(call: BrowserCall) -> str:
    """Write a call as a JavaScript literal in ASCII, with nothing that could end or confuse a script element."""
    try:
        text = json.dumps(call, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"a browser call holds what JSON cannot say ({type(error).__name__})") from None
    # In a literal, unlike in JSON, this key would set the object's prototype.
    text = _PROTO_KEY.sub('["__proto__"]:', text)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
