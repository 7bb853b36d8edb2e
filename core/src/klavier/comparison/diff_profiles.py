"""Differences between profiles: their number for one person, identifiers, attributes and custom properties."""

from collections.abc import Iterable, Sequence
from typing import Any

from klavier.comparison.matching import Match
from klavier.comparison.properties import Compared
from klavier.comparison.report import Case, DifferenceKind
from klavier.comparison.rows import Rows, Totals
from klavier.comparison.snapshot import StoredEvent, StoredProfile
from klavier.comparison.traits import ATTRIBUTE, CUSTOM, TRAITS
from klavier.comparison.values import Several, is_same

PEOPLE = "people"
PROFILES = "profiles of one person"
MOVED = "events of one person on another profile"


def compare_profiles(matches: Sequence[Match], pairs: Iterable[tuple[StoredEvent, StoredEvent]], rows: Rows) -> None:
    """Compare the profiles of each person; persons that one side lacks altogether are one row."""
    both = [match for match in matches if match.left and match.right]
    of = rows.total("persons", len(matches))
    for match in matches:
        _compare_numbers(match, rows, of)
    of = rows.total("persons on both sides", len(both))
    for match in both:
        for left, right in match.groups():
            _compare_identifiers(match, left, right, rows, of)
    _compare_traits(both, rows)
    _compare_owners(both, pairs, rows)


def _compare_numbers(match: Match, rows: Rows, of: Totals) -> None:
    kind: DifferenceKind
    if len(match.left) == len(match.right):
        return
    if not match.left or not match.right:
        kind = "only_left" if match.left else "only_right"
    else:
        kind = "merged" if len(match.left) > len(match.right) else "doubled"
    left, right = ([stored.name for stored in side] for side in (match.left, match.right))
    name = PROFILES if match.left and match.right else PEOPLE
    rows.add("people", kind, name, Case(match.line, match.name, left or None, right or None), of=of)


def _compare_identifiers(
    match: Match, left: list[StoredProfile], right: list[StoredProfile], rows: Rows, of: Totals
) -> None:
    ours, theirs = _identifiers(left), _identifiers(right)
    for kind in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(kind), theirs.get(kind)
        if one != other:
            case = Case(match.line, match.name, _plain(one), _plain(other))
            rows.add_value("identifiers", kind, case, of=of)


def _identifiers(profiles: list[StoredProfile]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for stored in profiles:
        profile = stored.profile
        named = {kind: (value,) for kind, value in profile.identifiers.items() if kind != "anonymous_id"}
        for kind, values in {
            **named,
            "anonymous_id": profile.devices,
            "other e-mail": profile.secondary_emails,
        }.items():
            found.setdefault(kind, set()).update(values)
    return {kind: values for kind, values in found.items() if values}


def _plain(values: set[str] | None) -> Any:
    if values is None:
        return None
    return next(iter(values)) if len(values) == 1 else sorted(values)


def _compare_traits(matches: Sequence[Match], rows: Rows) -> None:
    """Compare attributes and custom properties together, since one side's attribute may be the other's property."""
    tally = rows.tally(TRAITS)
    for match in matches:
        for left, right in match.groups():
            tally.add(Compared(_traits(left), _traits(right), match.line, match))


def _traits(profiles: list[StoredProfile]) -> dict[str, Any]:
    """Return the traits of these profiles: the value where they agree, else all of them, in an order of their own."""
    if len(profiles) == 1:
        return dict(_traits_of(profiles[0]))
    found: dict[str, list[Any]] = {}
    for stored in profiles:
        for name, value in _traits_of(stored):
            known = found.setdefault(name, [])
            if not any(is_same(value, other) for other in known):
                known.append(value)
    return {
        name: values[0] if len(values) == 1 else Several(several=sorted(values, key=repr))
        for name, values in found.items()
    }


def _traits_of(stored: StoredProfile) -> Iterable[tuple[str, Any]]:
    profile = stored.profile
    for name, text in profile.attributes.items():
        yield f"{ATTRIBUTE}{name}", text
    for name, value in profile.location.items():
        yield f"{ATTRIBUTE}location.{name}", value
    for name, value in profile.properties.items():
        yield f"{CUSTOM}{name}", value


def _compare_owners(matches: Sequence[Match], pairs: Iterable[tuple[StoredEvent, StoredEvent]], rows: Rows) -> None:
    """Find events of persons with several profiles whose two profiles are no counterparts."""
    partners = {
        id(left): right
        for match in matches
        if len(match.left) > 1 or len(match.right) > 1
        for left, right in match.partners()
    }
    several = {id(stored) for m in matches if len(m.left) > 1 or len(m.right) > 1 for stored in m.left}
    found = [(ours, theirs) for ours, theirs in pairs if id(ours.owner) in several]
    of = rows.total("events of persons with several profiles", len(found))
    for ours, theirs in found:
        if partners.get(id(ours.owner)) is not theirs.owner:
            case = Case(ours.line, ours.owner.name, ours.owner.name, theirs.owner.name)
            rows.add("people", "changed", MOVED, case, of=of)
