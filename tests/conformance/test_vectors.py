"""Every vendor does what was recorded of it, case by case; one test for each file of records.

The records of Segment's mapping kit, its Liquid and its triggers are in formats of their own: that plugin's tests play
them.
"""

import pytest

from klavier.plugins import installed_plugins
from tests.support.records import check, report
from tests.support.repository import ROOT
from tests.support.schemas import shared_folder
from tests.support.vectors import recorded

FOLDERS = ("vectors", "vectors-2")
ELSEWHERE = {"segment-actions-mapping-kit.jsonl", "segment-actions-triggers.jsonl", "segment-actions-liquid.jsonl"}
LISTS = "events of several lists in one batch"
DIGITS = "a time of ten or thirteen digits as text"
SOURCES = "subscriptions of several sources in one batch"
REFUSED = "a refused batch with events that were rejected before"
DIFFERING = {
    "hard-actions-batch-660011-138": LISTS,
    "hard-actions-batch-660011-148": LISTS,
    "hard-actions-batch-660011-155": LISTS,
    "hard-actions-batch-660011-239": DIGITS,
    "hard-actions-batch-660011-291": DIGITS,
    "hard-actions-batch-660011-413": DIGITS,
    "hard-actions-batch-660011-639": DIGITS,
    "hard-actions-single-660001-1087": DIGITS,
    "hard-actions-batch-660011-395": SOURCES,
    "hard-actions-batch-660011-484": REFUSED,
}
"""The records that klavier differs from on purpose, each with the row of the vendor's page that explains it."""
PAGE = ROOT / "docs/vendors/segment-actions.md"


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
    differing = {name for name, problem in found.items() if problem}
    assert differing == DIFFERING.keys() & found.keys(), report(found, len(cases))


def test_the_page_explains_every_record_that_differs() -> None:
    text = PAGE.read_text("utf-8")
    table = text[text.index("| recorded cases |") :].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    explained = {name: reason for names, reason, *_ in rows for name in names.split(", ")}
    assert explained == {name.replace("hard-actions-", ""): reason for name, reason in DIFFERING.items()}


@pytest.mark.skipif(not files(), reason="the recorded cases are not beside this checkout (set KLAVIER_SHARED)")
def test_all_vendors_are_recorded_in_both_folders() -> None:
    recorded_vendors = {name.split(".")[0].removesuffix("-device") for name in files()}
    assert recorded_vendors >= {f"{folder}/{vendor}" for folder in FOLDERS for vendor in RECORDED}


RECORDED = ("rudderstack", "segment-actions", "segment-classic")
"""The vendors whose implementations were observed; Freshpaint's is not public."""
