"""upsertProfile: create a profile, update it where it exists, and add it to a list."""

from collections.abc import Sequence
from typing import Any

from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.outcome import Outcome, failed
from klavier.vendor import RejectEvent
from klavier_segment_actions.actions.base import (
    Action,
    BatchFlow,
    Item,
    SingleFlow,
    has_identifier,
    settle_reply,
)
from klavier_segment_actions.actions.bulk import send_together, settle_alike
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Fidelity

CONFLICT = 409


class UpsertProfile(Action):
    """Upsert Profile; `connected_list_id` is the list that the mapping was connected to when it was saved."""

    bulkable = True

    def __init__(
        self, calls: Calls, fidelity: Fidelity, *, batched: bool, connected_list_id: str | None = None
    ) -> None:
        super().__init__(calls, fidelity, batched=batched)
        self.connected_list_id = connected_list_id
        self.unique_profiles = not fidelity.shared_import

    def prepare(self, payload: dict[str, Any], event: Event) -> Item:  # noqa: ARG002 -- the interface of actions
        """Build the attributes of the profile, and choose its list."""
        self.normalize_phone(payload)
        payload.pop("country_code", None)
        default, override = payload.pop("list_id", None), payload.pop("override_list_id", None)
        lists = (self.connected_list_id, override, default)
        if self.batched and self.fidelity.override_first_in_batches:
            lists = (override, self.connected_list_id, default)
        list_id = next(filter(None, lists), None)
        if not has_identifier(payload, "email", "phone_number", "external_id"):
            raise RejectEvent("needs one of external_id, phone_number and email; map one")
        return Item(payload, list_id=list_id, group=list_id)

    def single(self, item: Item) -> SingleFlow:
        """POST /api/profiles, then POST the profile to the list; on 409 PATCH the existing profile first."""
        reply = yield self.calls.create_profile(item.body)
        if reply.ok and item.list_id:
            if reply.data_id is None:
                return _no_id(reply.status)
            reply = yield self.calls.add_to_list(item.list_id, reply.data_id)
        profile_id = reply.duplicate_profile_id
        if reply.status == CONFLICT and profile_id:
            reply = yield self.calls.update_profile(profile_id, item.body)
            if reply.ok and item.list_id:
                reply = yield self.calls.add_to_list(item.list_id, profile_id)
        return settle_reply(reply, item.notes)

    def batch(self, items: Sequence[Item]) -> BatchFlow:
        """POST /api/profile-bulk-import-jobs, with the list that the items share."""
        return (yield from import_profiles(self, items, items[0].list_id))


def import_profiles(action: Action, items: Sequence[Item], list_id: str | None) -> BatchFlow:
    """Import the profiles of an action's items, and add them to the list if there is one."""

    def build(some: Sequence[Item]) -> Request:
        profiles = [{"type": "profile", "attributes": item.body} for item in some]
        return action.calls.import_profiles(profiles, list_id)

    return (yield from send_together(items, build, settle_alike, action.fidelity))


def _no_id(status: int) -> Outcome:
    reason = "Klaviyo accepted the profile but returned no id, so it was not added to the list"
    return failed(reason, status, retryable=True)
