"""How a flow ends: one outcome for each event, whatever the vendor returned or raised."""

import logging
import traceback
from collections.abc import Sequence

from klavier.outcome import Outcome, failed
from klavier.vendor import Delivery

_log = logging.getLogger("klavier.delivery")


def spread(result: Outcome | Sequence[Outcome], delivery: Delivery) -> tuple[Outcome, ...]:
    """Give each event its outcome, also where a vendor's flow returned something else."""
    count = len(delivery.events)
    if isinstance(result, Outcome):
        return (result,) * count
    given = tuple(result) if isinstance(result, Sequence) else ()
    if len(given) == count and all(isinstance(outcome, Outcome) for outcome in given):
        return given
    return (failed(f"the vendor gave {len(given)} outcomes for {count} events"),) * count


def broken(error: Exception, delivery: Delivery) -> tuple[Outcome, ...]:
    """Fail the events of a flow that raised."""
    # The message of a foreign error may quote personal data: only its type and place are told.
    where = traceback.extract_tb(error.__traceback__)[-1]
    _log.error("a flow raised %s at %s:%s", type(error).__name__, where.filename, where.lineno)
    return (failed(f"the vendor raised {type(error).__name__}"),) * len(delivery.events)
