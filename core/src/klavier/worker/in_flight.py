"""Who waits for the reply to a row: entries under way, by what they are known when it comes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from klavier.flows.execution import FlowExecution
from klavier.outbox.entry import Entry

if TYPE_CHECKING:
    from klavier.klaviyo.request import Request
    from klavier.worker.attempt import Attempt
    from klavier.worker.batch_attempt import BatchAttempt


class InFlight:
    """The entries of one row, and the voyage that they are on.

    `leg` is their delivery; None where only the text of its one request was kept, and the `notes` of its success.
    """

    __slots__ = ("leg", "notes", "owned", "voyage")

    def __init__(
        self,
        voyage: "Attempt | BatchAttempt",
        owned: Sequence[Entry],
        leg: FlowExecution | None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.voyage, self.owned, self.leg, self.notes = voyage, owned, leg, notes

    def again(self) -> "Request | None":
        """Make the request once more, of which only the text was kept; None where it should not be able to."""
        leg = self.voyage.again(self.owned[0])
        return None if leg is None else leg.request
