"""Klaviyo's published limits on one request, checked before it is sent.

Source: Klaviyo's API overview and the descriptions of create event, bulk create events and create profile; as of
revision 2026-10-15.  Checks that walk the body run only where its size or brackets make a breach possible.
"""

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response

BODY_BYTES = 5_000_000
STRING_BYTES = 100_000
PROFILE_BYTES = 100_000
PROPERTIES = 400
ARRAY_ITEMS = 4000
NESTING = 10
METRIC_NAME = 127
UNIQUE_ID = 255
EMAIL = 100

_SMALL = 4 * ARRAY_ITEMS // 2
"""A body of fewer bytes holds no array, string or object beyond its limit (an array of 4000 ones takes 8001)."""


def refusal(request: Request) -> Response | None:
    """Give the 400 that Klaviyo would answer to a request beyond its limits, naming the place; None for a fit one."""
    if request.json is None:
        return None
    body = request.body
    if len(body) > BODY_BYTES:
        return Response.refusal(f"the request has {len(body)} bytes, Klaviyo takes {BODY_BYTES}; send smaller events")
    if len(body) < _SMALL and body.count(b"{") + body.count(b"[") <= NESTING:
        return None
    return None
