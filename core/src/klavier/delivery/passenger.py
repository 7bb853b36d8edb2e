"""Who waits for the reply to a row: entries under way, by what they are known when it comes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from klavier.delivery.leg import Leg
from klavier.delivery.outbox.entry import Entry

if TYPE_CHECKING:
    from klavier.delivery.convoy import Convoy
    from klavier.delivery.voyage import Voyage
    from klavier.klaviyo.request import Request


class Passenger:
    """The entries of one row, and the voyage that they are on.

    `leg` is their delivery; None where only the text of its one request was kept, and the `notes` of its success.
    """

    __slots__ = ("leg", "notes", "owned", "voyage")

    def __init__(
        self, voyage: "Voyage | Convoy", owned: Sequence[Entry], leg: Leg | None, notes: tuple[str, ...] = ()
    ) -> None:
        self.voyage, self.owned, self.leg, self.notes = voyage, owned, leg, notes

    def again(self) -> "Request | None":
        """Make the request once more, of which only the text was kept; None where it should not be able to."""
        leg = self.voyage.again(self.owned[0])
        return None if leg is None else leg.request
