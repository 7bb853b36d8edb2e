"""A legacy call as the newest revision says it: requests, notes on what had to change, or why it cannot be said."""

from typing import Any

from attrs import frozen

from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT


@frozen(repr=False)
class Said:
    """The requests of one call in order, and a note for each value that they leave out.

    Where `refusal` is not empty the call cannot be said today, and there are no requests.  `without_phone` is what to
    ask instead of the first request where Klaviyo answers 409: the phone number is another profile's.
    """

    requests: tuple[Request, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: str = ""
    without_phone: Request | None = None


def post(path: str, document: Any) -> Request:
    """Make a request of the newest revision, whose writes are all POST with one JSON:API document."""
    return Request("POST", path, json=document, revision=CURRENT)
