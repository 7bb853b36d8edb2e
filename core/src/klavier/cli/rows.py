"""Rows of a warehouse (`klavier send --rows`): which vendors' settings can read them."""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from klavier.errors import UsageError
from klavier.flows.rehearsal import rehearse

if TYPE_CHECKING:
    from klavier.events.model import Event
    from klavier.streams.lines import Line
    from klavier.vendor import Vendor


def check_vendor(lines: "Iterator[Line]", vendor: "Vendor") -> "Iterator[Line]":
    """Return the lines of rows; raises `UsageError` where the vendor would send the first one as an event of its name.

    Rows are events named `new`, `updated` or `deleted`, which only mappings are meant to read.
    """
    read: list[Line] = []
    event = None
    while event is None and (line := next(lines, None)) is not None:
        read.append(line)
        event = line.event
    if event is not None and _sends_own_name(vendor, event):
        raise UsageError(
            f"--rows: {vendor.name} would send each row as an event named {event.payload['event']!r}; map rows to "
            "profiles, to subscriptions or to a metric name of their own"
        )
    return chain(read, lines)


def _sends_own_name(vendor: "Vendor", event: "Event") -> bool:
    """Return whether the event's name is in a request although no property of the event has that value."""
    name = event.payload["event"]
    if name in _strings(event.payload.get("properties")):
        return False
    requests = rehearse(vendor, [event]).requests
    return any(name in _strings([request.json, request.form, request.params]) for request in requests)


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings in a JSON value; the parameter `data` of legacy calls is JSON in Base64."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
            with suppress(ValueError):
                stack.append(orjson.loads(item if item.startswith("{") else b64decode(item, validate=True)))
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
