"""From fields to functions that check and coerce what a mapping gives for them."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from klavier.strictjson import kind_of
from klavier.values.times import is_iso_time
from klavier_segment_actions.mapping_kit.missing import MISSING
from klavier_segment_actions.payload.coercion import as_boolean, as_number, as_text, unwrapped
from klavier_segment_actions.payload.fields import Field
from klavier_segment_actions.payload.formats import (
    EARLIEST,
    before_klaviyo,
    is_email,
    is_rfc3339,
    is_strict_email,
    iso_time,
)


@frozen
class Refused:
    """Why a value does not fit its field: the field's place and what is wrong, never the value."""

    problem: str


_NUMBERS = frozenset({int, float})
"""The types of numbers; that of truth values is not among them."""

ANY = "{0} is not MISSING"
"""The expression for a value that is sent whatever it is."""

_PLAIN: Mapping[str, str] = {
    "string": "{0}.__class__ is str",
    "email": "{0}.__class__ is str and is_email({0})",
    "strict email": "{0}.__class__ is str and is_email({0}) and is_strict_email({0})",
    "number": "{0}.__class__ is float or {0}.__class__ is int",
    "boolean": "{0}.__class__ is bool",
    "time": "{0}.__class__ is str and is_iso_time({0})",
    "klaviyo time": "{0}.__class__ is str and {0} >= EARLIEST and is_iso_time({0})",
    "object": "{0}.__class__ is dict",
}
"""When a value of a kind is sent as it is, which the checks below agree to."""

PLAIN_NAMES: Mapping[str, Any] = {
    "EARLIEST": EARLIEST,
    "is_email": is_email,
    "is_iso_time": is_iso_time,
    "is_strict_email": is_strict_email,
}
"""What these expressions call."""

Check = Callable[[Any], Any]
"""From a value that is there to the value to send, `MISSING` to leave it out, or `Refused`."""


def check_of(field: Field, *, sendable: bool, place: str = "") -> Check:
    """Compile the check of a field; `sendable` refuses what Klaviyo would, too."""
    place = f"{place}.{field.name}" if place else field.name
    if field.kind == "string":
        return _text(field, place, sendable=sendable)
    if field.kind == "number":
        return _number(place)
    if field.kind == "boolean":
        return _boolean(place)
    if field.kind == "datetime":
        return _time(place, sendable=sendable, as_given=field.as_given)
    if field.kind == "objects":
        return _objects(place)
    return _members(field, place, sendable=sendable) if field.members else _object(place)


def plain_of(field: Field, *, sendable: bool) -> str:
    """Give a Python expression about a value `{0}` that holds only where the check lets the value pass as it is.

    It may use `PLAIN_NAMES`, and is empty for fields whose values are always checked.
    """
    if field.kind == "string":
        text = "" if field.choices is not None else _plain_text(field)
        return f"{{0}} is None or {text}" if field.nullable and text else text
    if field.kind == "datetime":
        return _PLAIN["klaviyo time" if sendable else "time"]
    return "" if field.members else _PLAIN.get(field.kind, "")


def _plain_text(field: Field) -> str:
    if field.email:
        return "" if field.longest is not None else _PLAIN["strict email" if field.strict_email else "email"]
    # A character may count as two.
    return _PLAIN["string"] if field.longest is None else f"{_PLAIN['string']} and len({{0}}) <= {field.longest // 2}"


def utf16_length(text: str) -> int:
    """Count as JavaScript does: characters beyond the basic plane are two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _text(field: Field, place: str, *, sendable: bool) -> Check:
    nullable, choices = field.nullable, field.choices
    longest = field.longest if sendable or field.identifier else None
    format_of = is_email if field.email else None
    strict = field.strict_email

    def check(value: Any) -> Any:
        if type(value) is not str:
            if value is None and nullable:
                return None
            text = as_text(value)
            if text is None:
                return Refused(f"{place}: must be a string, not {kind_of(unwrapped(value))}")
            value = text
        if longest is not None and len(value) * 2 > longest and utf16_length(value) > longest:
            return Refused(f"{place}: must be of at most {longest} characters, not {utf16_length(value)}")
        if format_of is not None and not (format_of(value) and (not strict or is_strict_email(value))):
            return Refused(f"{place}: must be an e-mail address with a dotted domain, in ASCII")
        if choices is not None and value not in choices:
            return Refused(f"{place}: must be a country code of ISO 3166-1 alpha-2, in capitals")
        return value

    return check


def _number(place: str) -> Check:
    def check(value: Any) -> Any:
        if type(value) in _NUMBERS:
            return value
        number = as_number(value)
        return Refused(f"{place}: must be a number, not {kind_of(unwrapped(value))}") if number is None else number

    return check


def _boolean(place: str) -> Check:
    def check(value: Any) -> Any:
        truth = as_boolean(value)
        return Refused(f"{place}: must be true or false, not {kind_of(unwrapped(value))}") if truth is None else truth

    return check


def _time(place: str, *, sendable: bool, as_given: bool) -> Check:
    def check(value: Any) -> Any:
        if type(value) is str and is_iso_time(value) and not (sendable and before_klaviyo(value)):
            return value
        value = unwrapped(value)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return Refused(f"{place}: must be a time, not {kind_of(value)}")
        if value == 0:
            return MISSING
        time = iso_time(value)
        if time is None:
            return Refused(f"{place}: must be a time in ISO 8601 form, or milliseconds since 1970")
        if sendable and before_klaviyo(time):
            return Refused(f"{place}: lies before 1990; a number counts milliseconds since 1970")
        return value if as_given and (not sendable or is_rfc3339(value)) else time

    return check


def _object(place: str) -> Check:
    def check(value: Any) -> Any:
        return value if isinstance(value, dict) else Refused(f"{place}: must be an object, not {kind_of(value)}")

    return check


def _objects(place: str) -> Check:
    def check(value: Any) -> Any:
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            if not isinstance(item, dict) and item is not None and item != "":
                return Refused(f"{place}[{index}]: must be an object, not {kind_of(item)}")
        return [item for item in items if isinstance(item, dict)]

    return check


def _members(field: Field, place: str, *, sendable: bool) -> Check:
    checks = {member.name: (check_of(member, sendable=sendable, place=place), member) for member in field.members}
    extra = field.extra

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return Refused(f"{place}: must be an object, not {kind_of(value)}")
        built: dict[str, Any] = {}
        problems: list[str] = []
        for key, item in value.items():
            known = checks.get(key)
            if known is None:
                if extra:
                    built[key] = item
                continue
            member_check, member = known
            if (item is None and not member.nullable) or (item == "" and sendable and member.identifier):
                continue
            checked = member_check(item)
            if type(checked) is Refused:
                problems.append(checked.problem)
            elif checked is not MISSING:
                built[key] = checked
        return Refused("; ".join(problems)) if problems else built

    return check
