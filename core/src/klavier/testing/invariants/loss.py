"""Nothing lost: every custom trait and property of a delivered event is sent."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from attrs import frozen

from klavier.events.model import Event, Group, Identify, Page, Screen, Track
from klavier.events.reader import parse_event
from klavier.testing.decoding import decode, leaves
from klavier.testing.invariants.report import broken
from klavier.testing.provenance import Origins
from klavier.testing.trace import Trace, record
from klavier.vendor import Vendor

LOST = "5 nothing lost"

PLANTS: dict[str, Any] = {
    "planted": "qzplain",
    "planted number": 739104,
    "dotted.plant": "qzdotted",
    "Planted-List": ["qzfirst", "qzsecond"],
    "plantedObject": {"inner key": "qzinner", "deeper": {"deepest": [{"qz": 73.9104}]}},
    "__planted__": " QzPadded ",
    "gepflanzt ü": "qzüber 李",
    "planted amount": 40.2175,
    "planted text": f"qzlong {'qz' * 400}end",
    "planted depth": {"a": {"b": {"c": {"d": "qzdeep"}}}},
    "$planted": "qzdollar",
    "coupon": "qzcoupon",
    "color": "qzcolor",
}
"""Members that no vendor can know, of every kind, with values that occur nowhere else."""

FALSY: dict[str, Any] = {"planted no": False, "planted zero": 0}
"""Members that are there though their values count as false; they are looked for by their names."""

TWINS: dict[str, Any] = {"twin": "qztwin", "twin.inner": "qzinnertwin"}
"""Two members that are one where dots open objects; vendors that do so exactly (`Delivery.exact`) keep one."""


@frozen
class _Custom:
    """One custom member of an event: its place and value."""

    place: str
    key: str
    value: Any


def check_nothing_lost(vendor: Vendor, events: Sequence[Event], exclusions: Collection[str] = ()) -> None:
    """Check that every custom trait of a delivered identify or group, or property of a track, page or screen, is sent.

    `PLANTS` and `TWINS` are added to each event and looked for. Exempt are the places that `exclusions` and
    `Vendor.excludes` name, such as `traits.plan` or `properties.*`, and those that a note of the outcome names.
    """
    for given in events:
        event = _planted(given)
        trace = record(vendor, [event])
        outcomes = [outcome for found in trace.deliveries for outcome in found.outcomes]
        if [outcome.kind for outcome in outcomes] != ["delivered"]:
            continue
        exempt = {*exclusions, *vendor.excludes(event)}
        notes = " ".join(outcomes[0].notes)
        arrived = Origins(*_arrivals(trace))
        exact = any(found.delivery.exact for found in trace.deliveries)
        arrivals = {name for found in _arrivals(trace) for name in _names(found)}
        for name in FALSY:
            place = f"{_section(event)}.{name}"
            if event.type != "alias" and not _is_exempt(exempt, place) and name not in notes and name not in arrivals:
                raise broken(LOST, f"{place} is not sent", vendor, trace.events, trace.requests)
        for custom in _customs(event, PLANTS if exact else PLANTS | TWINS):
            if not _is_exempt(exempt, custom.place) and custom.key not in notes:
                _check_member(vendor, trace, arrived, custom, exempt)


def _check_member(vendor: Vendor, trace: Trace, arrived: Origins, custom: _Custom, exempt: Collection[str]) -> None:
    for place, leaf in leaves(custom.value, custom.place):
        if not arrived.explain(leaf) and not _is_exempt(exempt, place):
            raise broken(LOST, f"{place} = {leaf!r} is not sent", vendor, trace.events, trace.requests)


def _planted(event: Event) -> Event:
    """Return the event with the plants among its traits or properties."""
    payload = dict(event.payload)
    match event:
        case Identify(traits=traits) | Group(traits=traits):
            payload["traits"] = traits | PLANTS | FALSY | TWINS
        case Track(properties=properties) | Page(properties=properties) | Screen(properties=properties):
            payload["properties"] = properties | PLANTS | FALSY | TWINS
        case _:
            pass
    return parse_event(payload)


def _customs(event: Event, plants: Collection[str]) -> Iterator[_Custom]:
    match event:
        case Identify(traits=members) | Group(traits=members):
            section = "traits"
        case Track(properties=members) | Page(properties=members) | Screen(properties=members):
            section = "properties"
        case _:
            return
    for key in plants:
        yield _Custom(f"{section}.{key}", key, members[key])


def _section(event: Event) -> str:
    return "traits" if event.type in ("identify", "group") else "properties"


def _names(value: Any) -> Iterator[str]:
    """Return the names of all members of a JSON value, and names that stand in it as texts."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _names(member)
    elif isinstance(value, list):
        for member in value:
            yield from _names(member)


def _arrivals(trace: Trace) -> list[Any]:
    return [*map(decode, trace.requests), *trace.browser_calls]


def _is_exempt(exempt: Collection[str], place: str) -> bool:
    """Return whether a place, or one that it stands in, is exempt; `traits.*` excuses all traits."""
    return any(
        place == name
        or place.startswith((f"{name}.", f"{name}["))
        or (name.endswith(".*") and place.startswith(name.removesuffix("*")))
        for name in exempt
    )
