"""Refusals: one exception for the sandbox's operations, one JSON:API document for its clients.

Source: the error object of Klaviyo's OpenAPI specification, and the replies quoted in Klaviyo's community and SDK
issues.
"""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

_TITLES: Mapping[int, tuple[str, str]] = {
    400: ("invalid", "Invalid input."),
    401: ("not_authenticated", "Authentication credentials were not provided."),
    403: ("permission_denied", "You do not have permission to perform this action."),
    404: ("not_found", "Not found."),
    405: ("method_not_allowed", "Method not allowed."),
    409: ("duplicate_profile", "Conflict."),
    410: ("gone", "Gone."),
    413: ("payload_too_large", "Payload too large."),
    415: ("unsupported_media_type", "Unsupported media type."),
    429: ("throttled", "Request was throttled."),
}


@frozen
class Problem:
    """One member of `errors[]`: what is wrong, and where (a JSON pointer into the body, or a query parameter)."""

    detail: str
    pointer: str = ""
    parameter: str = ""
    meta: Mapping[str, Any] = field(factory=dict)


class RefusedError(Exception):
    """A call that Klaviyo does not accept; it becomes the reply and never leaves the sandbox."""

    def __init__(
        self,
        status: int,
        problems: Iterable[Problem] | str,
        *,
        pointer: str = "",
        parameter: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.problems = (Problem(problems, pointer, parameter),) if isinstance(problems, str) else tuple(problems)
        self.headers = dict(headers or {})
        super().__init__(status)


def error_document(status: int, problems: Iterable[Problem], number: int) -> dict[str, Any]:
    """Return the JSON:API error body; `number` counts the sandbox's replies, so that equal runs have equal ids."""
    code, title = _TITLES.get(status, ("error", "Error."))
    return {
        "errors": [
            {
                "id": str(uuid.UUID(int=(number << 16) + place)),
                "status": status,
                "code": code,
                "title": title,
                "detail": problem.detail,
                "source": {"parameter": problem.parameter}
                if problem.parameter
                else {"pointer": problem.pointer or "/data"},
                "links": {},
                "meta": dict(problem.meta),
            }
            for place, problem in enumerate(problems)
        ]
    }
