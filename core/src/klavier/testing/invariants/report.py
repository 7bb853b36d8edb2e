"""The error for a broken invariant: which one, what is wrong, the events and the requests."""

import json
from collections.abc import Iterable
from typing import Any

from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.testing.decoding import decode
from klavier.vendor import Vendor

_LONGEST = 4000


def broken(
    invariant: str, problem: str, vendor: Vendor, events: Iterable[Event] = (), requests: Iterable[Request] = ()
) -> AssertionError:
    """Make the error that shows what breaks an invariant.

    It shows payloads and bodies whole, up to some length: what is checked are made-up events.
    """
    lines = [f"{invariant}: {problem}", f"vendor: {vendor.name} {vendor.settings!r}"]
    lines += [f"event: {_shown(event.payload)}" for event in events]
    lines += [f"request: {request.method} {request.path} {_shown(decode(request))}" for request in requests]
    return AssertionError("\n".join(lines))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
