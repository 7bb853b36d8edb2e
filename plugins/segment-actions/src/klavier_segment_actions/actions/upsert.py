"""upsertProfile: create a profile, change it where it exists, and put it on a list."""

from collections.abc import Sequence
from typing import Any

from klavier.events.model import Event
from klavier.outcome import Outcome, failed, rejected
from klavier_segment_actions.actions.base import (
    Action,
    BatchSending,
    Item,
    Sending,
    names_somebody,
    outcome_of,
    with_phone,
)
from klavier_segment_actions.actions.splitting import same_for_all, send_together
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Differences

CONFLICT = 409


class UpsertProfile(Action):
    """Upsert Profile; `connected_list_id` is the list that the mapping was connected to when it was saved."""

    def __init__(
        self, calls: Calls, rules: Differences, *, batched: bool, connected_list_id: str | None = None
    ) -> None:
        super().__init__(calls, rules, batched=batched)
        self.connected_list_id = connected_list_id
        self.once_a_batch = not rules.shared_import

    def prepare(self, payload: dict[str, Any], event: Event) -> Item | Outcome:  # noqa: ARG002 -- the interface of actions
        """Make the attributes of the profile, and choose its list."""
        attributes = dict(payload)
        problem = with_phone(attributes, leftovers=self.leftovers)
        attributes.pop("country_code", None)
        if problem is not None:
            return problem
        default, override = attributes.pop("list_id", None), attributes.pop("override_list_id", None)
        list_id = self.connected_list_id or override or default
        if not names_somebody(attributes, "email", "phone_number", "external_id"):
            return rejected("needs one of external_id, phone_number and email; map one")
        return Item(attributes, list_id=list_id or None, group=list_id)

    def single(self, item: Item) -> Sending:
        """POST /api/profiles; on 409 PATCH the profile that is there; then POST it to the list."""
        reply = yield self.calls.create_profile(item.body)
        profile_id = reply.data_id if reply.ok else None
        if reply.status == CONFLICT and reply.duplicate_profile_id:
            profile_id = reply.duplicate_profile_id
            reply = yield self.calls.update_profile(profile_id, item.body)
        if not reply.ok or not item.list_id:
            return outcome_of(reply, item.notes)
        if profile_id is None:
            return _no_id(reply.status)
        return outcome_of((yield self.calls.add_to_list(item.list_id, profile_id)), item.notes)

    def batch(self, items: Sequence[Item]) -> BatchSending:
        """POST /api/profile-bulk-import-jobs, with the list that the items share."""
        return (yield from import_profiles(self.calls, items, items[0].list_id))


def import_profiles(calls: Calls, items: Sequence[Item], list_id: str | None) -> BatchSending:
    """Import the profiles of items, and put them on a list where one is given."""
    return (
        yield from send_together(
            items,
            lambda some: calls.import_profiles([{"type": "profile", "attributes": i.body} for i in some], list_id),
            same_for_all,
        )
    )


def _no_id(status: int) -> Outcome:
    return failed("Klaviyo accepted the profile but gave no id, so it is on no list", status, retryable=True)
