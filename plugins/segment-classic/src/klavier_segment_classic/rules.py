"""What every call needs of its message: whose profile it is about, and when it happened."""

from typing import Any

from attrs import evolve, frozen

from klavier.events.model import Event, JsonObject
from klavier.values import read_time, unix_seconds
from klavier.vendor import RejectEvent
from klavier_segment_classic.facade.dates import read_dates, read_seconds
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, find, first_truthy, is_truthy
from klavier_segment_classic.facade.profile import user_email
from klavier_segment_classic.fidelity import FIDELITIES, Fidelity
from klavier_segment_classic.settings import Settings


@frozen
class Rules:
    """The settings, and one column of the table of differences."""

    settings: Settings
    fidelity: Fidelity

    @classmethod
    def build(cls, settings: Settings) -> "Rules":
        """Return the rules of some settings."""
        fidelity = FIDELITIES[settings.fidelity]
        if settings.wire == "current":
            fidelity = evolve(fidelity, reads_as_javascript=False)
        return cls(settings, fidelity)

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
        if self.fidelity.reads_as_javascript:
            return read_seconds(event.timestamp) if "timestamp" in event.payload else UNDEFINED
        time, reason = read_time(event.timestamp)
        if reason:
            notes.append(f"timestamp left out: {reason}; Klaviyo uses the time of arrival")
        return UNDEFINED if time is None else unix_seconds(time)


def track_email(event: Event, properties: Keys) -> Any:
    """Return the e-mail address of a track message, else UNDEFINED.

    It is read from the context's traits, the properties, or a user id that is an address.
    """
    found = first_truthy(find(find(event.context, "traits"), "email"), properties.get("email"))
    return read_dates(found) if is_truthy(found) else user_email(event.user_id)
