"""`klavier new-vendor`: a plugin under a name of one's own; tests/end_to_end installs one and tests all of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.repository import ROOT

TEMPLATE = ROOT / "docs" / "plugin-template"


def test_the_files_bear_the_name_and_the_tests_pass(run: Run, folder: Path) -> None:
    output = run("new-vendor", "my-shop").output
    written = {
        path.relative_to(folder).as_posix() for path in (folder / "klavier-my-shop").rglob("*") if path.is_file()
    }
    module, test = "klavier-my-shop/klavier_my_shop.py", "klavier-my-shop/tests/test_my_shop.py"
    assert written == {module, test, "klavier-my-shop/README.md", "klavier-my-shop/pyproject.toml"}
    assert all(name in output for name in written)
    assert "pip install './klavier-my-shop[test]'" in output  # brings pytest, which the next line needs
    assert "python -m pytest klavier-my-shop\n" in output
    text = "".join((folder / name).read_text("utf-8") for name in written)
    assert "igeonry" not in text
    assert 'my-shop = "klavier_my_shop"' in text
    # The two tests of its own; those of the conformance class run in tests/end_to_end.
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "letter", "-W", "error"]
    done = subprocess.run(words, cwd=folder / "klavier-my-shop", capture_output=True, text=True, check=False)  # noqa: S603 -- ours
    assert "2 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My Shop", "NAME: write small letters"),
        ("../shop", "NAME: write small letters"),
        ("rudderstack", "NAME: rudderstack is taken already"),
        ("settings", "NAME: settings is taken already"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(run: Run, folder: Path, name: str, message: str) -> None:
    result = run("new-vendor", name)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(folder.glob("klavier-*"))


def test_a_folder_is_not_overwritten(run: Run, folder: Path) -> None:
    (folder / "klavier-shop").mkdir()
    result = run("new-vendor", "shop")
    assert (result.exit_code, list((folder / "klavier-shop").iterdir())) == (2, [])
    assert "--output" in result.stderr
    assert run("new-vendor", "shop", "--output", "elsewhere").exit_code == 0
    assert (folder / "elsewhere" / "klavier_shop.py").is_file()
