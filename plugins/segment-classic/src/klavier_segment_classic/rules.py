"""What every call needs of its message, however it is made: whose it is, and when it happened."""

from typing import Any

from attrs import frozen

from klavier.events.model import Event, JsonObject
from klavier_segment_classic.facade.dates import dated, seconds_of
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, find, first_truthy, truly
from klavier_segment_classic.facade.people import user_email
from klavier_segment_classic.fidelity import Points
from klavier_segment_classic.settings import Settings


class Refused(Exception):  # noqa: N818 -- no error to anybody: it becomes the event's `rejected` outcome
    """A message that the destination does not send; the text says why."""


class Skipped(Exception):  # noqa: N818 -- no error to anybody: it becomes the event's `skipped` outcome
    """A message for which the destination does nothing; the text says why."""


@frozen
class Translation:
    """How messages are translated: the settings and the fidelity's column of differences."""

    settings: Settings
    points: Points

    def id_of(self, event: Event) -> Any:
        """Give the user id, else the anonymous id; as documented the latter only with send_anonymous."""
        user_id = dated(event.user_id)
        if truly(user_id):
            return user_id
        if self.points.must_identify and not self.settings.send_anonymous:
            return UNDEFINED
        return first_truthy(user_id, dated(event.anonymous_id), event.payload.get("sessionId", UNDEFINED))

    def customer(self, event: Event, email: Any) -> JsonObject:
        """Give the customer properties of a track call; `email` may be UNDEFINED.  Raises `Refused`."""
        people: JsonObject = {}
        if email is not UNDEFINED:
            people["$email"] = email
        if not self.settings.enforce_email:
            found = self.id_of(event)
            if found is not UNDEFINED:
                people["$id"] = found
        elif self.points.custom_id and truly(event.user_id):
            people["id"] = dated(event.user_id)
        self.check(people)
        return people

    def check(self, people: JsonObject) -> None:
        """Raise `Refused` for a person without an identifier, where the document is followed."""
        if not self.points.must_identify or truly(people.get("$email")):
            return
        if self.settings.enforce_email:
            raise Refused(
                "enforce_email is on and the event has no e-mail address; send traits.email or properties.email"
            )
        if not truly(people.get("$id")) and not truly(people.get("$phone_number")):
            raise Refused("nothing identifies the person; send a userId or an e-mail address, or set send_anonymous")

    def time(self, event: Event, notes: list[str]) -> Any:
        """Give the time in seconds since 1970; UNDEFINED leaves it to Klaviyo, which takes the time of arrival."""
        given = event.timestamp
        if given is None and not (self.points.null_is_epoch and "timestamp" in event.payload):
            return UNDEFINED
        found = seconds_of(given)
        if found is None and not self.points.null_is_epoch:
            notes.append("timestamp left out: it is no time; Klaviyo takes the time of arrival")
            return UNDEFINED
        return found


def track_email(event: Event, properties: Keys) -> Any:
    """Give the e-mail address of a track message: context traits, properties, a user id that is one; else UNDEFINED."""
    found = first_truthy(find(find(event.context, "traits"), "email"), properties.get("email"))
    return dated(found) if truly(found) else user_email(event.user_id)
