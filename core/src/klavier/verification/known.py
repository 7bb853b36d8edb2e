"""What Klaviyo changes by itself, and what others change in an account: known, and not counted as a difference.

Profiles are changed in place, so that the comparison finds no difference where there is none to report: numbers in
E.164 form, merged profiles, consents that the person changed later, ids and times that the sender did not name.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from attrs import field, frozen

from klavier.comparison.matching import Match
from klavier.comparison.snapshot import StoredEvent, StoredProfile
from klavier.comparison.values import is_same
from klavier.klaviyo.attributes import COORDINATES
from klavier.sandbox.profile import Consent, Profile
from klavier.verification.prediction import Prediction
from klavier.verification.queries import without_own
from klavier.verification.reading import AccountPart, normalized

MERGED = "profiles that others became part of in Klaviyo: values that differ are not counted"
LATER = "consents that were changed after the last of these events"


@frozen(eq=False)
class ProfileGroup:
    """The profiles of one person: the predicted ones, and those of the account."""

    predicted: list[StoredProfile]
    actual: list[StoredProfile]
    is_merged: bool = False
    """Whether other profiles became part of it in the account."""
    match: Match = field(factory=Match)
    """Both sides made comparable; several predicted profiles that became one are one."""


def group_profiles(profiles: Sequence[StoredProfile], part: AccountPart) -> list[tuple[list[StoredProfile], list[str]]]:
    """Put predicted profiles together that share a profile of the account; return them with its ids."""
    groups: list[tuple[list[StoredProfile], list[str]]] = []
    by_id: dict[str, int] = {}
    for stored in profiles:
        ids = part.owners_of(stored)
        places = sorted({by_id[found] for found in ids if found in by_id})
        if places:
            first = groups[places[0]]
            for place in places[1:]:
                first[0].extend(groups[place][0])
                first[1].extend(groups[place][1])
                groups[place] = ([], [])
        else:
            places = [len(groups)]
            groups.append(([], []))
            first = groups[-1]
        first[0].append(stored)
        first[1].extend(found for found in ids if found not in first[1])
        by_id.update((found, places[0]) for found in first[1])
    return [group for group in groups if group[0]]


def make_comparable(
    predicted: list[StoredProfile], actual: list[StoredProfile], prediction: Prediction, notes: Counter[str]
) -> ProfileGroup:
    """Return a group whose two sides differ only in what is to be reported; `notes` counts what is not."""
    lines = frozenset(line for stored in predicted for line in stored.lines)
    profile = _plain_profile([stored.profile for stored in predicted])
    is_merged = len(predicted) > 1 or any(_is_foreign(profile, held.profile, prediction) for held in actual)
    if is_merged and actual:
        notes[MERGED] += 1
    if len(actual) == 1:
        last = max((prediction.times.get(line, 0) for line in lines), default=0)
        _settle_consents(profile, actual[0].profile, last, notes)
    for held in actual:
        held.profile.devices = profile.devices  # the API shows none
        _settle_values(profile, held.profile, is_merged=is_merged)
    left = StoredProfile(profile, lines)
    return ProfileGroup(
        predicted, actual, is_merged, Match([left], [StoredProfile(held.profile, lines) for held in actual])
    )


def make_event_comparable(ours: StoredEvent, theirs: StoredEvent) -> None:
    """Set aside what Klaviyo adds to an event, what it does not show, and what the sender did not name."""
    left, right = ours.event, theirs.event
    left.properties = without_own(left.properties)
    # Klaviyo drops properties that are 0, null or empty: where it kept one, that is no difference.
    right.properties = {
        name: value for name, value in right.properties.items() if value or value is False or name in left.properties
    }
    right.dated, right.backfill = left.dated, left.backfill
    ours.metric.valued = True  # a value that is missing reads as 0
    if right.unique_id is None or (left.unique_id is None and right.unique_id == str(right.time)):
        right.unique_id = left.unique_id
    if left.currency is None:
        right.currency = None


def _plain_profile(profiles: Sequence[Profile]) -> Profile:
    """Return what Klaviyo's API shows of predicted profiles, as one."""
    first, *others = [_copied(profile) for profile in profiles]
    for other in others:
        first.identifiers = {**other.identifiers, **first.identifiers}
        first.absorb(other)
    first.identifiers = dict(normalized(*pair) for pair in first.identifiers.items() if pair[0] in _SHOWN)
    first.properties = without_own(first.properties)
    first.secondary_emails, first.pending, first.tokens = {}, {}, {}
    return first


_SHOWN = ("email", "phone_number", "external_id")


def _copied(profile: Profile) -> Profile:
    found = copy(profile)
    for name in ("identifiers", "attributes", "location", "properties", "consents", "lists", "list_suppressions"):
        setattr(found, name, dict(getattr(profile, name)))
    found.consents = {key: copy(consent) for key, consent in profile.consents.items()}
    found.suppressions, found.events = dict(profile.suppressions), {}
    return found


def _is_foreign(expected: Profile, actual: Profile, prediction: Prediction) -> bool:
    """Return whether a profile has an identifier that stands in none of the events: others gave it to Klaviyo."""
    return any(
        normalized(kind, value)[1] != expected.identifiers.get(kind) and not prediction.knows(value)
        for kind, value in actual.identifiers.items()
    )


def _settle_consents(expected: Profile, actual: Profile, last: int, notes: Counter[str]) -> None:
    """Accept what the person changed after the last event, and times and sources that the sender did not name."""
    is_later = False
    for key, ours in list(expected.consents.items()):
        theirs = actual.consents.get(key)
        if theirs is None:
            continue
        if theirs.consent != ours.consent and theirs.changed > last:
            notes[LATER] += 1
            is_later = True
            expected.consents[key] = copy(theirs)
        else:
            _settle_consent(ours, theirs)
    if is_later:
        expected.lists = {found: since for found, since in expected.lists.items() if found in actual.lists}
        expected.suppressions = {
            key: since for key, since in expected.suppressions.items() if key in actual.suppressions
        }


def _settle_consent(ours: Consent, theirs: Consent) -> None:
    if ours.since is None or (theirs.since is not None and theirs.since < ours.since):
        theirs.since = ours.since  # the consent is older than the events
    if None in (ours.source, theirs.source):
        theirs.source = ours.source


def _settle_values(expected: Profile, actual: Profile, *, is_merged: bool) -> None:
    actual.identifiers = dict(normalized(*pair) for pair in actual.identifiers.items())
    for name in COORDINATES:
        if name in expected.location and _number(expected.location[name]) == _number(actual.location.get(name)):
            actual.location[name] = expected.location[name]
    if not is_merged:
        return
    for name in ("identifiers", "attributes", "location", "properties"):
        ours, theirs = getattr(expected, name), getattr(actual, name)
        changed = {key: ours[key] for key in ours.keys() & theirs.keys() if not is_same(ours[key], theirs[key])}
        setattr(actual, name, {**theirs, **changed})


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def concerned_lists(profiles: Iterable[StoredProfile]) -> set[str]:
    """Return the ids of the lists that predicted profiles are on."""
    return {found for stored in profiles for found in stored.profile.lists}
