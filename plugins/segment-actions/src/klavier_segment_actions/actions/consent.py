"""subscribeProfile and unsubscribeProfile: consent to email and SMS."""

from collections.abc import Sequence
from typing import Any

from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.outcome import Outcome, delivered, rejected
from klavier.vendor import RejectEvent
from klavier_segment_actions.actions.base import Action, BatchFlow, Item, SingleFlow
from klavier_segment_actions.actions.bulk import send_together, settle_alike
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Fidelity

SOURCE = "-59"
"""The `custom_source` that Klaviyo shows as Segment."""

_MOST_PROFILES = 100
"""How many profiles Segment sends in one call; also Klaviyo's limit of a call that unsubscribes."""


class ConsentAction(Action):
    """What both consent actions share."""

    most_profiles = _MOST_PROFILES
    bulkable = True
    empty_batch_is_error = False
    """Whether, in deployed fidelity, a batch whose every item is dropped is an error."""

    def prepare(self, payload: dict[str, Any], event: Event) -> Item:  # noqa: ARG002 -- the interface of actions
        """Build the profile of the request; an item without a body was refused, and its note is the reason."""
        options = self.options(payload)
        list_id = payload.get("list_id") or None
        group = (list_id, *options)
        try:
            self.normalize_phone(payload, leftovers=False)
            self._check(payload)
        except RejectEvent as refusal:
            return Item(None, group=group, options=options, notes=(str(refusal),))
        return Item(self.profile(payload), list_id=list_id, group=group, options=options)

    def options(self, payload: dict[str, Any]) -> tuple[Any, ...]:
        """Return what a request contains besides its profiles and list."""
        raise NotImplementedError

    def profile(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Build a profile of the request."""
        raise NotImplementedError

    def request(self, items: Sequence[Item]) -> Request:
        """Build the request for items that share list and options."""
        raise NotImplementedError

    def single(self, item: Item) -> SingleFlow:
        """Send one profile."""
        if item.body is None:
            return rejected(item.notes[0])
        return (yield from send_together([item], self.request, settle_alike, self.fidelity))[0]

    def batch(self, items: Sequence[Item]) -> BatchFlow:
        """Send profiles in as few requests as their limit allows.

        In deployed fidelity the first request that fails fails all items.
        """
        live = [item for item in items if item.body is not None]
        outcomes: list[Outcome] = []
        for start in range(0, len(live), self.most_profiles):
            chunk = live[start : start + self.most_profiles]
            outcomes.extend((yield from send_together(chunk, self.request, settle_alike, self.fidelity)))
        if self.fidelity.consent_fails_together:
            outcomes = _all_or_nothing(outcomes)
        sent = iter(outcomes)
        return [next(sent) if item.body is not None else self._settle_dropped(item, outcomes) for item in items]

    def _check(self, profile: dict[str, Any]) -> None:
        if not (profile.get("email") or profile.get("phone_number")):
            raise RejectEvent("needs phone_number or email; map one")
        if self.fidelity.checks_limits and profile.get("historical_import") and not profile.get("consented_at"):
            raise RejectEvent("consented_at: required for a historical import; map it")

    def _settle_dropped(self, item: Item, outcomes: Sequence[Outcome]) -> Outcome:
        if not self.fidelity.dropped_subscription or (self.empty_batch_is_error and not outcomes):
            return rejected(item.notes[0])
        failure = next((outcome for outcome in outcomes if outcome.kind != "delivered"), None)
        return failure or delivered((f"dropped, as Segment drops it without an error: {item.notes[0]}",))


class SubscribeProfile(ConsentAction):
    """Subscribe Profile: POST /api/profile-subscription-bulk-create-jobs."""

    empty_batch_is_error = True

    def __init__(self, calls: Calls, fidelity: Fidelity, *, batched: bool) -> None:
        super().__init__(calls, fidelity, batched=batched)
        self.most_profiles = calls.most_subscriptions

    def options(self, payload: dict[str, Any]) -> tuple[Any, ...]:
        """Return the source, and whether the consent is historical."""
        return (payload.get("custom_source") or SOURCE, payload.get("historical_import", False))

    def profile(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Subscribe each channel that has an identifier; only historical imports have the time of consent."""
        consent: dict[str, Any] = {"consent": "SUBSCRIBED"}
        if payload.get("historical_import") and payload.get("consented_at"):
            consent["consented_at"] = payload["consented_at"]
        return _profile(payload, {"marketing": consent}, {"marketing": consent})

    def request(self, items: Sequence[Item]) -> Request:
        """Subscribe profiles."""
        source, historical = items[0].options
        attributes = {
            "profiles": {"data": [item.body for item in items]},
            "custom_source": source,
            "historical_import": historical,
        }
        data = {"type": "profile-subscription-bulk-create-job", "attributes": attributes}
        return self.calls.post(self.calls.subscriptions, _on_list(data, items[0].list_id))


class UnsubscribeProfile(ConsentAction):
    """Unsubscribe Profile: POST /api/profile-subscription-bulk-delete-jobs."""

    def options(self, payload: dict[str, Any]) -> tuple[Any, ...]:  # noqa: ARG002 -- the interface of consent actions
        """Return nothing: unsubscribing has no options."""
        return ()

    def profile(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Unsubscribe from marketing, and from transactional SMS too."""
        consent = {"consent": "UNSUBSCRIBED"}
        return _profile(payload, {"marketing": consent}, {"marketing": consent, "transactional": consent})

    def request(self, items: Sequence[Item]) -> Request:
        """Unsubscribe profiles."""
        data = {
            "type": "profile-subscription-bulk-delete-job",
            "attributes": {"profiles": {"data": [item.body for item in items]}},
        }
        return self.calls.post("/api/profile-subscription-bulk-delete-jobs", _on_list(data, items[0].list_id))


def _profile(payload: dict[str, Any], email: dict[str, Any], sms: dict[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {"subscriptions": {}}
    if payload.get("email"):
        attributes["email"] = payload["email"]
        attributes["subscriptions"]["email"] = email
    if payload.get("phone_number"):
        attributes["phone_number"] = payload["phone_number"]
        attributes["subscriptions"]["sms"] = sms
    return {"type": "profile", "attributes": attributes}


def _on_list(data: dict[str, Any], list_id: str | None) -> dict[str, Any]:
    if list_id:
        data["relationships"] = {"list": {"data": {"type": "list", "id": list_id}}}
    return {"data": data}


def _all_or_nothing(outcomes: list[Outcome]) -> list[Outcome]:
    failure = next((outcome for outcome in outcomes if outcome.kind != "delivered"), None)
    return outcomes if failure is None else [failure] * len(outcomes)
