"""Differences between lists and their members, and between the consents of profiles."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from klavier.comparison.matching import Match
from klavier.comparison.report import Case, Part
from klavier.comparison.rows import Rows
from klavier.comparison.snapshot import Snapshot, StoredProfile
from klavier.sandbox.times import write_time

_STATUSES = frozenset({"SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED"})

WAITS = "waits for confirmation on "

States = dict[tuple[str, str], Any]
"""The states of a profile by name and detail, such as a channel and its time of consent."""


def compare_lists(matches: Sequence[Match], left: Snapshot, right: Snapshot, rows: Rows) -> None:
    """Compare the members of lists; profiles that one side lacks count, so that the members of a list add up.

    A list without members counts where a side made it; one that was only named is in the account on both sides.
    """
    _compare_states("lists", matches, lambda stored: _lists(stored, left), lambda stored: _lists(stored, right), rows)
    for made, side in ((rows.lists.left, left), (rows.lists.right, right)):
        made.update({found.name: found.opt_in_process for found in side.lists.values() if not found.has_given_id})
    rows.lists.members |= {
        left.list_name(found) for match in matches for stored in match.left for found in stored.profile.lists
    }
    rows.lists.members |= {
        right.list_name(found) for match in matches for stored in match.right for found in stored.profile.lists
    }


def compare_consent(matches: Sequence[Match], left: Snapshot, right: Snapshot, rows: Rows) -> None:
    """Compare consent, what waits for confirmation, suppressions and push tokens."""
    _compare_states(
        "consent", matches, lambda stored: _consent(stored, left), lambda stored: _consent(stored, right), rows
    )


def _compare_states(
    part: Part,
    matches: Sequence[Match],
    ours: Callable[[StoredProfile], States],
    theirs: Callable[[StoredProfile], States],
    rows: Rows,
) -> None:
    of = rows.total(f"profiles compared for {part}", len(matches))
    for match in matches:
        for left, right in match.groups():
            one, other = _united(map(ours, left)), _united(map(theirs, right))
            if one == other:
                continue
            for name, about in sorted(one.keys() | other.keys()):
                before, after = one.get((name, about)), other.get((name, about))
                if before != after:
                    case = Case(match.line, match.name, before, after)
                    detail = f"{before} → {after}" if {before, after} <= _STATUSES else about
                    rows.add_value(part, name, case, detail=detail, of=of)


def _united(states: Iterable[States]) -> States:
    found: States = {}
    for state in states:
        for name, value in state.items():
            known = found.get(name)
            found[name] = value if known in (None, value) else " and ".join(sorted({str(known), str(value)}))
    return found


def _lists(stored: StoredProfile, snapshot: Snapshot) -> States:
    found: States = {(snapshot.list_name(each), ""): True for each in stored.profile.lists}
    found |= {(snapshot.list_name(each), "unsubscribed from it"): True for each in stored.profile.list_suppressions}
    return found


def _consent(stored: StoredProfile, snapshot: Snapshot) -> States:
    found: States = {}
    profile = stored.profile
    for (channel, kind), consent in profile.consents.items():
        name = f"{channel} {kind}"
        found[name, ""] = consent.consent
        if consent.since is not None:
            found[name, "time of consent"] = write_time(consent.since)
        if consent.source is not None:
            found[name, "source"] = consent.source
    for (list_id, channel, kind), consent in profile.pending.items():
        since = None if consent.since is None else write_time(consent.since)
        text = ", ".join(filter(None, (consent.consent, since, consent.source)))
        found[f"{channel} {kind}", f"{WAITS}{snapshot.list_name(list_id)}"] = text
    found |= {("suppressed", reason): True for reason in profile.suppressions}
    if profile.tokens:
        text = ", ".join(sorted(f"{platform} {token}" for token, platform in profile.tokens.items()))
        found["push tokens", ""] = text
    return found
