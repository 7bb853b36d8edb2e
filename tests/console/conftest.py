from pathlib import Path

import pytest

from klavier.console import figures
from tests.support.web_console import PASSWORD, TOKEN, Shop


@pytest.fixture(autouse=True)
def read_figures_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show each visitor the present figures, and not those of the last second."""
    monkeypatch.setattr(figures, "_FRESH_SECONDS", -1.0)
    monkeypatch.setattr(figures, "_LETTERS_SECONDS", -1.0)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a console that everybody of this machine may open."""
    return Shop(tmp_path)


@pytest.fixture
def closed_shop(tmp_path: Path) -> Shop:
    """Return a console with a password and a token."""
    return Shop(tmp_path, f'password = "{PASSWORD}"\ntoken = "{TOKEN}"\nhosts = ["shop.example"]')
