"""What the pages show of the command line and the configuration is what those are."""

import io
from contextlib import redirect_stdout

import pytest
from cogapp import Cog  # type: ignore[import-untyped]  # it has no types

from tests.support.repository import ROOT


@pytest.mark.parametrize("page", ["cli.md", "configuration.md"])
def test_generated_parts_are_current(page: str) -> None:
    """Bring them up to date with `python -m cogapp -r docs/reference/cli.md docs/reference/configuration.md`."""
    output = io.StringIO()
    with redirect_stdout(output):
        code = Cog().main(["cog", "--check", "--diff", str(ROOT / "docs" / "reference" / page)])
    assert code == 0, output.getvalue()
