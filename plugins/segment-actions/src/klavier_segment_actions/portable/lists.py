"""Lists and consent in mappings, in both directions: which identify and group calls subscribe, unsubscribe or add."""

from collections.abc import Iterator, Mapping
from typing import Any

from klavier_segment_actions.portable.nodes import OMITTED, Node, chain, described, is_expressible, only, place_of
from klavier_segment_actions.portable.profiles import external_id
from klavier_segment_actions.portable.trigger import Trigger
from klavier_segment_actions.tables.fields import path
from klavier_segment_actions.tables.portable import CASES, GROUP_FLAG, JOINS, SUBSCRIBE_FLAG

NEEDS_EMAIL, _EMAIL_THERE = "an e-mail address", "traits.email != null"
SUBSCRIBING = ("subscribes", "asks for confirmation")

Row = dict[str, Any]
Wanted = Mapping[str, Any]


def list_fields(wanted: Wanted) -> Row:
    """Map the list of Upsert Profile, where every identified profile is added to it; else see `list_mappings`."""
    cases = wanted.get("joins") or {}
    if set(cases.values()) != {"adds"} or len(cases) != len(CASES):
        return {"override_list_id": OMITTED}
    override, own = chain(wanted.get("list_places") or ()), wanted.get("list_id") or OMITTED
    if wanted.get("list_needs") == NEEDS_EMAIL:
        return {"list_id": _guarded(own), "override_list_id": _guarded(override)}
    return {"list_id": own, "override_list_id": override}


def list_mappings(wanted: Wanted) -> Iterator[Row]:
    """Return a mapping for each way in which identified profiles are added to or removed from the list."""
    cases: Mapping[str, str] = wanted.get("joins") or {}
    if set(cases.values()) == {"adds"} and len(cases) == len(CASES):
        return
    places = [place for place in wanted.get("list_places") or () if is_expressible(place)]
    own = wanted.get("list_id")
    if not own and not places:
        return
    target = chain(places) if not own else _else(places, own)
    conditions = [] if own else [f"{places[0]} != null"] if _is_field(places[0]) else None
    if conditions is None:
        return
    if wanted.get("list_needs") == NEEDS_EMAIL:
        conditions = [*conditions, _EMAIL_THERE]
    for case, how in _merged_cases(cases):
        flags = [CASES[case].format(flag=SUBSCRIBE_FLAG)] if case else []
        others = tuple(part for text in [*conditions, *flags] for part in text.split(" and "))
        if how not in SUBSCRIBING or any(_channels(wanted).values()):
            yield _row(wanted, how, Trigger("identify", others=others), target)


def group_mappings(wanted: Wanted) -> Iterator[Row]:
    """Return a mapping for each way in which group calls add profiles to, or remove them from, the list they name."""
    for case, how in _merged_cases(wanted.get("group_joins") or {}):
        flags = CASES[case].format(flag=GROUP_FLAG).split(" and ") if case else ()
        if how not in SUBSCRIBING or any(_channels(wanted).values()):
            yield _row(wanted, how, Trigger("group", others=tuple(flags)), path("$.groupId"))


def _merged_cases(cases: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return each case with its action; a single case without a name where all have the same action."""
    if len(set(cases.values())) == 1 and len(cases) == len(CASES):
        yield "", next(iter(cases.values()))
    else:
        yield from cases.items()


def _row(wanted: Wanted, how: str, trigger: Trigger, list_id: Node) -> Row:
    attributes = wanted.get("attributes") or {}
    fields: Row = {
        "email": chain(attributes.get("email") or ()),
        "phone_number": chain(attributes.get("phone_number") or ()),
    }
    if how == "adds":
        fields["external_id"] = external_id(wanted, attributes)
    elif how in SUBSCRIBING:
        channels = _channels(wanted)
        fields = {name: node if channels[name] else OMITTED for name, node in fields.items()}
    return {"action": JOINS[how], "trigger": trigger.text(), "fields": {**fields, "list_id": list_id}}


def _channels(wanted: Wanted) -> dict[str, bool]:
    """Return which identifiers a subscription contains: all, where no consent is known."""
    consent, sms = wanted.get("consent"), wanted.get("sms_consent")
    found = {"email": consent is None or "email" in consent, "phone_number": consent is None or "sms" in consent}
    return found if sms is None else {**found, "phone_number": sms == "always"}


def _else(places: list[str], own: str) -> Node:
    node: Node = own
    for place in reversed(places):
        node = {"@if": {"exists": path(f"$.{place}"), "then": path(f"$.{place}"), "else": node}}
    return node


def _guarded(node: Node) -> Node:
    return node if node == OMITTED else {"@if": {"exists": path("$.traits.email"), "then": node}}


def _is_field(place: str) -> bool:
    """Return whether a trigger can test a place."""
    return place.partition(".")[0] in ("traits", "properties", "context")


# Reading -------------------------------------------------------------------------------------------------------------


def read_list_fields(fields: Mapping[str, Node]) -> dict[str, Any]:
    """Return what Upsert Profile does with lists."""
    (own, guarded_own), (override, guarded) = (_unguarded(fields.get(name)) for name in ("list_id", "override_list_id"))
    places = described(override) if override else ()
    if not own and not places:
        return {}
    name = own if isinstance(own, str) else next(iter(described(own)), "")
    return {
        "joins": dict.fromkeys(CASES, "adds"),
        "list_id": name or "",
        "list_places": places or None,
        "list_needs": NEEDS_EMAIL if (guarded_own or not own) and (guarded or not places) else None,
    }


def read_join(fields: Mapping[str, Node], trigger: Trigger, how: str, known: dict[str, Any], flag: str) -> bool:
    """Add what a list mapping does to `known`; returns whether it was recognized."""
    case = _case(trigger, flag)
    if case is None:
        return False
    term = "joins" if trigger.type == "identify" else "group_joins"
    cases = known.setdefault(term, {})
    for name in [case] if case else CASES:
        cases.setdefault(name, how)
    known[term] = {name: cases[name] for name in CASES if name in cases}
    if trigger.type == "identify":
        places, own = _list_of(fields.get("list_id"))
        known.update(list_places=places or None, list_id=own)
        known["list_needs"] = NEEDS_EMAIL if _EMAIL_THERE in trigger.others else None
    if how in SUBSCRIBING:
        channels = tuple(name for name, field in (("email", "email"), ("sms", "phone_number")) if fields.get(field))
        known["consent"] = None if len(channels) > 1 else channels
    return True


def _case(trigger: Trigger, flag: str) -> str | None:
    """Return the case of a flag that a trigger matches: empty for all, None for another condition."""
    flags = " and ".join(other for other in trigger.others if other.startswith(f"{flag} "))
    others = [other for other in trigger.others if not other.startswith(f"{flag} ") and other != _EMAIL_THERE]
    if any(not other.endswith(" != null") for other in others):
        return None
    return next((case for case, text in CASES.items() if text.format(flag=flag) == flags), None if flags else "")


def _list_of(node: Node) -> tuple[tuple[str, ...], str]:
    """Return the places where an event may name the list, and the list used otherwise."""
    if isinstance(node, str):
        return (), node
    options = only(node, "@if")
    if isinstance(options, Mapping) and (place := place_of(options.get("exists"))):
        places, own = _list_of(options.get("else"))
        return (place, *places), own
    return described(node), ""


def _unguarded(node: Node) -> tuple[Node, bool]:
    options = only(node, "@if")
    if isinstance(options, Mapping) and "else" not in options and options.get("exists") == path("$.traits.email"):
        return options.get("then"), True
    return node, False
