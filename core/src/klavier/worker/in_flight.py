"""Who waits for the reply to a row: entries under way, by what they are known when it comes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from klavier.flows.execution import FlowExecution
from klavier.outbox.entry import Entry

if TYPE_CHECKING:
    from klavier.worker.attempt import Attempt
    from klavier.worker.batch_attempt import BatchAttempt


class InFlight:
    """The entries of one row, and the voyage that they are on.

    `leg` is their delivery.
    """

    __slots__ = ("leg", "owned", "voyage")

    def __init__(self, voyage: "Attempt | BatchAttempt", owned: Sequence[Entry], leg: FlowExecution) -> None:
        self.voyage, self.owned, self.leg = voyage, owned, leg
