"""Choose profiles to look at: the same ones in each run over the same events."""

import hashlib
from collections.abc import Mapping, Sequence

from attrs import frozen

from klavier.comparison.snapshot import StoredEvent, StoredProfile
from klavier.klaviyo.attributes import TEST_DOMAINS
from klavier.verification.prediction import Prediction, is_findable


@frozen(eq=False)
class Sample:
    """The profiles to look at with their events, and how many events there are in all.

    `skipped` counts the profiles that cannot be looked at, by reason.
    """

    profiles: list[StoredProfile]
    events: Mapping[int, list[StoredEvent]]
    """By the identity of the profile."""
    total_events: int
    """Predicted events, or input events where some people were selected before."""
    skipped: Mapping[str, int]
    is_whole: bool
    """Whether every profile that can be looked at is in it."""


def choose(prediction: Prediction, least_events: int | None) -> Sample:
    """Choose profiles at random until they have `least_events` events; all of them where that is None.

    The order depends on the profiles' identifiers alone, so that a later run looks at the same profiles.
    """
    events = prediction.events_by_person()
    skipped: dict[str, int] = {}
    profiles: list[StoredProfile] = []
    for stored in prediction.snapshot.profiles:
        reason = _reason_to_skip(stored, events.get(id(stored), ()))
        if reason:
            skipped[reason] = skipped.get(reason, 0) + 1
        else:
            profiles.append(stored)
    profiles.sort(key=_rank)
    total = sum(len(events.get(id(stored), ())) for stored in profiles)
    chosen = profiles if least_events is None else _first(profiles, events, least_events)
    if prediction.selected_from is not None:
        return Sample(chosen, events, prediction.selected_from, skipped, is_whole=False)
    return Sample(chosen, events, total, skipped, is_whole=len(chosen) == len(profiles))


def _first(
    profiles: Sequence[StoredProfile], events: Mapping[int, list[StoredEvent]], least_events: int
) -> list[StoredProfile]:
    chosen: list[StoredProfile] = []
    count = 0
    for stored in profiles:
        if count >= least_events:
            break
        chosen.append(stored)
        count += len(events.get(id(stored), ())) or 1  # a profile without events takes a call, too
    return chosen


def _reason_to_skip(stored: StoredProfile, events: Sequence[StoredEvent]) -> str:
    if stored.profile.is_unconfirmed:
        return "profiles that wait for the confirmation of a subscription: Klaviyo does not show them"
    if not is_findable(stored, events):
        return "profiles known by a device only, without an event that names its time: the API cannot find them"
    if stored.profile.identifiers.get("email", "").endswith(TEST_DOMAINS):
        return "profiles at example.com or test.com, whose events Klaviyo drops"
    return ""


def _rank(stored: StoredProfile) -> bytes:
    return hashlib.sha256(stored.name.encode("utf-8", "surrogatepass")).digest()
