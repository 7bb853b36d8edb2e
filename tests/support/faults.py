"""Forty faults of vendors, each a small plugin, as a table."""

import inspect
import re
from collections.abc import Callable

from klavier import Vendor, VendorSpec, hookimpl
from tests.support import faults_of_deeds as deeds
from tests.support import faults_of_words as words
from tests.support.sound import Settings, Wrapper

FAULTS: tuple[tuple[type[Wrapper], str], ...] = (
    (words.DropsCoupons, "nothing_lost"),
    (words.DropsFalse, "nothing_lost"),
    (words.DropsZero, "nothing_lost"),
    (words.KeepsAsciiOnly, "nothing_lost"),
    (words.CutsLongTexts, "nothing_lost"),
    (words.DropsDeepObjects, "nothing_lost"),
    (words.DropsDollars, "nothing_lost"),
    (words.EmptyScreens, "nothing_lost"),
    (words.RoundsNumbers, "nothing_lost"),
    (words.InventsAnId, "nothing_invented"),
    (words.RandomIds, "deterministic"),
    (words.TakesDollars, "nothing_invented"),
    (words.TellsItsOwnTime, "deterministic"),
    (words.RemembersTraits, "nothing_invented"),
    (words.TakesTheEmailOut, "pure"),
    (words.SortsInPlace, "pure"),
    (deeds.UnquotedPath, "safe"),
    (deeds.OtherHost, "safe"),
    (deeds.KeyInBody, "safe"),
    (deeds.KeyInReason, "safe"),
    (deeds.EmailInLog, "safe"),
    (deeds.NobodysEvents, "identified"),
    (deeds.SomebodyElse, "batch_is_singles"),
    (deeds.SendsNan, "sendable"),
    (deeds.UnknownFields, "nothing_invented"),
    (deeds.WrongRevision, "sendable"),
    (deeds.OverTheLimit, "sendable"),
    (deeds.TrustsIds, "total"),
    (deeds.TrustsReplies, "total"),
    (deeds.SwallowsErrors, "survives"),
    (deeds.GivesUp, "survives"),
    (deeds.NeverGivesUp, "total"),
    (deeds.ForgetsAliases, "total"),
    (deeds.TooFewOutcomes, "batch_is_singles"),
    (deeds.OneIdForAll, "idempotent"),
    (deeds.SendsTwice, "survives"),
    (deeds.MergesABatch, "batch_is_singles"),
    (deeds.PeopleFirst, "ordered"),
    (deeds.LongBatchesBackwards, "ordered"),
    (deeds.KeysByType, "ordered"),
)
"""Each fault, and the test of the conformance class that is to find it."""


def name_of(fault: type[Wrapper]) -> str:
    """Name the vendor of a fault, such as `drops-coupons`."""
    return re.sub(r"(?<!^)([A-Z])", r"-\1", fault.__name__).lower()


def description(fault: type[Wrapper]) -> str:
    """Say what is wrong with a fault's vendor."""
    return inspect.getdoc(fault) or ""


class Plugin:
    """Registers one vendor, broken or sound."""

    def __init__(self, name: str, summary: str, build: Callable[[Settings], Vendor]) -> None:
        self._spec = VendorSpec(name, summary, Settings, build)

    @hookimpl
    def klavier_vendors(self) -> list[VendorSpec]:
        return [self._spec]
