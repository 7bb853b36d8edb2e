"""addProfileToList, removeProfileFromList and removeProfile: the members of a list."""

from collections.abc import Generator, Sequence
from typing import Any

from klavier.events.model import Event
from klavier.jsvalues import dig
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.vendor import RejectEvent
from klavier_segment_actions.actions.base import (
    Action,
    BatchFlow,
    Item,
    SingleFlow,
    has_identifier,
    settle_reply,
)
from klavier_segment_actions.actions.upsert import CONFLICT, import_profiles
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Fidelity

IDENTIFIERS = ("external_id", "email", "phone_number")
"""Identifiers in the order in which profiles are looked up."""

NOT_FOUND = "no profile has these identifiers"


class ListAction(Action):
    """What the list actions share."""

    imports = False
    """Whether a batch is a profile import, which needs no list: an empty list id then imports without a list."""

    def prepare(self, payload: dict[str, Any], event: Event) -> Item:
        """Build the attributes of the profile; the list is known, or is looked up by the audience's name."""
        self.normalize_phone(payload)
        payload.pop("country_code", None)
        if not has_identifier(payload, *IDENTIFIERS):
            raise RejectEvent("needs one of external_id, phone_number and email; map one")
        list_id = payload.pop("list_id", None)
        if list_id == "" and self.leftovers and self.imports:
            return Item(payload, group=(None, None))
        by_name = self.fidelity.creates_lists and not list_id
        audience = dig(event.context, "personas", "computation_key") if by_name else None
        if not list_id and not (isinstance(audience, str) and audience):
            raise RejectEvent("list_id: required; map it, or send an audience's event with context.personas")
        return Item(payload, list_id=list_id, audience=audience, group=(list_id, audience))

    def find_list(self, item: Item, *, create: bool) -> Generator[Request, Response, str | Outcome]:
        """Return the list of an item; an audience's is looked up by name, or created on its first sync."""
        if item.list_id:
            return item.list_id
        name = item.audience or ""
        reply = yield self.calls.find_list(name)
        if not reply.ok:
            return settle_reply(reply)
        found = read_first_id(reply)
        if found is not None:
            return found
        if not create:
            return rejected("the audience has no list in Klaviyo yet, so the profile cannot be removed from it")
        reply = yield self.calls.create_list(name)
        if not reply.ok:
            return settle_reply(reply)
        return reply.data_id or failed(
            "Klaviyo created the audience's list but returned no id", reply.status, retryable=True
        )


class AddProfileToList(ListAction):
    """Add Profile to List (Engage)."""

    imports = True

    def __init__(self, calls: Calls, fidelity: Fidelity, *, batched: bool) -> None:
        super().__init__(calls, fidelity, batched=batched)
        self.unique_profiles = not fidelity.shared_import

    def single(self, item: Item) -> SingleFlow:
        """POST /api/profiles, whose 409 contains the id of an existing profile; then POST it to the list."""
        list_id = yield from self.find_list(item, create=True)
        if isinstance(list_id, Outcome):
            return list_id
        reply = yield self.calls.create_profile(item.body)
        profile_id = reply.duplicate_profile_id if reply.status == CONFLICT else reply.data_id
        if profile_id is None or not (reply.ok or reply.status == CONFLICT):
            problem = settle_reply(reply, item.notes)
            if not reply.local and self.fidelity.adds_without_id:
                # The implementation goes on without an id: its request is sent, but the failure is reported.
                yield self.calls.add_to_list(list_id, None)
            return failed("Klaviyo returned no id for the profile", reply.status) if reply.ok else problem
        return settle_reply((yield self.calls.add_to_list(list_id, profile_id)), item.notes)

    def batch(self, items: Sequence[Item]) -> BatchFlow:
        """POST /api/profile-bulk-import-jobs with the list."""
        if items[0].list_id is None and items[0].audience is None:
            return (yield from import_profiles(self, items, None))
        list_id = yield from self.find_list(items[0], create=True)
        if isinstance(list_id, Outcome):
            return [list_id] * len(items)
        return (yield from import_profiles(self, items, list_id))


class RemoveProfile(ListAction):
    """Remove Profile, and Remove Profile from List (Engage): they differ in their fields only."""

    def single(self, item: Item) -> SingleFlow:
        """GET /api/profiles for each kind of identifier, then DELETE the profiles found from the list."""
        list_id = yield from self.find_list(item, create=False)
        if isinstance(list_id, Outcome):
            return list_id
        found = yield from self._profiles([item])
        if isinstance(found, Response):
            return settle_reply(found, item.notes)
        if not found:
            return rejected(f"{NOT_FOUND}, so none was removed")
        return settle_reply((yield self.calls.remove_from_list(list_id, found)), item.notes)

    def batch(self, items: Sequence[Item]) -> BatchFlow:
        """Look all items up together, then remove the profiles found; finding none is no error here."""
        list_id = yield from self.find_list(items[0], create=False)
        if isinstance(list_id, Outcome):
            return [list_id] * len(items)
        found = yield from self._profiles(items)
        if isinstance(found, Response):
            return [settle_reply(found, item.notes) for item in items]
        if not found:
            return [delivered((*item.notes, NOT_FOUND)) for item in items]
        for start in range(0, len(found), _MOST_REMOVED):
            reply = yield self.calls.remove_from_list(list_id, found[start : start + _MOST_REMOVED])
            if not reply.ok:
                return [settle_reply(reply, item.notes) for item in items]
        return [delivered(item.notes) for item in items]

    def _profiles(self, items: Sequence[Item]) -> Generator[Request, Response, list[str] | Response]:
        """Return the ids of the items' profiles, each once, or the reply of a look-up that failed."""
        found: dict[str, None] = {}
        for field in IDENTIFIERS:
            values = [value for item in items if (value := item.body.get(field))]
            for start in range(0, len(values), self.calls.most_lookups):
                reply = yield self.calls.find_profiles(field, values[start : start + self.calls.most_lookups])
                if not reply.ok:
                    return reply
                found.update(dict.fromkeys(read_ids(reply)))
        return list(found)


_MOST_REMOVED = 1000
"""How many profiles Klaviyo removes from a list in one call."""


def read_ids(reply: Response) -> list[str]:
    """Return the ids of the resources in a reply."""
    data = reply.json.get("data") if isinstance(reply.json, dict) else None
    resources = data if isinstance(data, list) else []
    ids = (resource.get("id") for resource in resources if isinstance(resource, dict))
    return [found for found in ids if isinstance(found, str) and found]


def read_first_id(reply: Response) -> str | None:
    """Return the id of the first resource in a reply."""
    return next(iter(read_ids(reply)), None)
