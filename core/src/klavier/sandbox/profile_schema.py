"""Schemas of the profiles inside bodies: attributes, `meta`, and the required identifiers.

Source: Klaviyo's create event, create or update profile and related endpoints; the profile attributes of each are a
subset of one list.
"""

from collections.abc import Collection
from typing import Any

import orjson

from klavier.klaviyo.attributes import LOCATION_ATTRIBUTES, TEXT_ATTRIBUTES
from klavier.klaviyo.limits import EMAIL, PROFILE_BYTES
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import Check, Flaw, either, many, nullable, number, of_type, record, text
from klavier.values import is_email, read_phone

BAD_PHONE = "Invalid phone number format (Example of a valid format: +12345678901)."
_LONE_PHONE = "The account has no SMS set up: a profile needs an identifier besides its phone number."

_TEXTS = frozenset(TEXT_ATTRIBUTES) - {"locale"}
_PLACES = frozenset(LOCATION_ATTRIBUTES) - {"latitude", "longitude", "ip"}


def is_phone(value: object) -> bool:
    """Return whether a value is a phone number in E.164 form, of a length that its country has."""
    return isinstance(value, str) and read_phone(value)[0] == value


def maybe_null(rules: Rules, check: Check) -> Check:
    """Accept null in the revisions that take it."""
    return nullable(check) if rules.has("nulls") else check


def email(rules: Rules) -> Check:
    """Accept an e-mail address."""
    short = text(EMAIL)

    def check(value: Any) -> list[Flaw] | None:
        return short(value) or (None if is_email(value) else [("", "Invalid email.")])

    return maybe_null(rules, check)


def attributes(rules: Rules, *extra: str) -> dict[str, Check]:
    """Return the schemas of a profile's attributes; `extra` names those that not every call accepts."""
    plain = maybe_null(rules, text())
    fields = dict.fromkeys((*_TEXTS, "external_id", "phone_number"), plain)
    fields["email"] = email(rules)
    fields["location"] = maybe_null(rules, _location(rules))
    fields["properties"] = maybe_null(rules, of_type(dict))
    if rules.has("locale"):
        fields["locale"] = plain
    if "anonymous_id" in extra:
        fields["anonymous_id"] = plain
    if "_kx" in extra and rules.has("_kx"):
        fields["_kx"] = plain
    return fields


def _location(rules: Rules) -> Check:
    plain = maybe_null(rules, text())
    degrees = maybe_null(rules, either(text(), number))
    fields = dict.fromkeys(_PLACES, plain) | {"latitude": degrees, "longitude": degrees}
    if rules.has("_kx"):
        fields["ip"] = plain
    return record("location", fields)


def meta(rules: Rules) -> dict[str, Check]:
    """Return the schema of the member `meta` in the revisions that have one."""
    if not rules.has("patch_properties"):
        return {}
    listed = nullable(of_type(dict))
    names = nullable(either(text(), many(text(), least=0)))
    patches = {
        "patch_properties": nullable(record("patch_properties", {"append": listed, "unappend": listed, "unset": names}))
    }
    if rules.has("patch_identifiers"):
        changed = {"append": of_type(dict), "unappend": of_type(dict)}
        patches["patch_identifiers"] = nullable(record("patch_identifiers", changed))
    return {"meta": nullable(record("meta", patches))}


def identified(rules: Rules, kinds: Collection[str], most: int = PROFILE_BYTES) -> Check:
    """Require one of these identifiers in a profile resource, and a phone number that can be used or left out.

    `most` is the greatest size of the profile's attributes, in bytes of JSON.
    """
    shown = ", ".join(kinds)
    sms, measures = rules.sms, rules.measures

    def check(value: Any) -> list[Flaw] | None:
        found = value["attributes"]
        given = [kind for kind in kinds if found.get(kind)]
        if not given and not value.get("id"):
            return [("/attributes", f"At least one identifier is required: {shown}.")]
        if measures and len(orjson.dumps(found)) > most:
            return [("/attributes", f"Invalid input: ensure this profile has no more than {most} bytes.")]
        if found.get("phone_number") is None:
            return None
        flaw = phone_flaw(found, sms=sms, others=given != ["phone_number"] or bool(value.get("id")))
        return [(f"/attributes{flaw[0]}", flaw[1])] if flaw else None

    return check


def phone_flaw(found: Any, *, sms: bool, others: bool) -> Flaw | None:
    """Return the flaw of a phone number among attributes; an invalid one beside an e-mail address is no flaw."""
    phone = found.get("phone_number")
    if phone is None:
        return None
    if not is_phone(phone):
        return None if found.get("email") else ("/phone_number", BAD_PHONE)
    return None if sms or others else ("/phone_number", _LONE_PHONE)
