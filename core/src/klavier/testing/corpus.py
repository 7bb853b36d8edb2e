"""Payloads that vendors have translated wrongly, or are likely to: checked one by one before random ones.

Random examples find a rare case only now and then; these find it each time.
"""

from collections.abc import Iterator
from typing import Any

from klavier.klaviyo.response import Response

Payload = dict[str, Any]

_PERSON = {"messageId": "m-1", "userId": "u-1", "anonymousId": "a-1", "timestamp": "2024-06-30T12:00:00.000Z"}
_EMAIL = "ada@shop.test"
_TRAITS = {"email": _EMAIL, "phone": "+14155550132", "firstName": "Ada", "plan": "Gold"}
_PRODUCT = {"product_id": "p/1", "sku": "45790-32", "name": "Monopoly", "price": 19.99, "quantity": 2}
_BODIES: dict[str, Payload] = {
    "identify": {"traits": _TRAITS},
    "track": {
        "event": "Order Completed",
        "properties": {"order_id": "o/1", "revenue": 25.0, "currency": "USD", "coupon": "x", "products": [_PRODUCT]},
        "context": {"traits": {"email": _EMAIL}},
    },
    "page": {"name": "Home", "category": "Docs", "properties": {"url": "https://shop.test/p?a=b#c"}},
    "screen": {"name": "Home", "properties": {"build": 7}},
    "group": {"groupId": "g/1", "traits": {"name": "Engines", "email": _EMAIL, "phone": "+14155550132"}},
    "alias": {"previousId": "a-1"},
}
_FRESHPAINT = {"distinct_id": "u-1", "$insert_id": "m-1", "time": 1719748800, "email": _EMAIL, "plan": "Gold"}

_GONE = object()
_LONG = "é" * 300
_ODD_IDS: tuple[Any, ...] = (
    _GONE,
    None,
    "",
    " ",
    7,
    0,
    True,
    {},
    ["u-1"],
    "../../lists/x",
    "a b?c#d%2e",
    "..",
    "李",
    _LONG,
)
_ODD_TIMES: tuple[Any, ...] = (_GONE, None, "", "yesterday", "2024-02-30", 1719748800, 1719748800000, -1, True, {})
_NO_OBJECTS: tuple[Any, ...] = (_GONE, None, [], "text", 7, {})
_MEMBERS: dict[str, Any] = {
    "unicode": "Zoë 李 👩‍👩‍👧 e\u0301",
    "nul": "a\u0000b\u2028",
    "long": "words " * 400,
    "padded": "  two  spaces ",
    "number text": "1,200.50",
    "no": False,
    "zero": 0,
    "large": 2**53 + 1,
    "tiny": 5e-324,
    "date": "2014-05-06",
    "null": None,
    "empty": "",
    "none": [],
    "nothing": {},
    "list": ["a", 1, None, {"b": [True]}],
    "deep": {"a": {"b": {"c": {"d": {"e": "bottom"}}}}},
    "a.b": 1,
    "$dollar": 2,
    "a[0]": 3,
    "": "no name",
    " ": "blank",
    "__proto__": {"x": 1},
    "ключ": "значение",
    "k" * 300: "long key",
}
_ODD_EMAILS = ("", "not an email", " Ada@Shop.test ", "a@b@c.test", 7, None, [_EMAIL])
_ODD_PHONES = ("(415) 555-0132", "0049 151 23456789", "n/a", 14155550132, None, "")
_CONTEXTS: tuple[Any, ...] = (
    {"externalId": [{"type": "klaviyo-profileId", "id": "../x"}]},
    {"device": {"type": "ios", "token": "abc"}, "ip": "14.5.67.21", "page": {"url": "https://shop.test"}},
    {"traits": None},
    {"traits": {"email": _EMAIL, "consent": ["email", "sms"], "custom": {"deep": [1, None]}}},
)
_PROBLEM = {"code": "invalid", "detail": "Invalid input", "source": {"pointer": "/data/attributes/email"}}
_DUPLICATE = {"code": "duplicate_profile", "detail": "Exists.", "meta": {"duplicate_profile_id": "01ABC"}}


def payloads() -> list[Payload]:
    """Return single events: of each type, plain and with each odd id, time, trait, property, context and address."""
    return [*map(_plain, _BODIES), *_of_freshpaint(), *_odd_ids(), *_odd_sections(), *_odd_members(), *_odd_people()]


