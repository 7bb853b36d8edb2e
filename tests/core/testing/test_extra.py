"""What is missing is said with its remedy; and what does not need it works on."""

import subprocess
import sys

import pytest

WITHOUT = "import sys; sys.modules[{name!r}] = None\n"


def run(name: str, code: str) -> str:
    """Run code in a Python where a library is missing."""
    whole = WITHOUT.format(name=name) + code
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False)  # noqa: S603 -- our own code
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["VendorConformance", "strategies"])
def test_without_hypothesis(name: str) -> None:
    said = run("hypothesis", f"from klavier.testing import {name}")
    assert "UsageError: klavier.testing needs hypothesis; try: pip install 'klavier[testing]'" in said


def test_the_fixtures_and_invariants_need_no_hypothesis() -> None:
    """pytest loads the fixtures wherever klavier is installed."""
    assert run("hypothesis", "import klavier.testing.fixtures, klavier.testing.invariants as i; print(i.PLANTS)") != ""
    assert "Error" not in run("hypothesis", "import klavier.testing.fixtures, klavier.testing.invariants")


def test_without_jsonschema_rs() -> None:
    said = run("jsonschema_rs", "import pathlib, klavier.testing; klavier.testing.Schemas(pathlib.Path())")
    assert "UsageError: judging requests by schemas needs jsonschema-rs; try: pip install 'klavier[schemas]'" in said


def test_other_names_are_missing_as_usual() -> None:
    assert "AttributeError: module 'klavier.testing' has no attribute 'nothing'" in run(
        "nothing", "import klavier.testing; klavier.testing.nothing"
    )
