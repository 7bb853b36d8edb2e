"""What people are told to install is ours, quoted for every shell, and exists; test_distributions installs it."""

import re

from packaging.requirements import Requirement

from tests.support.repository import DISTRIBUTIONS, ROOT, modules, name, pages, pyproject

OURS = {pyproject(folder)["project"]["name"] for folder in DISTRIBUTIONS}
EXTRAS = set(pyproject()["project"]["optional-dependencies"])

WORD = r"'[^']+'|[^\s'\"`|&;(){}#]+"
LINE = re.compile(rf"\bpip(?: --python \S+)? install((?: +(?:{WORD}))+)")
NO_PACKAGE = re.compile(r"-.*|\.{0,2}/.*|\.|'\.\[\w+\]'|requirements-(dev|spark)\.txt|pip|.*\{.*")
"""Options, folders and files; pip itself; and names that a program fills in."""


def words(text: str) -> list[str]:
    """List the packages that the lines `pip install` of a text install."""
    found = [word for line in LINE.findall(text) for word in re.findall(WORD, line)]
    return [word for word in found if not NO_PACKAGE.fullmatch(word)]


def test_lines_are_found() -> None:
    text = "It needs the extra: pip install 'klavier[zstd]'.\n$ pip install -U . ./plugins/* requests && run"
    assert words(text) == ["'klavier[zstd]'", "requests"]


def test_only_our_distributions_are_named() -> None:
    for path in [*pages(), *modules("core/src", "plugins/*/src")]:
        for word in words(path.read_text("utf-8")):
            place = f"{word} in {name(path)}"
            assert "[" not in word or word.startswith("'"), f"{place}: quote it, since some shells read the brackets"
            requirement = Requirement(word.strip("'"))
            assert requirement.name in OURS, place
            assert requirement.extras <= EXTRAS, place


def test_the_page_on_installing_lists_every_extra() -> None:
    page = (ROOT / "docs" / "how-to" / "install.md").read_text("utf-8")
    table = "".join(line for line in page.splitlines() if line.startswith("| `"))
    assert (
        set(re.findall(r"`([\w-]+)`", table.replace("`klavier serve`", "").replace("`klavier sandbox`", ""))) == EXTRAS
    )
