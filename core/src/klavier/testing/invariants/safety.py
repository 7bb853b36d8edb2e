"""Safe paths and secrets: ids in paths are quoted, no key or personal data in a repr, an outcome or a log line."""

import logging
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import unquote

import attrs

from klavier.events.model import Event
from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.request import Request, quoted
from klavier.klaviyo.response import Response
from klavier.testing.decoding import decode, leaves
from klavier.testing.invariants.report import broken
from klavier.testing.trace import Trace, record
from klavier.vendor import Vendor

SAFE = "8 safe paths"

_PATH = re.compile(r"/(?:api|client)(?:/(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+)+/?")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_LEAST_SECRET = 4
"""Shorter settings are parts of words by chance."""

_ENOUGH = 20
"""More requests than a few events take."""


def check_safe(vendor: Vendor, events: Sequence[Event], replies: Sequence[Response] = ()) -> None:
    """Check that paths are those of endpoints, with quoted ids, and secrets in no request, repr, outcome or log line.

    The legacy list calls carry the private key as `api_key` by their own design; nothing else may. E-mail addresses
    of an event are in no repr, reason, note or log line either, also when Klaviyo quotes them in an error.
    `replies` answer the requests in turn; when they run out, each request gets its usual success.
    """
    for answers in ((), replies, [_quoting(events)] * _ENOUGH):
        _check_run(vendor, events, answers)


def _check_run(vendor: Vendor, events: Sequence[Event], replies: Sequence[Response]) -> None:
    with _log_lines() as lines:
        trace = record(vendor, events, replies)
    secrets = list(_secrets(vendor))
    for request in trace.requests:
        problem = _path_problem(request)
        if problem:
            raise broken(SAFE, problem, vendor, events, [request])
        _check_request(vendor, request, secrets)
    _check_readable(vendor, trace, lines)


def _quoting(events: Sequence[Event]) -> Response:
    """Return an error that quotes all e-mail addresses of the events, as Klaviyo's texts may."""
    detail = f"Already known: {', '.join(sorted(_emails(events)))}"
    return Response(400, {"errors": [{"code": "invalid", "detail": detail, "title": detail}]})


def _path_problem(request: Request) -> str:
    operation = find_operation(request.method, request.path)
    if not _PATH.fullmatch(request.path) or operation is None:
        return f"{request.method} {request.path} is not the path of an endpoint: quote the ids in it"
    pairs = zip(operation.path.split("/"), request.path.rstrip("/").split("/"), strict=True)
    for pattern, segment in pairs:
        if pattern == "{id}" and segment != quoted(unquote(segment)):
            return f"the id {segment!r} in the path is not quoted"
    return ""


def _check_request(vendor: Vendor, request: Request, secrets: Collection[str]) -> None:
    legacy = request.revision is None
    for place, leaf in leaves(decode(request)):
        if isinstance(leaf, str) and any(secret in leaf for secret in secrets):
            own = legacy and place.split(".")[-1] == "api_key"
            if not own:
                raise broken(SAFE, f"a secret setting is in {place}", vendor, requests=[request])
    if any(secret in request.path or secret in (request.revision or "") for secret in secrets):
        raise broken(SAFE, "a secret setting is in the path", vendor, requests=[request])


def _check_readable(vendor: Vendor, trace: Trace, lines: list[str]) -> None:
    """Look for secrets and e-mail addresses in all texts that may be shown or logged."""
    texts = [repr(vendor), repr(vendor.settings), *lines]
    texts += [repr(event).replace(repr(event.message_id), "") for event in trace.events]
    for found in trace.deliveries:
        texts.append(repr(found.delivery))
        texts += [text for request in found.requests for text in (repr(request), str(request))]
        texts += [text for outcome in found.outcomes for text in (repr(outcome), outcome.reason, *outcome.notes)]
    secrets, addresses = list(_secrets(vendor)), _emails(trace.events)
    for text in texts:
        if any(secret in text for secret in secrets):
            raise broken(SAFE, f"a secret setting is in {text!r}", vendor)
        for address in addresses:
            if address in text:
                raise broken(SAFE, f"an e-mail address is in {text!r}", vendor, trace.events)


def _secrets(vendor: Vendor) -> Iterator[str]:
    """Return the values of the settings that are declared secret."""
    for attribute in attrs.fields(type(vendor.settings)):
        value = getattr(vendor.settings, attribute.name)
        if attribute.metadata.get("secret") and isinstance(value, str) and len(value) >= _LEAST_SECRET:
            yield value


def _emails(events: Sequence[Event]) -> set[str]:
    found = (leaf for event in events for _, leaf in leaves(event.payload))
    return {leaf for leaf in found if isinstance(leaf, str) and _EMAIL.fullmatch(leaf.strip())}


class _Lines(logging.Handler):
    """Keeps every line as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def _log_lines() -> Iterator[list[str]]:
    root, handler = logging.getLogger(), _Lines()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
