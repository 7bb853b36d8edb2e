"""Prints what accepting and delivering costs; asserts no time, since machines differ and are busy."""

import sys

import pytest

from tests.benchmarks.delivery import lines, report


def test_print_costs(capsys: pytest.CaptureFixture[str]) -> None:
    found = report(count=1_500, singly=100)
    with capsys.disabled():
        sys.stdout.write("\n" + lines(found))
    assert [row[0].events for row in found[:8]] == [1_500, 100, 100, 1_500, 100, 100, 1_500, 1_500]
