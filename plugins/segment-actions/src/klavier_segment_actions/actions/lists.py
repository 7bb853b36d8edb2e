"""addProfileToList, removeProfileFromList and removeProfile: the members of a list."""

from collections.abc import Generator, Sequence
from typing import Any

from klavier.events.model import Event
from klavier.jsvalues import dig
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier_segment_actions.actions.base import (
    Action,
    BatchSending,
    Item,
    Sending,
    names_somebody,
    outcome_of,
    with_phone,
)
from klavier_segment_actions.actions.upsert import CONFLICT, import_profiles
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Differences

IDENTIFIERS = ("external_id", "email", "phone_number")
"""Identifiers in the order in which profiles are looked up."""

NOBODY = "no profile has these identifiers"


class ListAction(Action):
    """What the actions about the members of a list share."""

    def prepare(self, payload: dict[str, Any], event: Event) -> Item | Outcome:
        """Check the identifiers; the list is known, or will be found by the audience's name."""
        attributes = dict(payload)
        problem = with_phone(attributes, leftovers=self.leftovers)
        attributes.pop("country_code", None)
        if problem is not None:
            return problem
        if not names_somebody(attributes, *IDENTIFIERS):
            return rejected("needs one of external_id, phone_number and email; map one")
        list_id = attributes.pop("list_id", None)
        audience = None if list_id else dig(event.context, "personas", "computation_key")
        if not list_id and not (isinstance(audience, str) and audience):
            return rejected("list_id: required, and neither the mapping nor an audience in context.personas gives one")
        return Item(attributes, list_id=list_id, audience=audience, group=(list_id, audience))

    def find_list(self, item: Item, *, create: bool) -> Generator[Request, Response, str | Outcome]:
        """Give the list of an item; that of an audience is found by name, or created on its first sync."""
        if item.list_id:
            return item.list_id
        name = item.audience or ""
        reply = yield self.calls.find_list(name)
        if not reply.ok:
            return outcome_of(reply)
        found = first_id(reply)
        if found is not None:
            return found
        if not create:
            return rejected("the audience has no list in Klaviyo yet, so nobody can be taken off it")
        reply = yield self.calls.create_list(name)
        if not reply.ok:
            return outcome_of(reply)
        return reply.data_id or failed(
            "Klaviyo created the audience's list but gave no id", reply.status, retryable=True
        )


class AddProfileToList(ListAction):
    """Add Profile to List (Engage)."""

    def __init__(self, calls: Calls, rules: Differences, *, batched: bool) -> None:
        super().__init__(calls, rules, batched=batched)
        self.once_a_batch = not rules.shared_import

    def single(self, item: Item) -> Sending:
        """POST /api/profiles, which gives the profile's id also where it exists; then POST it to the list."""
        list_id = yield from self.find_list(item, create=True)
        if isinstance(list_id, Outcome):
            return list_id
        reply = yield self.calls.create_profile(item.body)
        profile_id = reply.duplicate_profile_id if reply.status == CONFLICT else reply.data_id
        if profile_id is None or not (reply.ok or reply.status == CONFLICT):
            problem = outcome_of(reply, item.notes)
            if not reply.local and not self.rules.sendable:
                # The implementation goes on without an id; its request is made, its silence about the failure is not.
                yield self.calls.add_to_list(list_id, None)
            return failed("Klaviyo gave no id for the profile", reply.status) if reply.ok else problem
        return outcome_of((yield self.calls.add_to_list(list_id, profile_id)), item.notes)

    def batch(self, items: Sequence[Item]) -> BatchSending:
        """POST /api/profile-bulk-import-jobs with the list."""
        list_id = yield from self.find_list(items[0], create=True)
        if isinstance(list_id, Outcome):
            return [list_id] * len(items)
        return (yield from import_profiles(self.calls, items, list_id))


class RemoveProfile(ListAction):
    """Remove Profile, and Remove Profile from List (Engage): they differ in their fields only."""

    def single(self, item: Item) -> Sending:
        """GET /api/profiles for each kind of identifier, then DELETE what was found from the list."""
        list_id = yield from self.find_list(item, create=False)
        if isinstance(list_id, Outcome):
            return list_id
        found = yield from self._profiles([item])
        if isinstance(found, Response):
            return outcome_of(found, item.notes)
        if not found:
            return rejected(f"{NOBODY}, so nobody was removed")
        return outcome_of((yield self.calls.remove_from_list(list_id, found)), item.notes)

    def batch(self, items: Sequence[Item]) -> BatchSending:
        """Look all items up together, then remove what was found; nobody found is no error here."""
        list_id = yield from self.find_list(items[0], create=False)
        if isinstance(list_id, Outcome):
            return [list_id] * len(items)
        found = yield from self._profiles(items)
        if isinstance(found, Response):
            return [outcome_of(found, item.notes) for item in items]
        if not found:
            return [delivered((*item.notes, NOBODY)) for item in items]
        for start in range(0, len(found), _REMOVED_AT_ONCE):
            reply = yield self.calls.remove_from_list(list_id, found[start : start + _REMOVED_AT_ONCE])
            if not reply.ok:
                return [outcome_of(reply, item.notes) for item in items]
        return [delivered(item.notes) for item in items]

    def _profiles(self, items: Sequence[Item]) -> Generator[Request, Response, list[str] | Response]:
        """Give the ids of the items' profiles, each once, or the reply of a look-up that failed."""
        found: dict[str, None] = {}
        for field in IDENTIFIERS:
            values = [value for item in items if (value := item.body.get(field))]
            for start in range(0, len(values), self.calls.lookups_at_once):
                reply = yield self.calls.find_profiles(field, values[start : start + self.calls.lookups_at_once])
                if not reply.ok:
                    return reply
                found.update(dict.fromkeys(ids_of(reply)))
        return list(found)


_REMOVED_AT_ONCE = 1000
"""How many profiles Klaviyo takes off a list in one call."""


def ids_of(reply: Response) -> list[str]:
    """Give the ids of the resources in a reply."""
    data = reply.json.get("data") if isinstance(reply.json, dict) else None
    resources = data if isinstance(data, list) else []
    ids = (resource.get("id") for resource in resources if isinstance(resource, dict))
    return [found for found in ids if isinstance(found, str) and found]


def first_id(reply: Response) -> str | None:
    """Give the id of the first resource in a reply."""
    return next(iter(ids_of(reply)), None)
