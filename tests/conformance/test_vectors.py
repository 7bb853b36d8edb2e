"""Every vendor does what was recorded of it, case by case; one test for each file of records.

The records of Segment's mapping kit and triggers are played in that plugin's own tests.
"""

import pytest

from klavier.plugins import installed_plugins
from tests.support.records import check, report
from tests.support.schemas import shared_folder
from tests.support.vectors import recorded

NAMES = (
    "rudderstack.jsonl",
    "rudderstack-device.jsonl",
    "rudderstack-router.jsonl",
    "segment-actions.jsonl",
    "segment-classic.jsonl",
    "segment-classic-device.jsonl",
)
ELSEWHERE = {"segment-actions-mapping-kit.jsonl", "segment-actions-triggers.jsonl"}


@pytest.mark.parametrize("name", NAMES)
def test_deliveries_are_as_recorded(name: str) -> None:
    cases = recorded(name)
    vendor = cases[0]["vendor"]
    if vendor not in installed_plugins().vendors:
        pytest.skip(f"vendor {vendor} is not installed")
    problems = report({case["name"]: check(case) for case in cases}, len(cases))
    assert not problems, problems


def test_no_record_is_left_out() -> None:
    folder = shared_folder()
    if folder is None:
        pytest.skip("the recorded cases are not beside this checkout (set KLAVIER_SHARED)")
    assert {path.name for path in (folder / "vectors").glob("*.jsonl")} == {*NAMES, *ELSEWHERE}
