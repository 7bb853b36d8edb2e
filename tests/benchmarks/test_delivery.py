"""The benchmark of delivery runs, and measures all that it names; no test asserts a time."""

from tests.benchmarks.delivery import lines, report


def test_every_row_is_measured() -> None:
    found = report(count=300, singly=20)
    assert [row[0].events for row in found[:8]] == [300, 20, 20, 300, 20, 20, 300, 300]
    assert all(row[0].name in lines(found) for row in found if row)
