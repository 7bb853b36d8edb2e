"""The flow of legacy calls on either wire."""

from collections.abc import Generator, Sequence
from typing import Protocol

from klavier.events.model import Event
from klavier.klaviyo.legacy.said import Said
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.vendor import Wire

_CONFLICT = 409
_GONE = 410


class LegacyCall(Protocol):
    """What every legacy call can do."""

    def native(self) -> Request:
        """Give the call to the letter."""

    def complaint(self, response: Response) -> str:
        """Say what is wrong with a native reply of a good status; empty where nothing is."""

    def current(self, event: Event) -> Said:
        """Say the same on the newest revision."""


def say(
    calls: Sequence[LegacyCall], wire: Wire, event: Event, notes: Sequence[str] = ()
) -> Generator[Request, Response, Outcome]:
    """Make calls one after the other, each after the one before was accepted; the first that is not ends the flow.

    `notes` are those of the vendor, put before those of the wire.  On the current wire a later call that cannot be
    said is left out with a note; where the first one cannot, the event is rejected.
    """
    noted = list(notes)
    sent = False
    for call in calls:
        said = Said((call.native(),)) if wire == "native" else call.current(event)
        if said.refusal and not sent:
            return rejected(said.refusal)
        noted.extend([f"a call left out: {said.refusal}"] if said.refusal else said.notes)
        for request in said.requests:
            response = yield request
            if response.status == _CONFLICT and said.without_phone is not None:
                noted.append("$phone_number left out: another profile has it")
                response = yield said.without_phone
            complaint = "" if not response.ok or wire == "current" else call.complaint(response)
            if not response.ok or complaint:
                if response.local and not sent:
                    return rejected(response.reason)
                return _failed(response, complaint, noted)
            sent = True
    return delivered(list(dict.fromkeys(noted)))


def _failed(response: Response, complaint: str, notes: list[str]) -> Outcome:
    reason = complaint or response.reason
    if response.status == _GONE:
        reason += "; Klaviyo shut the v1 and v2 calls down: set wire to 'current'"
    return failed(reason, response.status or None, retryable=response.retryable, notes=list(dict.fromkeys(notes)))
