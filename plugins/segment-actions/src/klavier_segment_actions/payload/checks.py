"""Checks of payload fields: each coerces a mapped value to the field's kind, or raises `RejectEvent`."""

from collections.abc import Callable
from math import isfinite
from typing import Any

from klavier.strictjson import kind_of
from klavier.values import read_number
from klavier.values.times import NO_TIME
from klavier.vendor import RejectEvent
from klavier_segment_actions.fidelity import Fidelity
from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.payload.coercion import (
    as_boolean,
    as_number,
    as_text,
    item_of_two_kinds,
    unwrapped,
    vendor_number,
)
from klavier_segment_actions.payload.fields import Field, Partly
from klavier_segment_actions.payload.formats import (
    is_email,
    is_rfc3339,
    is_strict_email,
    is_vendor_time,
    sendable_time,
    vendor_time,
)

Check = Callable[[Any], Any]
"""From a value that is present to the value to send, `MISSING` to leave the field out, or `Partly` with a note.

Raises `RejectEvent` that names the field and the value's kind, never the value.
"""

_LONGEST_NAME = 40
"""Characters of a member's name in a note."""

_MOST = 20
"""How many unknown members of an object get a note each."""

_NUMBERS = frozenset({int, float})
"""The types of JSON numbers; `bool` is not among them."""


def check_of(field: Field, fidelity: Fidelity, place: str = "") -> Check:
    """Build the check of a field, which is in an object at `place`."""
    place = f"{place}.{field.name}" if place else field.name
    if field.kind == "string":
        return _text(field, place, fidelity)
    if field.kind == "number":
        return _number(place, safe=fidelity.safe_readings)
    if field.kind == "boolean":
        return _boolean(place)
    if field.kind == "datetime":
        return _time(place, safe=fidelity.safe_readings, as_given=field.as_given)
    if field.kind == "objects":
        return _objects(place)
    return _members(field, place, fidelity) if field.members else _object(place)


def utf16_length(text: str) -> int:
    """Return the length as JavaScript counts it: characters beyond the basic plane are two units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _text(field: Field, place: str, fidelity: Fidelity) -> Check:
    longest = field.longest if fidelity.checks_limits or field.identifier else None
    email, strict = field.email, field.strict_email
    countries = fidelity.countries if field.country else None
    to_text = _converter(place, nullable=field.nullable, safe=fidelity.safe_readings)
    if longest is None and not email and countries is None:
        return lambda value: value if type(value) is str else to_text(value)

    def check(value: Any) -> Any:
        text = value if type(value) is str else to_text(value)
        if text is MISSING:
            return MISSING
        if longest is not None and len(text) * 2 > longest and utf16_length(text) > longest:
            raise RejectEvent(f"{place}: must have at most {longest} characters, not {utf16_length(text)}")
        if email and not (is_email(text) and (not strict or is_strict_email(text))):
            raise RejectEvent(f"{place}: must be an ASCII email address with a dotted domain")
        if countries is not None and text not in countries:
            raise RejectEvent(f"{place}: must be an ISO 3166-1 alpha-2 country code in upper case")
        return text

    return check


def _converter(place: str, *, nullable: bool, safe: bool) -> Callable[[Any], Any]:
    def to_text(value: Any) -> Any:
        if nullable and isinstance(value, list):
            value = MISSING if safe else item_of_two_kinds(value, otherwise="null")
            if value is MISSING:
                raise RejectEvent(f"{place}: must be a string or null, not an array")
        if nullable and value is None:
            return None
        text = as_text(value)
        if text is None:
            raise RejectEvent(f"{place}: must be a string, not {kind_of(unwrapped(value))}")
        return MISSING if safe and not text else text

    return to_text


def _number(place: str, *, safe: bool) -> Check:
    def check(value: Any) -> Any:
        if type(value) in _NUMBERS:
            return value
        if not safe:
            number = vendor_number(value)
        elif isinstance(unwrapped(value), str):
            number, reason = read_number(unwrapped(value))
            if reason:
                raise RejectEvent(f"{place}: must be a number, not {reason}")
        else:
            number = as_number(value)
        if number is None:
            raise RejectEvent(f"{place}: must be a number, not {kind_of(unwrapped(value))}")
        return number if isfinite(number) else Partly(None, (f"{place} left out: a number beyond all bounds",))

    return check


def _boolean(place: str) -> Check:
    def check(value: Any) -> Any:
        boolean = as_boolean(value)
        if boolean is None:
            raise RejectEvent(f"{place}: must be true or false, not {kind_of(unwrapped(value))}")
        return boolean

    return check


def _time(place: str, *, safe: bool, as_given: bool) -> Check:
    def check(given: Any) -> Any:
        value = unwrapped(given)
        if not safe and isinstance(given, list):
            value = item_of_two_kinds(given, otherwise="number")
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise RejectEvent(f"{place}: must be a time, not {kind_of(value)}")
        if value == 0:
            return Partly(MISSING, (f"{place} left out: the number 0 is no time; Klaviyo uses the time of arrival",))
        if as_given and not safe and is_vendor_time(value):
            return value
        time, reason = sendable_time(value) if safe else (vendor_time(value), NO_TIME)
        if time is None:
            unit = "" if isinstance(value, str) else "; a number counts milliseconds since 1970"
            raise RejectEvent(f"{place}: is {reason}{unit}")
        return value if as_given and is_rfc3339(value) else time

    return check


def _object(place: str) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise RejectEvent(f"{place}: must be an object, not {kind_of(value)}")
        return value

    return check


def _objects(place: str) -> Check:
    def check(value: Any) -> Any:
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            if not isinstance(item, dict) and item is not None and item != "":
                raise RejectEvent(f"{place}[{index}]: must be an object, not {kind_of(item)}")
        return [item for item in items if isinstance(item, dict)]

    return check


def _members(field: Field, place: str, fidelity: Fidelity) -> Check:
    """Check an object member by member; unknown members pass or are left out with a note, as the field declares."""
    checks = {member.name: (check_of(member, fidelity, place), member) for member in field.members}
    extra, drops_empty = field.extra, fidelity.drops_empty_identifiers

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise RejectEvent(f"{place}: must be an object, not {kind_of(value)}")
        built: dict[str, Any] = {}
        problems: list[str] = []
        for key, item in value.items():
            known = checks.get(key)
            if known is None:
                if extra:
                    built[key] = item
                continue
            member_check, member = known
            if (item is None and not member.nullable) or (item == "" and drops_empty and member.identifier):
                continue
            try:
                checked = member_check(item)
            except RejectEvent as refusal:
                problems.append(str(refusal))
                continue
            if checked is not MISSING:
                built[key] = checked
        if problems:
            raise RejectEvent("; ".join(problems))
        notes = () if extra else _note_unknown(field, value)
        return Partly(built, notes) if notes else built

    return check


def _note_unknown(field: Field, value: dict[str, Any]) -> tuple[str, ...]:
    """Return a note for each member with a value that the field does not have."""
    known = {member.name for member in field.members}
    unknown = [key for key, item in value.items() if key not in known and item is not None and item != ""]
    notes = [f"{field.name}.{key[:_LONGEST_NAME]} left out: {field.name} has no such member" for key in unknown[:_MOST]]
    if len(unknown) > _MOST:
        notes.append(f"{len(unknown) - _MOST} further members of {field.name} left out for the same reason")
    return tuple(notes)
