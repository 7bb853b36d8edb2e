"""A real browser, where one is installed: opens a page of ours and tells what became of it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.waiting import LONG

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDS_A_BROWSER = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium here: install the package chromium to run this"
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
)
"""Headless, with no connection but those of the page."""


def executable() -> str:
    """Return the path of the browser; for tests that are skipped where there is none."""
    assert BROWSER is not None
    return BROWSER


def opened(text: str, folder: Path) -> tuple[str, str]:
    """Open a page; gives the document as it then is, and what the console had to say."""
    file = folder / "page.html"
    file.write_text(text, "utf-8")
    done = subprocess.run(  # noqa: S603 -- the browser that is installed, on a page of ours
        [
            executable(),
            *FLAGS,
            "--virtual-time-budget=5000",
            "--dump-dom",
            f"--user-data-dir={folder / 'profile'}",
            file.as_uri(),
        ],
        capture_output=True,
        timeout=LONG,
        check=True,
        env={**os.environ, "HOME": str(folder)},
    )
    log = done.stderr.decode("utf-8", "replace")
    return done.stdout.decode("utf-8"), "\n".join(line for line in log.splitlines() if "CONSOLE" in line)
