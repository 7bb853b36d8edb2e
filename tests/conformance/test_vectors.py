"""Every vendor does what was recorded of it, case by case; one test for each file of records.

The records of Segment's mapping kit, its Liquid and its triggers are in formats of their own: that plugin's tests play
them.
"""

import pytest

from klavier.plugins import installed_plugins
from tests.support.records import check, report
from tests.support.schemas import shared_folder
from tests.support.vectors import recorded

FOLDERS = ("vectors", "vectors-2")
ELSEWHERE = {"segment-actions-mapping-kit.jsonl", "segment-actions-triggers.jsonl", "segment-actions-liquid.jsonl"}
DIFFERING = {
    # Ten or thirteen digits as text: Segment sends the year 1711, klavier the time that they count (4 cases).
    # A profile twice in a batch: Segment sends one import, in which Klaviyo defines no order, klavier two (2 cases).
    # A rejected event of a refused batch has its own outcome, and only its own list (3 cases).
    "vectors-2/segment-actions-batch.jsonl": 9,
    "vectors-2/segment-actions.jsonl": 1,  # thirteen digits as text, as above
}
"""How many records of a file klavier differs from on purpose."""


def files() -> list[str]:
    """Return the names of the files of both folders."""
    shared = shared_folder()
    found = [] if shared is None else [path for folder in FOLDERS for path in (shared / folder).glob("*.jsonl")]
    return sorted(f"{path.parent.name}/{path.name}" for path in found if path.name not in ELSEWHERE)


@pytest.mark.skipif(not files(), reason="the recorded cases are not beside this checkout (set KLAVIER_SHARED)")
@pytest.mark.parametrize("name", files() or ["vectors/none.jsonl"])
def test_deliveries_are_as_recorded(name: str) -> None:
    folder, file = name.split("/")
    cases = recorded(file, folder)
    vendor = cases[0]["vendor"]
    if vendor not in installed_plugins().vendors:
        pytest.skip(f"vendor {vendor} is not installed")
    found = {case["name"]: check(case) for case in cases}
    differing = [problem for problem in found.values() if problem]
    assert len(differing) <= DIFFERING.get(name, 0), report(found, len(cases))


@pytest.mark.skipif(not files(), reason="the recorded cases are not beside this checkout (set KLAVIER_SHARED)")
def test_all_vendors_are_recorded_in_both_folders() -> None:
    recorded_vendors = {name.split(".")[0].removesuffix("-device") for name in files()}
    assert recorded_vendors >= {f"{folder}/{vendor}" for folder in FOLDERS for vendor in RECORDED}


RECORDED = ("rudderstack", "segment-actions", "segment-classic")
"""The vendors whose implementations were observed; Freshpaint's is not public."""
