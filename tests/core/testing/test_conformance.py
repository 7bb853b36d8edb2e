"""The kit bites: a good vendor passes, and each broken one fails the test of the promise that it breaks."""

import time
from collections.abc import Iterable, Sequence
from typing import ClassVar

import pytest
from hypothesis import Phase, settings

from klavier.events.model import Event
from klavier.testing import VendorConformance
from klavier.vendor import Delivery, Vendor
from tests.support import fakes

SETTINGS = fakes.Settings(private_api_key=fakes.SECRET, list_id="Xue/pk?K")

BROKEN = [
    ("total", fakes.Raises, "1 total: raised"),
    ("total", fakes.RaisesOnOddReplies, "1 total: raised AttributeError"),
    ("total", fakes.DoublesOutcomes, "1 total: 2 outcomes for 1 events"),
    ("total", fakes.DeliversTwice, "1 total: the event is in 2 deliveries"),
    ("total", fakes.Forgets, "1 total: the event is in 0 deliveries"),
    ("deterministic", fakes.RandomIds, "2 deterministic: a second run differs"),
    ("deterministic", fakes.Remembers, "2 deterministic: a second run differs"),
    ("pure", fakes.ChangesInput, "3 pure: the event was changed"),
    ("nothing_invented", fakes.InventsId, "4 nothing invented: .*'a-made-up-id' comes from neither"),
    ("nothing_invented", fakes.InventsHash, "4 nothing invented: .*'0f8fad5b-.*' comes from neither"),
    ("nothing_invented", fakes.InventsNumber, "4 nothing invented: .*97.31 comes from neither"),
    ("nothing_lost", fakes.DropsProperties, "5 nothing lost: .*dotted.plant"),
    ("nothing_lost", fakes.DropsLists, r"5 nothing lost: .*Planted-List\[0\]"),
    ("sendable", fakes.UnsendableForm, "6 sendable: form.count is int, not a string"),
    ("sendable", fakes.NotANumber, "6 sendable: the body is not strict JSON: .*total"),
    ("identified", fakes.ProfileWithoutId, "7 identified: a profile without an identifier"),
    (
        "identified",
        fakes.OtherProfile,
        "7 identified: the identifier external_id = 'somebody-else' is not of this event",
    ),
    ("safe", fakes.UnquotedPath, "8 safe paths"),
    ("safe", fakes.UnknownPath, "8 safe paths: POST //elsewhere.test/.* is not the path of an endpoint"),
    ("safe", fakes.KeyInBody, "8 safe paths: a secret setting is in json.data.attributes.properties.key"),
    ("safe", fakes.KeyInRepr, "8 safe paths: a secret setting is in"),
    ("safe", fakes.KeyInOutcome, "8 safe paths: a secret setting is in"),
    ("safe", fakes.EmailInReason, "8 safe paths: an e-mail address is in"),
    ("safe", fakes.EmailInLog, "8 safe paths: an e-mail address is in"),
    ("idempotent", fakes.CreatesLists, "9 idempotent: POST /api/lists sent twice has two effects"),
    ("idempotent", fakes.NewIds, "9 idempotent: delivered twice, the account differs"),
    ("idempotent", fakes.GivesUpTheSecondTime, "9 idempotent: one outcome is delivered .* the other failed"),
    ("batch_is_singles", fakes.BatchesTheFirstOnly, "10 batch = singles: "),
    ("ordered", fakes.WrongOrder, "11 ordered: event . of .* is delivered before event ."),
    ("ordered", fakes.TracksFirst, "11 ordered: event . of .* is mentioned before event ."),
    ("bounded", fakes.Backtracks, r"12 bounded: a text of 3000 characters in userId takes .* s"),
    ("bounded", fakes.RepeatsTheEvent, "12 bounded: a text of 30000 characters in .* makes .* bytes"),
    ("ordered", fakes.TwoKeys, "11 ordered: two events of one user id have two keys"),
]


class TestGoodVendor(VendorConformance):
    vendor: ClassVar[str] = "good"

    def make(self) -> Vendor:
        return fakes.GoodVendor(SETTINGS)


@pytest.mark.parametrize(("test", "broken", "message"), BROKEN, ids=[each[1].__name__ for each in BROKEN])
def test_a_broken_vendor_fails(test: str, broken: type[fakes.GoodVendor], message: str) -> None:
    class Conformance(VendorConformance):
        # Long enough to find every fault, the same examples each time, and no time spent on making them small.
        search = settings(max_examples=300, derandomize=True, database=None, phases=[Phase.generate])

        def make(self) -> Vendor:
            return broken(SETTINGS)

    with pytest.raises(AssertionError, match=message):
        getattr(Conformance(), f"test_{test}")()


def test_no_deadline_fails_a_vendor_on_a_busy_machine() -> None:
    class Slow(fakes.GoodVendor):
        def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
            time.sleep(0.005)
            return super().deliveries(events)

    class Conformance(VendorConformance):
        search = settings(max_examples=2, deadline=1, derandomize=True, database=None)

        def make(self) -> Vendor:
            return Slow(SETTINGS)

    Conformance().test_pure()
