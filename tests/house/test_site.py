"""The pages as a reader needs them: for whom each is, messages that exist, and no misspelled word."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import ROOT, modules, name, pages

HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
SPELLED = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs", "core/src", "plugins", "tests"]
PAGES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs"]
SKIPPED = "_build,node_modules,*.json,*.jsonl,*.svg,*.png,*.csv,*.parquet,*.txt,__pycache__,*.egg-info"


def first_paragraph(page: Path) -> str:
    title, rest = page.read_text("utf-8").split("\n", 1)
    assert title.startswith("# ")
    return rest.strip().split("\n\n", 1)[0]


@pytest.mark.parametrize("page", HOW_TO, ids=name)
def test_a_guide_names_its_readers_first(page: Path) -> None:
    assert first_paragraph(page).startswith("This page is for ")


def texts_of_the_code() -> str:
    """Return the texts in the code, those of several parts joined, and with the gaps of f-strings."""
    found = []
    for path in modules("core/src", "plugins/*/src"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append(
                    "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def test_messages_that_are_explained_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "how-to" / "troubleshoot.md").read_text("utf-8")
    messages = re.findall(r"^\| `([^`]+)`", page, re.MULTILINE)
    assert len(messages) > 20
    texts = texts_of_the_code()
    assert [message for message in messages if message not in texts] == []


def misspelled(*arguments: str) -> str:
    """Return what codespell complains of."""
    pytest.importorskip("codespell_lib", reason="codespell is not installed")
    words = str(ROOT / "docs" / "words.txt")
    command = [sys.executable, "-m", "codespell_lib", "--ignore-words", words, "--skip", SKIPPED, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 -- reads our own files
    assert done.returncode in (0, 65), done.stderr
    return done.stdout


def test_no_word_is_misspelled() -> None:
    assert misspelled(*SPELLED) == ""


def test_pages_are_spelled_as_klaviyos_documents() -> None:
    assert misspelled("--builtin", "en-GB_to_en-US", *PAGES) == ""


def test_a_misspelled_word_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("We rec" + "ieve it.\n")
    assert "receive" in misspelled(str(tmp_path))


def test_every_word_of_the_word_list_is_used() -> None:
    text = "".join(path.read_text("utf-8").lower() for path in [*modules(), *pages()])
    listed = (ROOT / "docs" / "words.txt").read_text("utf-8").split()
    assert [word for word in listed if word not in text] == []
