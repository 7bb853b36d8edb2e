"""subscribeProfile and unsubscribeProfile: consent to e-mail and SMS."""

from collections.abc import Sequence
from typing import Any

from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.outcome import Outcome, delivered, rejected
from klavier_segment_actions.actions.base import Action, BatchSending, Item, Sending, with_phone
from klavier_segment_actions.actions.splitting import same_for_all, send_together
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Differences

SOURCE = "-59"
"""The source that Klaviyo knows as Segment."""

NEEDED = "needs phone_number or email; map one"
_AT_ONCE = 100
"""How many profiles Segment puts in one call, and Klaviyo takes in one for unsubscribing."""


class ConsentAction(Action):
    """What both actions about consent share."""

    at_once = _AT_ONCE
    bulkable = True
    needs_somebody = False
    """Whether, as deployed, a batch of which everybody is dropped is an error."""

    def prepare(self, payload: dict[str, Any], event: Event) -> Item | Outcome:  # noqa: ARG002 -- the interface of actions
        """Make the profile of the request; as deployed, one without address and number is dropped in a batch."""
        who = dict(payload)
        problem = with_phone(who)
        if problem is None and not (who.get("email") or who.get("phone_number")):
            problem = rejected(NEEDED)
        if problem is None and self.rules.sendable and who.get("historical_import") and not who.get("consented_at"):
            problem = rejected("consented_at: required for a historical import; map it")
        options = self.options(payload)
        group = (payload.get("list_id") or None, *options)
        if problem is None:
            return Item(self.profile(who), list_id=payload.get("list_id") or None, group=group, options=options)
        return Item(None, group=group, options=options, notes=(problem.reason,))

    def options(self, payload: dict[str, Any]) -> tuple[Any, ...]:
        """Give what a request says besides its profiles and list."""
        raise NotImplementedError

    def profile(self, who: dict[str, Any]) -> dict[str, Any]:
        """Make a profile of the request."""
        raise NotImplementedError

    def request(self, items: Sequence[Item]) -> Request:
        """Make the request for items that share list and options."""
        raise NotImplementedError

    def single(self, item: Item) -> Sending:
        """Send one profile."""
        if item.body is None:
            return rejected(item.notes[0])
        return (yield from send_together([item], self.request, same_for_all))[0]

    def batch(self, items: Sequence[Item]) -> BatchSending:
        """Send profiles in as few requests as there is room; the first that fails fails them all."""
        live = [item for item in items if item.body is not None]
        outcomes: list[Outcome] = []
        for start in range(0, len(live), self.at_once):
            outcomes.extend((yield from send_together(live[start : start + self.at_once], self.request, same_for_all)))
        if not self.rules.sendable:
            outcomes = _all_or_nothing(outcomes)
        sent = iter(outcomes)
        return [next(sent) if item.body is not None else self._dropped(item, outcomes) for item in items]

    def _dropped(self, item: Item, outcomes: Sequence[Outcome]) -> Outcome:
        if not self.rules.dropped_subscription or (self.needs_somebody and not outcomes):
            return rejected(item.notes[0])
        failure = next((outcome for outcome in outcomes if outcome.kind != "delivered"), None)
        return failure or delivered((f"dropped, as Segment drops it without telling: {item.notes[0]}",))


class SubscribeProfile(ConsentAction):
    """Subscribe Profile: POST /api/profile-subscription-bulk-create-jobs."""

    needs_somebody = True

    def __init__(self, calls: Calls, rules: Differences, *, batched: bool) -> None:
        super().__init__(calls, rules, batched=batched)
        self.at_once = calls.subscriptions_at_once

    def options(self, payload: dict[str, Any]) -> tuple[Any, ...]:
        """Give source and whether the consent is historical."""
        return (payload.get("custom_source") or SOURCE, payload.get("historical_import", False))

    def profile(self, who: dict[str, Any]) -> dict[str, Any]:
        """Subscribe to what there is an address or number for; the time of consent is for historical imports only."""
        consent: dict[str, Any] = {"consent": "SUBSCRIBED"}
        if who.get("historical_import") and who.get("consented_at"):
            consent["consented_at"] = who["consented_at"]
        return _profile(who, {"marketing": consent}, {"marketing": consent})

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

    def options(self, payload: dict[str, Any]) -> tuple[Any, ...]:  # noqa: ARG002 -- the interface of consent
        """Give nothing: unsubscribing has no options."""
        return ()

    def profile(self, who: dict[str, Any]) -> dict[str, Any]:
        """Unsubscribe from marketing, and from transactional SMS too."""
        gone = {"consent": "UNSUBSCRIBED"}
        return _profile(who, {"marketing": gone}, {"marketing": gone, "transactional": gone})

    def request(self, items: Sequence[Item]) -> Request:
        """Unsubscribe profiles."""
        data = {
            "type": "profile-subscription-bulk-delete-job",
            "attributes": {"profiles": {"data": [item.body for item in items]}},
        }
        return self.calls.post("/api/profile-subscription-bulk-delete-jobs", _on_list(data, items[0].list_id))


def _profile(who: dict[str, Any], email: dict[str, Any], sms: dict[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {"subscriptions": {}}
    if who.get("email"):
        attributes["email"] = who["email"]
        attributes["subscriptions"]["email"] = email
    if who.get("phone_number"):
        attributes["phone_number"] = who["phone_number"]
        attributes["subscriptions"]["sms"] = sms
    return {"type": "profile", "attributes": attributes}


def _on_list(data: dict[str, Any], list_id: str | None) -> dict[str, Any]:
    if list_id:
        data["relationships"] = {"list": {"data": {"type": "list", "id": list_id}}}
    return {"data": data}


def _all_or_nothing(outcomes: list[Outcome]) -> list[Outcome]:
    failure = next((outcome for outcome in outcomes if outcome.kind != "delivered"), None)
    return outcomes if failure is None else [failure] * len(outcomes)
