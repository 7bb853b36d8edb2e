"""Prints how fast RudderStack's translation is; asserts no time, since machines differ and are busy."""

import sys

import pytest

from tests.benchmarks.rudderstack import CASES, rates
from tests.benchmarks.timing import FACES


@pytest.mark.parametrize(("fidelity", "wire"), FACES)
def test_print_rates(fidelity: str, wire: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = rates(seconds=0.1, fidelity=fidelity, wire=wire)
    assert [rate.name for rate in found] == [name for name, *_ in CASES]
    with capsys.disabled():
        sys.stdout.write(f"\nfidelity {fidelity}, wire {wire}:\n" + "".join(f"  {rate}\n" for rate in found))
    assert all(rate.events_per_second > 0 for rate in found)
