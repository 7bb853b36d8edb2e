"""How many events ended how."""

from collections.abc import Mapping

from attrs import frozen

from klavier.outcome import KINDS, Kind


@frozen
class Counts:
    """The result of `flush`: events by outcome since the relay was opened, and how many still wait.

    An event that another process delivers from the same outbox leaves `pending` without being counted here.
    """

    delivered: int = 0
    skipped: int = 0
    rejected: int = 0
    failed: int = 0
    pending: int = 0

    @classmethod
    def of(cls, kinds: Mapping[Kind, int], pending: int) -> "Counts":
        """Return the counts of `kinds`, the number of events of each kind of outcome, and of `pending` events."""
        delivered, skipped, rejected, failed = (kinds.get(kind, 0) for kind in KINDS)
        return cls(delivered, skipped, rejected, failed, pending)
