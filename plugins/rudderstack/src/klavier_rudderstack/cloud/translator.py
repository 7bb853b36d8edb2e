"""Cloud mode: translates events one at a time, under one mode that is compiled when the vendor is made."""

from klavier.events.model import Event, Group, Identify, JsonObject, Screen, Track
from klavier.jsvalues import truthy
from klavier.klaviyo.request import Request
from klavier.vendor import RejectEvent
from klavier_rudderstack.cloud.content_import import ImportContent
from klavier_rudderstack.cloud.content_v1 import V1Content
from klavier_rudderstack.cloud.event_document import compile_document
from klavier_rudderstack.cloud.profiles import (
    NO_IDENTIFIER,
    compile_import,
    compile_v1_identify,
    find_klaviyo_id,
    finish,
)
from klavier_rudderstack.cloud.subscriptions import Subscriptions
from klavier_rudderstack.cloud.translation import Translation
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.tables import profile
from klavier_rudderstack.values import acceptable
from klavier_rudderstack.values.integrations import check_enabled, note_patches
from klavier_rudderstack.values.lookup import Lookup, control_traits
from klavier_rudderstack.values.mapped import resolve_mapped

NEEDS_KEY = "Private API Key is a required field for {type} events"
NOT_SUPPORTED = "Event type {type} is not supported"
NEEDS_V2 = "it needs api_version v2 or v3"
NEEDS_ID = "userId, email or phone is a required field for identify events"


class CloudTranslator:
    """Translates events under one mode."""

    def __init__(self, mode: Mode) -> None:
        imports = mode.version.imports
        self._mode = mode
        self._has_key = bool(mode.settings.private_api_key)
        self._profile = compile_import(mode, inside_event=False) if imports else compile_v1_identify(mode)
        self._content = ImportContent(mode) if imports else V1Content(mode)
        self._document = compile_document(mode)
        self._subscriptions = Subscriptions(mode)
        self._user_id = Lookup((profile.USER_ID_OR_ANONYMOUS,), frozenset())

    def translate(self, event: Event) -> Translation:
        """Translate an event.  Raises `RejectEvent` and `SkipEvent`."""
        if "integrations" in event.payload:
            check_enabled(event.payload)
        if not self._has_key:
            raise RejectEvent(NEEDS_KEY.format(type=event.type))
        if isinstance(event, (Track, Screen)):
            return self._translate_event(event)
        if isinstance(event, Identify):
            return self._translate_identify(event)
        if isinstance(event, Group):
            return self._translate_group(event)
        raise RejectEvent(NOT_SUPPORTED.format(type=event.type))

    def _translate_event(self, event: Track | Screen) -> Translation:
        notes: list[str] = []
        content, make_profile = self._content.read(event, notes)
        properties = event.payload.get("properties")
        if properties and not isinstance(properties, dict):
            notes.append(acceptable.note_wrong_kind("properties", properties))
        document = self._document(event, content, make_profile(event, notes), notes)
        request = Request("POST", "/api/events", None, document, None, self._mode.revision)
        self._note_unused(event, notes)
        return Translation(None, None, request, _unique(notes) if notes else ())

    def _translate_identify(self, event: Identify) -> Translation:
        notes: list[str] = []
        mapped = resolve_mapped(event, exact=self._mode.exact)
        traits = control_traits(mapped.payload)
        if mapped is not event:
            drops_consent = not self._mode.fidelity.mapped_consent
            if drops_consent and not truthy(control_traits(event.payload).get("properties")):
                traits = {"properties": traits.get("properties")}
        try:
            data = self._profile(mapped, notes)
        except RejectEvent as rejection:
            if self._mode.fidelity.identify_needs_id and str(rejection) == NO_IDENTIFIER and not notes:
                raise RejectEvent(NEEDS_ID) from None
            raise
        membership = self._subscriptions.read_identify(mapped.payload, traits, notes)
        self._note_unused(event, notes)
        return Translation(profile={"data": data}, membership=membership, notes=_unique(notes))

    def _translate_group(self, event: Group) -> Translation:
        payload = event.payload
        notes: list[str] = []
        membership = self._subscriptions.read_group(payload, notes)
        if "integrations" in payload:
            notes.extend(note_patches(payload, "a group call changes a list only"))
        document: JsonObject | None = None
        if membership.operation == "add":  # a list takes members by Klaviyo's own id, which importing them returns
            found = self._user_id.read(event)
            finish(self._user_id, event, found, notes, exact=self._mode.exact)
            attributes = found[0]
            attributes.update(self._subscriptions.contact(payload, notes))
            document = {"data": {"type": "profile", "attributes": attributes}}
        return Translation(profile=document, membership=membership, notes=_unique(notes))

    def _note_unused(self, event: Identify | Track | Screen, notes: list[str]) -> None:
        """Add notes about the members that the version ignores."""
        if self._mode.version.patches:
            return
        if "integrations" in event.payload:
            notes.extend(note_patches(event.payload, NEEDS_V2))
        if "externalId" in event.context and find_klaviyo_id(event.context) is not None:
            notes.append(f"context.externalId left out: {NEEDS_V2}")


def _unique(notes: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes)) if notes else ()
