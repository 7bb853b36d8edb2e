"""Forty faults of vendors, each a small plugin, as a table."""

import inspect
import re
from collections.abc import Callable

from klavier import Vendor, VendorSpec, hookimpl
from tests.support import faulty_deliveries, faulty_values
from tests.support.sound import Settings, Wrapper

FAULTS: tuple[tuple[type[Wrapper], str], ...] = (
    (faulty_values.DropsCoupons, "nothing_lost"),
    (faulty_values.DropsFalse, "nothing_lost"),
    (faulty_values.DropsZero, "nothing_lost"),
    (faulty_values.KeepsAsciiOnly, "nothing_lost"),
    (faulty_values.CutsLongTexts, "nothing_lost"),
    (faulty_values.DropsDeepObjects, "nothing_lost"),
    (faulty_values.DropsDollars, "nothing_lost"),
    (faulty_values.EmptyScreens, "nothing_lost"),
    (faulty_values.RoundsNumbers, "nothing_lost"),
    (faulty_values.InventsAnId, "nothing_invented"),
    (faulty_values.RandomIds, "deterministic"),
    (faulty_values.AssumesDollars, "nothing_invented"),
    (faulty_values.UsesThePresentTime, "deterministic"),
    (faulty_values.KeepsTraits, "nothing_invented"),
    (faulty_values.RemovesTheEmail, "pure"),
    (faulty_values.ReversesInPlace, "pure"),
    (faulty_deliveries.UnquotedPath, "safe"),
    (faulty_deliveries.OtherHost, "safe"),
    (faulty_deliveries.KeyInBody, "safe"),
    (faulty_deliveries.KeyInReason, "safe"),
    (faulty_deliveries.EmailInLog, "safe"),
    (faulty_deliveries.EventsWithoutProfile, "identified"),
    (faulty_deliveries.FirstProfileForAll, "batch_is_singles"),
    (faulty_deliveries.SendsNan, "sendable"),
    (faulty_deliveries.UnknownFields, "nothing_invented"),
    (faulty_deliveries.WrongRevision, "sendable"),
    (faulty_deliveries.OverTheLimit, "sendable"),
    (faulty_deliveries.TrustsIds, "total"),
    (faulty_deliveries.TrustsReplies, "total"),
    (faulty_deliveries.IgnoresReplies, "survives"),
    (faulty_deliveries.GivesUp, "survives"),
    (faulty_deliveries.NeverGivesUp, "total"),
    (faulty_deliveries.DropsAliases, "total"),
    (faulty_deliveries.TooFewOutcomes, "batch_is_singles"),
    (faulty_deliveries.IdsFromNames, "idempotent"),
    (faulty_deliveries.SendsTwice, "survives"),
    (faulty_deliveries.MergesABatch, "batch_is_singles"),
    (faulty_deliveries.IdentifiesFirst, "ordered"),
    (faulty_deliveries.ReversesLongBatches, "ordered"),
    (faulty_deliveries.KeysByType, "ordered"),
)
"""Each fault, and the test of the conformance class that is to find it."""


def name_of(fault: type[Wrapper]) -> str:
    """Name the vendor of a fault, such as `drops-coupons`."""
    return re.sub(r"(?<!^)([A-Z])", r"-\1", fault.__name__).lower()


def description(fault: type[Wrapper]) -> str:
    """Describe what a fault's vendor does wrong."""
    return inspect.getdoc(fault) or ""


class Plugin:
    """Registers one vendor, faulty or not."""

    def __init__(self, name: str, summary: str, build: Callable[[Settings], Vendor]) -> None:
        self._spec = VendorSpec(name, summary, Settings, build)

    @hookimpl
    def klavier_vendors(self) -> list[VendorSpec]:
        return [self._spec]