def streams() -> list[list[Payload]]:
    """Return events of a few people in order, such as a batch holds them; times and message ids go forward."""
    kinds = ("identify", "track", "page", "track", "identify", "screen", "group", "track")
    return [
        [_numbered(kind, number, f"u-{number % people}") for number, kind in enumerate(kinds[:size] * rounds)]
        for people, size, rounds in ((1, 2, 1), (1, 8, 1), (2, 2, 3), (3, 8, 4), (60, 2, 60))
    ]


def replies() -> list[list[Response]]:
    """Return what Klaviyo, or something on the way to it, may answer to the first requests of a flow."""
    bodies: tuple[Any, ...] = (
        None,
        [],
        0,
        "1",
        {"data": None},
        {"data": []},
        {"data": {"id": "../x?y#z"}},
        {"data": 1},
    )
    odd = [[Response(status, body)] * 2 for body in bodies for status in (200, 201)]
    refused = [Response(status, {"errors": [_PROBLEM]}) for status in (400, 401, 403, 404, 410, 413, 429, 500, 503)]
    lost = [
        Response.none("the connection was closed"),
        Response(302),
        Response(502, "<html>"),
        Response(400, {"errors": 1}),
    ]
    duplicate = Response(409, {"errors": [_DUPLICATE]})
    first = [[reply] for reply in (*refused, *lost, duplicate, Response(409, {"errors": [{}]}))]
    return [
        *first,
        *odd,
        [Response(202, {}), refused[0]],
        [duplicate, refused[0]],
        [duplicate, duplicate],
        [lost[0]] * 4,
    ]


def _plain(kind: str) -> Payload:
    return {"type": kind, **_PERSON, **_BODIES[kind]}


def _section(kind: str) -> str:
    return "traits" if kind in ("identify", "group") else "properties"


def _of_freshpaint() -> Iterator[Payload]:
    for name, more in (("Signed Up", {}), ("$identify", {"$user_props": _TRAITS}), ("$page", {"name": "Home"})):
        yield {"event": name, "properties": {**_FRESHPAINT, **more}}


def _odd_ids() -> Iterator[Payload]:
    for member, values in (("userId", _ODD_IDS), ("messageId", _ODD_IDS), ("timestamp", _ODD_TIMES)):
        for value in values:
            for kind in ("identify", "track"):
                yield _with(_plain(kind), member, value)
    for value in _ODD_IDS:
        yield _with(_plain("group"), "groupId", value)
        yield _with(_plain("alias"), "previousId", value)
        yield _with(_with(_plain("track"), "userId", _GONE), "anonymousId", value)


def _odd_sections() -> Iterator[Payload]:
    for value in _NO_OBJECTS:
        for kind in _BODIES:
            yield _with(_plain(kind), _section(kind), value)
        yield _with(_plain("track"), "context", value)
        yield _with(_plain("track"), "event", value)
    for context in _CONTEXTS:
        for kind in ("identify", "track"):
            yield {**_plain(kind), "context": context}


def _odd_members() -> Iterator[Payload]:
    for kind in ("identify", "track", "group", "page"):
        plain = _plain(kind)
        for name, value in _MEMBERS.items():
            yield {**plain, _section(kind): {**plain[_section(kind)], name: value}}


def _odd_people() -> Iterator[Payload]:
    for member, values in (("email", _ODD_EMAILS), ("phone", _ODD_PHONES)):
        for value in values:
            for kind in ("identify", "group"):
                yield {**_plain(kind), "traits": {**_TRAITS, member: value}}


def _numbered(kind: str, number: int, user: str) -> Payload:
    moment = f"2024-06-30T12:{number // 60:02d}:{number % 60:02d}.000Z"
    plain = _plain(kind) | {"messageId": f"m-{number}", "timestamp": moment, "userId": user, "anonymousId": f"a-{user}"}
    own = {"email": f"{user}@shop.test", "number": number, f"of {number}": number}
    return {**plain, "context": {"traits": {"email": own["email"]}}, _section(kind): {**own, "plan": f"plan {number}"}}


def _with(payload: Payload, member: str, value: Any) -> Payload:
    if value is _GONE:
        return {name: other for name, other in payload.items() if name != member}
    return {**payload, member: value}
