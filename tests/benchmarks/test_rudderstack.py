"""Prints how fast RudderStack's translation is; asserts no time, since machines differ and are busy."""

import sys

import pytest

from tests.benchmarks.rudderstack import CASES, rates


def test_print_rates(capsys: pytest.CaptureFixture[str]) -> None:
    found = rates(seconds=0.1)
    assert [rate.name for rate in found] == [name for name, *_ in CASES]
    with capsys.disabled():
        sys.stdout.write("\n" + "".join(f"{rate}\n" for rate in found))
    assert all(rate.events_per_second > 0 for rate in found)
