"""The flow of legacy calls on either wire."""

from collections.abc import Generator, Sequence
from typing import Protocol

from klavier.events.model import Event
from klavier.klaviyo.legacy.translation import Translation
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.vendor import Wire

_CONFLICT = 409
_GONE = 410


class LegacyCall(Protocol):
    """One call of the v1 or v2 API, which can also be translated to the newest revision."""

    def native(self) -> Request:
        """Return the call exactly as the legacy API took it."""

    def native_error(self, response: Response) -> str:
        """Return why a native reply with a success status is a refusal all the same; empty where it is none."""

    def current(self, event: Event) -> Translation:
        """Translate the call to the newest revision."""


def legacy_flow(
    calls: Sequence[LegacyCall], wire: Wire, event: Event, notes: Sequence[str] = ()
) -> Generator[Request, Response, Outcome]:
    """Send calls one after the other; the first that Klaviyo does not accept ends the flow.

    `notes` are those of the vendor, placed before those of the translation.  On the current wire a later call that
    cannot be translated is left out with a note; where the first one cannot, the event is rejected.
    """
    noted = list(notes)
    sent = False
    for call in calls:
        translation = Translation((call.native(),)) if wire == "native" else call.current(event)
        if translation.refusal and not sent:
            return rejected(translation.refusal)
        noted.extend([f"a call left out: {translation.refusal}"] if translation.refusal else translation.notes)
        for request in translation.requests:
            response = yield request
            if response.status == _CONFLICT and translation.without_phone is not None:
                noted.append("$phone_number left out: another profile has it")
                response = yield translation.without_phone
            error = "" if not response.ok or wire == "current" else call.native_error(response)
            if not response.ok or error:
                if response.local and not sent:
                    return rejected(response.reason)
                return _failed(response, error, noted)
            sent = True
    return delivered(list(dict.fromkeys(noted)))


def _failed(response: Response, error: str, notes: list[str]) -> Outcome:
    reason = error or response.reason
    if response.status == _GONE:
        reason += "; Klaviyo shut the v1 and v2 calls down: set wire to 'current'"
    return failed(reason, response.status or None, retryable=response.retryable, notes=list(dict.fromkeys(notes)))
