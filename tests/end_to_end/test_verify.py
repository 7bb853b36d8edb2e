"""A platform delivers in one process, another one verifies; and the page in a real browser."""

import os
import subprocess
import sys
from pathlib import Path

from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.support.browser import NEEDS_A_BROWSER, opened
from tests.support.verification import FAULTS, KEY, LIST, day, lines, with_faults
from tests.support.waiting import LONG

EVENTS = day(people=12, events=96)


def klavier(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own."""
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "klavier", *arguments],
        cwd=folder,
        env={**os.environ, "KLAVIYO_PRIVATE_API_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


@NEEDS_A_BROWSER
def test_five_faults_of_a_platform(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(f'api_version = "v3"\nlist_id = "{LIST}"\nconsent = ["email"]\n')
    (tmp_path / "events.jsonl").write_text(lines(EVENTS))
    faulty = [sent for event in EVENTS for sent in with_faults(event, list(FAULTS.values()))]
    (tmp_path / "delivered.jsonl").write_text(lines(faulty))
    sandbox = Sandbox(KEY, "SNDBX1", rate_limits=True)
    sandbox.add_list("Newsletter", LIST, "single_opt_in")
    with SandboxServer(sandbox) as server:
        options = ("--vendor", "rudderstack", "--settings", "settings.toml", "--sandbox", server.url)
        sent = klavier(tmp_path, "send", "delivered.jsonl", *options)
        assert sent.returncode == 0, sent.stderr
        found = klavier(tmp_path, "verify", "events.jsonl", *options, "--output", "page.html")
    assert found.returncode == 1, found.stderr
    for named in (
        "- Event properties: 1 missing (quantity).",
        "- The metric Product Viewed is Viewed Product in Klaviyo (",
        "- Consent differs for 2 profiles: email marketing missing (2).",
        "events are there more than once, and counted as often: Order Completed.",
        "- No event from 2026-11-20 12:0",
    ):
        assert named in found.stdout
    document, console = opened((tmp_path / "page.html").read_text("utf-8"), tmp_path)
    assert console == ""
    assert "Viewed Product" in document
