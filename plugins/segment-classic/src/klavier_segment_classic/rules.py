"""What every call needs of its message: whose profile it is about, and when it happened."""

from typing import Any

from attrs import frozen

from klavier.events.model import Event, JsonObject
from klavier.vendor import RejectEvent
from klavier_segment_classic.facade.dates import read_dates, read_seconds
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, find, first_truthy, is_truthy
from klavier_segment_classic.facade.profile import user_email
from klavier_segment_classic.fidelity import Fidelity
from klavier_segment_classic.settings import Settings


@frozen
class Rules:
    """The settings, and one column of the table of differences."""

    settings: Settings
    fidelity: Fidelity

    def find_id(self, event: Event) -> Any:
        """Return the user id, else the anonymous id; as documented the latter only with send_anonymous."""
        user_id = read_dates(event.user_id)
        if is_truthy(user_id):
            return user_id
        if self.fidelity.must_identify and not self.settings.send_anonymous:
            return UNDEFINED
        return first_truthy(user_id, read_dates(event.anonymous_id), event.payload.get("sessionId", UNDEFINED))

    def customer_properties(self, event: Event, email: Any) -> JsonObject:
        """Return the customer properties of a track call; `email` may be UNDEFINED.  Raises `RejectEvent`."""
        customer: JsonObject = {}
        if email is not UNDEFINED:
            customer["$email"] = email
        if not self.settings.enforce_email:
            found = self.find_id(event)
            if found is not UNDEFINED:
                customer["$id"] = found
        elif self.fidelity.custom_id and is_truthy(event.user_id):
            customer["id"] = read_dates(event.user_id)
        self.require_identity(customer)
        return customer

    def require_identity(self, customer: JsonObject) -> None:
        """Raise `RejectEvent` for customer properties without an identifier, where the document is followed."""
        if not self.fidelity.must_identify or is_truthy(customer.get("$email")):
            return
        if self.settings.enforce_email:
            raise RejectEvent("no e-mail address, which enforce_email requires: send traits.email or properties.email")
        if not is_truthy(customer.get("$id")) and not is_truthy(customer.get("$phone_number")):
            raise RejectEvent("no identity: send a userId or an e-mail address, or set send_anonymous")

    def read_time(self, event: Event, notes: list[str]) -> Any:
        """Return the time in seconds since 1970; UNDEFINED leaves it to Klaviyo, which uses the time of arrival."""
        timestamp = event.timestamp
        if timestamp is None and not (self.fidelity.null_is_epoch and "timestamp" in event.payload):
            return UNDEFINED
        seconds = read_seconds(timestamp)
        if seconds is None and not self.fidelity.null_is_epoch:
            notes.append("timestamp left out: it is no time; Klaviyo uses the time of arrival")
            return UNDEFINED
        return seconds


def track_email(event: Event, properties: Keys) -> Any:
    """Return the e-mail address of a track message, else UNDEFINED.

    It is read from the context's traits, the properties, or a user id that is an address.
    """
    found = first_truthy(find(find(event.context, "traits"), "email"), properties.get("email"))
    return read_dates(found) if is_truthy(found) else user_email(event.user_id)
