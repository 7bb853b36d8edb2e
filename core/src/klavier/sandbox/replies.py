"""Write one resource, or a page of a collection, as the document of a reply.

Source: Klaviyo's guides to pagination and to sparse fieldsets.  A cursor holds the place in the order of the rows and
not a number, so that rows which are added between two pages move no other one.
"""

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import Exchange, Reply
from klavier.sandbox.filters import select
from klavier.sandbox.queries import sparse

Resource = dict[str, Any]
Row = TypeVar("Row")
_Key = tuple[bool, Any, str]
"""The place of a row in the order: whether it has a value to sort by, that value, and its id."""


def one(exchange: Exchange, resource: Resource, status: int = 200, *, included: Iterable[Resource] = ()) -> Reply:
    """Reply with one resource; `included` are related ones that the request asks for."""
    document: Resource = {"data": sparse(resource, exchange.selection), "links": {"self": _link(exchange, None)}}
    if exchange.selection.includes:
        document["included"] = [sparse(item, exchange.selection) for item in included]
    return Reply(status, document)


def page(
    exchange: Exchange,
    rows: Iterable[Row],
    write: Callable[[Row], Resource],
    identify: Callable[[Row], str],
    include: Callable[[Row], Iterable[Resource]] | None = None,
) -> Reply:
    """Reply with one page of the rows that the filter selects, in the order that the request asks for.

    `write` returns the resource of a row, `identify` its id, and `include` the related resources to include.
    """
    selection = exchange.selection
    read = selection.query.sorts.get(selection.sort) or selection.query.order

    def key(row: Row) -> _Key:
        value = None if read is None else read(row)
        return value is not None, 0 if value is None else value, identify(row)

    ordered = sorted(((key(row), row) for row in select(rows, selection.conditions)), key=lambda pair: pair[0])
    if selection.is_descending:
        ordered.reverse()
    start, end = _window([found for found, _ in ordered], exchange)
    shown = ordered[start:end]
    document: Resource = {
        "data": [sparse(write(row), selection) for _, row in shown],
        "links": {
            "self": _link(exchange, selection.cursor or None),
            "next": _link(exchange, _write_cursor("next", shown[-1][0])) if shown and end < len(ordered) else None,
            "prev": _link(exchange, _write_cursor("prev", shown[0][0])) if shown and start else None,
        },
    }
    if selection.includes and include is not None:
        related = {(item["type"], item["id"]): item for _, row in shown for item in include(row)}
        document["included"] = [sparse(item, selection) for item in related.values()]
    return Reply(200, document)


def _window(keys: list[_Key], exchange: Exchange) -> tuple[int, int]:
    """Return the first and last place of the page among ordered keys."""
    selection = exchange.selection
    size = selection.size or len(keys)
    if not selection.cursor:
        return 0, size
    direction, key = _read_cursor(selection.cursor)
    backwards = [] if not selection.is_descending else keys[::-1]
    try:
        if selection.is_descending:
            after = len(keys) - bisect_left(backwards, key)
            before = len(keys) - bisect_right(backwards, key)
        else:
            after, before = bisect_right(keys, key), bisect_left(keys, key)
    except TypeError:
        raise _bad_cursor() from None
    if direction == "next":
        return after, after + size
    return max(0, before - size), before


def _write_cursor(direction: str, key: _Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([direction, *key]).encode()).decode()


def _read_cursor(text: str) -> tuple[str, _Key]:
    """Read a cursor, or the whole link with it.

    Klaviyo's SDKs take the cursor out of a link only where it begins with `https://`, which a sandbox's does not.
    """
    if "://" in text:
        text = dict(parse_qsl(urlsplit(text).query)).get("page[cursor]", "")
    try:
        direction, has_value, value, found = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
    except (ValueError, TypeError):
        raise _bad_cursor() from None
    known = direction in ("next", "prev") and isinstance(has_value, bool) and isinstance(found, str)
    if not known or not isinstance(value, (str, int, float)):
        raise _bad_cursor()
    return direction, (has_value, value, found)


def _bad_cursor() -> RefusedError:
    return RefusedError(400, "Invalid cursor.", parameter="page[cursor]")


def _link(exchange: Exchange, cursor: str | None) -> str:
    """Return the link to this request, at a cursor; names and values are percent-encoded, as Klaviyo writes them."""
    params = {key: value for key, value in exchange.incoming.params.items() if key != "page[cursor]"}
    if cursor is not None:
        params["page[cursor]"] = cursor
    query = urlencode(params, quote_via=quote, safe="")
    return f"{exchange.url(exchange.incoming.path.rstrip('/'))}{'?' + query if query else ''}"
