"""What holds for every vendor: a faithful account shows no difference, and an event that is gone is missed."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import klavier
from klavier.sandbox import FakeClock, Sandbox
from klavier.verification.wording import headlines
from tests.support.searching import SINGLES, STREAMS
from tests.support.setups import Setup, setups
from tests.support.verification import check, rows, send

ANY_VENDOR = st.sampled_from(setups()).flatmap(Setup.vendors)
PAYLOADS = st.one_of(SINGLES, STREAMS)


def delivered(vendor: klavier.Vendor, payloads: list[dict[str, Any]]) -> Sandbox:
    sandbox = Sandbox(None, None, clock=FakeClock(), unknown_lists="create")
    send(sandbox, payloads, vendor)
    return sandbox


@settings(max_examples=60)
@given(ANY_VENDOR, PAYLOADS)
def test_a_faithful_account_shows_no_difference(vendor: klavier.Vendor, payloads: list[dict[str, Any]]) -> None:
    found = check(payloads, delivered(vendor, payloads), vendor=vendor)
    assert rows(found) == []
    assert found.verdict.matching == found.verdict.events
    assert len(list(headlines(found))) >= 1


@settings(max_examples=40)
@given(ANY_VENDOR, PAYLOADS, st.integers(0, 20))
def test_an_event_that_is_gone_is_missed(vendor: klavier.Vendor, payloads: list[dict[str, Any]], place: int) -> None:
    sandbox = delivered(vendor, payloads)
    events = [(profile, key) for profile in sandbox.account.profiles for key in profile.events]
    if not events:
        return
    profile, key = events[place % len(events)]
    del profile.events[key]
    verdict = check(payloads, sandbox, vendor=vendor).verdict
    # Events of profiles that cannot be found through the API are not checked.
    assert verdict.matching == verdict.events - 1 or verdict.events < len(events)
