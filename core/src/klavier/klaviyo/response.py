"""One reply of Klaviyo's API, and the JSON:API errors in it."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from klavier.redaction import redact_text

RETRYABLE = frozenset({0, 408, 423, 425, 429, *range(500, 600)} - {501})
"""Statuses that pass: no reply, time-outs, locks, limits, and the troubles of Klaviyo's servers and of what stands
before them (520 to 530).  Trying again is harmless, since what is sent carries its own unique id."""

_SHOWN = 3
"""How many errors a reason names: a refused batch may have one for each record."""
_LONGEST = 300

_MOST_ERRORS = 1000
"""How many errors of a body are read: as many as the largest bulk request of events has records. A reply of 20 MB may
hold a hundred thousand, and reading each takes 10 us, during which nothing else is sent."""


@frozen
class ApiError:
    """One member of `errors[]`; what Klaviyo left out is empty."""

    detail: str = ""
    code: str = ""
    pointer: str = ""
    meta: Mapping[str, Any] = field(factory=dict)

    @property
    def line(self) -> str:
        """The error as a phrase without personal data: code, detail, place."""
        text = ": ".join(part for part in (self.code, self.detail) if part) or "no detail"
        return _short(text) + (f" (at {_short(self.pointer)})" if self.pointer else "")


@frozen(repr=False)
class Response:
    """One reply: status, JSON body (the legacy calls' text `1` is JSON too) and headers with lower-case names.

    `status` 0 means that no reply came, and `problem` says why.
    `local` marks a refusal by klavier itself, before anything was sent.
    """

    status: int
    json: Any = None
    headers: Mapping[str, str] = field(factory=dict)
    problem: str = ""
    local: bool = False

    @classmethod
    def none(cls, problem: str) -> "Response":
        """Stand for a request that got no reply (time-out, reset): `problem` is one phrase without personal data."""
        return cls(status=0, problem=problem)

    @classmethod
    def refusal(cls, detail: str, pointer: str = "") -> "Response":
        """Stand for a request that klavier does not send, since Klaviyo would refuse it."""
        error = {"status": 400, "code": "invalid", "detail": detail, "source": {"pointer": pointer}}
        return cls(status=400, json={"errors": [error]}, problem=detail, local=True)

    @property
    def ok(self) -> bool:
        """Whether Klaviyo accepted the request."""
        return 200 <= self.status < 300  # noqa: PLR2004 -- the range of HTTP's success codes

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in RETRYABLE and not self.local

    @property
    def errors(self) -> tuple[ApiError, ...]:
        """The JSON:API errors of the body, at most the first thousand; empty for a body that has none."""
        return tuple(_api_error(item) for item in self._raw_errors[:_MOST_ERRORS] if isinstance(item, dict))

    @property
    def _raw_errors(self) -> list[Any]:
        found = self.json.get("errors") if isinstance(self.json, dict) else None
        return found if isinstance(found, list) else []

    @property
    def reason(self) -> str:
        """What went wrong, as one line for an outcome: status, then code, detail and place of the first errors.

        Personal data and keys that Klaviyo quotes are redacted; long details are cut.
        """
        if self.status == 0:
            return redact_text(f"no reply from Klaviyo: {self.problem or 'unknown problem'}")
        lines = [error.line for error in self.errors[:_SHOWN]] or [line for line in (_plain_detail(self.json),) if line]
        lead = "not sent" if self.local else f"Klaviyo answered {self.status}"
        left_out = len(self._raw_errors) - len(lines)
        more = f" (and {left_out} more)" if left_out > 0 else ""
        return f"{lead}: {'; '.join(lines)}{more}" if lines else lead

    @property
    def duplicate_profile_id(self) -> str | None:
        """The profile that owns the identifier, when this is the 409 of POST or PATCH /api/profiles."""
        for error in self.errors:
            found = error.meta.get("duplicate_profile_id")
            if isinstance(found, str) and found:
                return found
        return None

    @property
    def data_id(self) -> str | None:
        """The id of the one resource in the body, `data.id`."""
        data = self.json.get("data") if isinstance(self.json, dict) else None
        found = data.get("id") if isinstance(data, dict) else None
        return found if isinstance(found, str) and found else None

    def __repr__(self) -> str:
        """Show the status and where the errors point: details may quote personal data."""
        where = [error.pointer or error.code for error in self.errors]
        return f"<Response {self.status}{f' errors at {where}' if where else ''}{' (not sent)' if self.local else ''}>"


def _api_error(item: dict[str, Any]) -> ApiError:
    source, meta = item.get("source"), item.get("meta")
    pointer = source.get("pointer") or source.get("parameter") if isinstance(source, dict) else ""
    return ApiError(
        detail=str(item.get("detail") or item.get("title") or ""),
        code=str(item.get("code") or ""),
        pointer=str(pointer or ""),
        meta=meta if isinstance(meta, dict) else {},
    )


def _plain_detail(body: Any) -> str:
    """Find the message in a body of the legacy calls, which is `{"detail": ...}` or `{"message": ...}`."""
    found = (body.get("detail") or body.get("message")) if isinstance(body, dict) else None
    return _short(found) if isinstance(found, str) else ""


def _short(text: str) -> str:
    """Redact a foreign text, then cut it: the other way round the cut could hide that a word is an address."""
    text = redact_text(" ".join(text[: _LONGEST * 20].split()))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
