"""What the pages point at is there: files, tests, links between pages."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.repository import ROOT, modules, name, pages

EVERY_PAGE = pytest.mark.parametrize("page", pages(), ids=name)


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^(`{3,}|:{3,}).*?^\1\s*$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


@cache
def known_tests() -> frozenset[str]:
    return frozenset(
        name for path in modules("tests") for name in re.findall(r"\bdef (test_\w+)", path.read_text("utf-8"))
    )


@EVERY_PAGE
def test_named_files_exist(page: Path) -> None:
    named = re.findall(r"`((?:core|deploy|docs|plugins|tests)/[\w./-]+)`", prose(page))
    assert [path for path in named if not (ROOT / path).exists()] == []


@EVERY_PAGE
def test_named_tests_exist(page: Path) -> None:
    assert [test for test in re.findall(r"`(test_\w+)`", prose(page)) if test not in known_tests()] == []


@EVERY_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    """Sphinx checks the pages of the site; this one checks the others, which people read in the repository."""
    targets = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", prose(page))
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in local if not (page.parent / target).exists()] == []


@EVERY_PAGE
def test_one_sentence_a_line(page: Path) -> None:
    """A change then shows what it changes."""
    lines = [line for line in prose(page).splitlines() if not line.lstrip().startswith(("|", "-", "*", "<!--", "%"))]
    assert [line for line in lines if re.search(r"[a-z`)][.!?] [A-Z][a-z]", line)] == []


def links(page: Path) -> set[Path]:
    """Return the pages of the site that a page links to, the parts of the README that it includes among them."""
    text = page.read_text("utf-8")
    if page == ROOT / "docs" / "index.md":
        text += (ROOT / "README.md").read_text("utf-8").replace("](docs/", "](")
    targets = re.findall(r"\]\(([^)\s#]+\.md)", text)
    return {(page.parent / target).resolve() for target in targets if "://" not in target}


@pytest.mark.parametrize(
    "wanted",
    [
        "tutorial",
        "how-to/swap-the-vendor",
        "how-to/compare-vendors",
        "how-to/write-a-vendor",
        "how-to/run-a-relay",
        "reference/cli",
        "how-to/sandbox",
    ],
)
def test_a_newcomer_finds_it_in_two_clicks(wanted: str) -> None:
    first = ROOT / "docs" / "index.md"
    near = links(first) | {far for page in links(first) if page.exists() for far in links(page)}
    assert ROOT / "docs" / f"{wanted}.md" in near


def test_every_guarantee_has_a_mechanism_and_a_test() -> None:
    text = (ROOT / "docs/explanation/guarantees.md").read_text("utf-8")
    rows = text.split("| --- | --- | --- |\n", 1)[1].split("\n\n", 1)[0].splitlines()
    assert len(rows) > 40
    for row in rows:
        promise, mechanism, tests = (cell.strip() for cell in row.strip("|").split("|"))
        assert promise
        assert mechanism
        assert "`test_" in tests or "`tests/" in tests, promise
