"""Cloud mode: from an event to what has to be said to Klaviyo, under one mode compiled at the start."""

from klavier.events.model import Event, Group, Identify, JsonObject, Screen, Track
from klavier.klaviyo.request import Request
from klavier_rudderstack import acceptable
from klavier_rudderstack.events import compile_shape
from klavier_rudderstack.imports import ImportContent
from klavier_rudderstack.integrations import check_enabled
from klavier_rudderstack.lookup import compile_lookup
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.parcel import Parcel, Refused
from klavier_rudderstack.people import NO_IDENTIFIER, finish, imported, v1_identify
from klavier_rudderstack.subscription import Subscriptions
from klavier_rudderstack.tables import profile
from klavier_rudderstack.v1 import V1Content

NEEDS_KEY = "Private API Key is a required field for {type} events"
NOT_SUPPORTED = "Event type {type} is not supported"
NEEDS_ID = "userId, email or phone is a required field for identify events"


class Cloud:
    """Translates events under one mode."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._has_key = bool(mode.settings.private_api_key)
        self._identity = imported(mode, inside_event=False) if mode.version.imports else v1_identify(mode)
        self._content = ImportContent(mode) if mode.version.imports else V1Content(mode)
        self._shape, self._revision = compile_shape(mode), mode.revision
        self._subscriptions = Subscriptions(mode)
        self._user_id = compile_lookup((profile.USER_ID_OR_ANONYMOUS,), frozenset())

    def parcel(self, event: Event) -> Parcel:
        """Give what has to be said about an event.  Raises `Refused` and `Skip`."""
        if "integrations" in event.payload:
            check_enabled(event.payload)
        if not self._has_key:
            raise Refused(NEEDS_KEY.format(type=event.type))
        if isinstance(event, (Track, Screen)):
            notes: list[str] = []
            document = self._document(event, notes)
            request = Request("POST", "/api/events", None, document, None, self._revision)
            return Parcel(None, None, request, _unique(notes) if notes else ())
        if isinstance(event, Identify):
            return self._identify(event)
        if isinstance(event, Group):
            return self._group(event)
        raise Refused(NOT_SUPPORTED.format(type=event.type))

    def _document(self, event: Track | Screen, notes: list[str]) -> JsonObject:
        """Give the document of a create event request."""
        content, person = self._content.read(event, notes)
        properties = event.payload.get("properties")
        if properties and not isinstance(properties, dict):
            notes.append(acceptable.shapeless("properties", properties))
        return self._shape(event, content, person(event, notes), notes)

    def _identify(self, event: Identify) -> Parcel:
        notes: list[str] = []
        try:
            data = self._identity(event, notes)
        except Refused as refused:
            if self._mode.points.identify_needs_id and str(refused) == NO_IDENTIFIER and not notes:
                raise Refused(NEEDS_ID) from None
            raise
        membership = self._subscriptions.of_identify(event.payload, notes)
        return Parcel(profile={"data": data}, membership=membership, notes=_unique(notes))

    def _group(self, event: Group) -> Parcel:
        payload = event.payload
        notes: list[str] = []
        membership = self._subscriptions.of_group(payload, notes)
        document = None
        if membership.operation == "add":  # a list takes members by Klaviyo's own id, which importing them gives
            found = self._user_id(event)
            finish(event, found, notes, exact=self._mode.exact)
            attributes = found[0]
            attributes.update(self._subscriptions.contact(payload, notes))
            document = {"data": {"type": "profile", "attributes": attributes}}
        return Parcel(profile=document, membership=membership, notes=_unique(notes))


def _unique(notes: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes)) if notes else ()
