"""Sendable: strict JSON, within Klaviyo's limits, valid against Klaviyo's schemas."""

import json
from collections.abc import Sequence
from typing import Any

from klavier.errors import EventError
from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import RETIRES
from klavier.strictjson import find_fault
from klavier.testing.invariants.report import broken
from klavier.testing.schemas import Schemas
from klavier.testing.trace import DeliveryTrace, record
from klavier.vendor import Vendor

SENDABLE = "6 sendable"


def check_sendable(vendor: Vendor, events: Sequence[Event], schemas: Schemas | None = None) -> None:
    """Bodies are strict JSON, parameters and form fields strings, and revisions are Klaviyo's.

    A request beyond Klaviyo's limits is never sent; here it must not end in `delivered` either. With `schemas` each
    body is judged by its operation and revision. Deliveries exactly (`Delivery.exact`) are exempt from limits
    and schemas.
    """
    for found in record(vendor, events).deliveries:
        for exchange in found.exchanges:
            _check_written(vendor, found, exchange.request)
            if schemas is not None and exchange.sent and not found.delivery.exact:
                faults = schemas.faults(exchange.request)
                if faults:
                    raise _broken(f"Klaviyo's schema refuses it: {'; '.join(faults)}", vendor, found, exchange.request)
        _check_refused(vendor, found)


def _check_written(vendor: Vendor, found: DeliveryTrace, request: Request) -> None:
    if request.revision is not None and request.revision not in RETIRES:
        raise _broken(f"Klaviyo has no revision {request.revision}", vendor, found, request)
    if request.json is not None and request.form is not None:
        raise _broken("a request with two bodies, JSON and form", vendor, found, request)
    for name, fields in (("params", request.params), ("form", request.form)):
        for key, value in (fields or {}).items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise _broken(f"{name}.{key} is {type(value).__name__}, not a string", vendor, found, request)
    try:
        find_fault(request.json)
    except EventError as error:
        raise _broken(f"the body is not strict JSON: {error}", vendor, found, request) from error
    if request.json is not None and not _reads_the_same(request):
        raise _broken("the body reads otherwise than it was written", vendor, found, request)


def _check_refused(vendor: Vendor, found: DeliveryTrace) -> None:
    """Refuse to call an event delivered when its only requests were beyond Klaviyo's limits."""
    if not found.exchanges or any(exchange.sent for exchange in found.exchanges):
        return
    for event, outcome in zip(found.delivery.events, found.outcomes, strict=True):
        if outcome.kind == "delivered":
            reason = found.exchanges[-1].response.problem
            raise broken(SENDABLE, f"delivered, though nothing could be sent: {reason}", vendor, [event])


def _reads_the_same(request: Request) -> bool:
    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    try:
        return bool(json.loads(request.body, object_pairs_hook=members) == request.json)
    except ValueError:
        return False


def _broken(problem: str, vendor: Vendor, found: DeliveryTrace, request: Request) -> AssertionError:
    return broken(SENDABLE, problem, vendor, found.delivery.events, [request])
