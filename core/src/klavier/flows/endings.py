"""How a flow ends: one outcome for each event, whatever the vendor returned or raised."""

import logging
import traceback
from collections.abc import Sequence

from klavier.errors import PluginError
from klavier.outcome import Outcome, failed
from klavier.strictjson import kind_of
from klavier.vendor import Delivery

_log = logging.getLogger("klavier.flows")


class ContractError(PluginError):
    """A vendor broke its side of the contract; the message says how and quotes nothing."""


def spread(result: Outcome | Sequence[Outcome], delivery: Delivery) -> tuple[Outcome, ...]:
    """Give each event its outcome, also where a vendor's flow returned something else."""
    count = len(delivery.events)
    if isinstance(result, Outcome):
        return (result,) * count
    if not isinstance(result, (list, tuple)) or not all(isinstance(outcome, Outcome) for outcome in result):
        return (failed(f"the vendor's flow ended with {kind_of(result)}, not with outcomes"),) * count
    if len(result) != count:
        return (failed(f"the vendor gave {len(result)} outcomes for {count} events"),) * count
    return tuple(result)


def broken(error: Exception, delivery: Delivery) -> tuple[Outcome, ...]:
    """Fail the events of a flow that raised."""
    if isinstance(error, ContractError):
        return (failed(str(error)),) * len(delivery.events)
    # The message of a foreign error may quote personal data: only its type and place are told.
    where = traceback.extract_tb(error.__traceback__)[-1]
    _log.error("a flow raised %s at %s:%s", type(error).__name__, where.filename, where.lineno)
    return (failed(f"the vendor raised {type(error).__name__}"),) * len(delivery.events)
